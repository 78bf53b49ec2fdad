/**
 * What version 0.1 of the table wrote: bytes of groups, frames, entries and a snapshot that were recorded before operations
 * were written once. A log, a snapshot and a client of that time are read as they were, and what is written is the same.
 */
import { describe, expect, test } from "vitest";
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  openingEntry,
  SnapshotDecoder,
  validateEntry,
} from "../../../src/store/index.ts";
import { OP, OP_NAMES, OPERATIONS, type Command } from "../../../src/store/operations/index.ts";
import { decodeClientFrame, takeWritesFrame } from "../../../src/protocol/client/client.ts";
import recorded from "./recorded.json" with { type: "json" };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const ORIGIN = { node: 2, nonce: 0xdeadbeef };
const [KEY, OTHER] = [utf8("key"), utf8("other")];
const SESSIONLESS: readonly [number, Command][] = [
  [3, { kind: "openSession", nonce: new Uint8Array(16).map((_, i) => i) }],
  [4, { kind: "setQuota", quotaBytes: 123_456_789 }],
  [5, { kind: "noop" }],
];
const IN_SESSION: readonly [number, Command][] = [
  [7, { kind: "write", key: KEY, value: utf8("value") }],
  [8, { kind: "casValue", key: KEY, expected: utf8("value"), value: utf8("next") }],
  [9, { kind: "casAbsent", key: OTHER, value: utf8("") }],
  [300, { kind: "casRevision", key: OTHER, revision: 3, value: utf8("é\u0000") }],
  [301, { kind: "delete", key: KEY }],
  [302, { kind: "casValue", key: OTHER, expected: utf8("no"), value: utf8("next") }],
  [303, { kind: "noop" }],
];

function written(commands: readonly [number, Command][]): GroupWriter {
  const writer = new GroupWriter();
  for (const [sequence, command] of commands) writer.add(sequence, command);
  return writer;
}

function groups(): readonly Uint8Array[] {
  return [
    written(SESSIONLESS).take(NO_SESSION, 0),
    written(IN_SESSION).take(recorded.session, 7),
    written([[304, { kind: "closeSession" }]]).take(recorded.session, 304),
  ];
}

describe("what was recorded", () => {
  test("groups, frames and entries are written with the same bytes", () => {
    expect(groups().map(hex)).toEqual(recorded.groups);
    expect(hex(takeWritesFrame(written(IN_SESSION), recorded.session, 7))).toBe(recorded.frame);
    const entries = groups().map((group, i) => buildEntry({ ...ORIGIN, batch: 300 + i }, [group]));
    expect(entries.map(hex)).toEqual(recorded.entries);
    const round = { n: 77, pid: 3, salt: 0x01020304 };
    expect(hex(openingEntry(entries[1] ?? new Uint8Array(0), round) ?? KEY)).toBe(recorded.opening);
  });

  test("the frame of an old client is taken", () => {
    const frame = decodeClientFrame(unhex(recorded.frame));
    expect(frame).toMatchObject({ kind: "writes", count: IN_SESSION.length });
  });

  test("an old log leads to the same state", () => {
    const state = new KvState();
    const [first, , third] = recorded.entries.map(unhex);
    for (const entry of [first, unhex(recorded.opening)]) {
      expect(validateEntry(entry ?? KEY)).toBeNull();
      state.apply(entry ?? KEY, state.appliedIdx);
    }
    expect(state.hash()).toBe(recorded.hashAfterTwo);
    state.apply(third ?? KEY, 2);
    expect(state.hash()).toBe(recorded.hashAfterThree);
    expect(state.unreadable.count).toBe(0);
  });

  test("an old snapshot is read, and goes on as the state does", () => {
    const decoder = new SnapshotDecoder();
    decoder.push(unhex(recorded.snapshotAfterTwo));
    while (decoder.step(1 << 20)) continue;
    const state = decoder.finish();
    expect(state.hash()).toBe(recorded.hashAfterTwo);
    state.apply(unhex(recorded.entries[2] ?? ""), 2);
    expect(state.hash()).toBe(recorded.hashAfterThree);
  });
});

describe("the table", () => {
  test("no two operations have one code, and old ones have the code that they had", () => {
    const codes = OP_NAMES.map((name) => OPERATIONS[name].code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(OP).toMatchObject({
      ...{ write: 1, delete: 2, casValue: 3, casAbsent: 4, casRevision: 5 },
      ...{ openSession: 6, closeSession: 7, noop: 8, setQuota: 16 },
    });
  });
});
