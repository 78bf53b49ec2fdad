/** Which lines a frame adds to the audit log, and how many. */
import { expect, test } from "vitest";
import type { AuditRecord } from "../../../src/machine/ports/audit.ts";
import { decodeClientFrame, ReadsWriter } from "../../../src/protocol/client/client.ts";
import { recordFrame } from "../../../src/server/gateway/audit-frame.ts";
import { openSessionFrame } from "../../../src/client/core/frames.ts";
import {
  EMPTY_ACCESS,
  GroupWriter,
  KvState,
  type AccessState,
  type Actor,
} from "../../../src/store/index.ts";

const ANN: Actor = { name: "ann", generation: 1 };
const ON: AccessState = {
  ...EMPTY_ACCESS,
  isOn: true,
  users: new Map([["ann", { name: "ann", generation: 1, passwordHash: "", roles: [] }]]),
};

function recordsOf(
  keys: readonly string[],
  actor: Actor | null,
  access = ON,
): readonly AuditRecord[] {
  const writer = new ReadsWriter();
  for (const [i, key] of keys.entries()) writer.read(i + 1, Buffer.from(key));
  const frame = writer.take(true, 0);
  const records: AuditRecord[] = [];
  const asker = { access, leases: new KvState().leases, actor, from: "there" };
  const audit = { record: (record: AuditRecord) => void records.push(record) };
  recordFrame(audit, asker, frame, decodeClientFrame(frame));
  return records;
}

const many = Array.from({ length: 4096 }, (_, i) => `k${i}`);

test("all reads of a frame that are refused to who has not signed in are one line, with some of the keys", () => {
  const refused = { user: null, from: "there", operation: "read", allowed: false };
  const keys = many.slice(0, 16).join(" ");
  expect(recordsOf(many, null)).toEqual([{ ...refused, keys, times: 4096 }]);
  expect(recordsOf(["a"], null)).toEqual([{ ...refused, keys: "a" }]);
});

test("of a user each key is noted, and what is equal is one line", () => {
  const refused = { user: "ann", from: "there", operation: "read", allowed: false };
  expect(recordsOf(many, ANN)).toHaveLength(4096);
  expect(recordsOf([...many.slice(1).map(() => "a"), "b"], ANN)).toEqual([
    { ...refused, keys: "a", times: 4095 },
    { ...refused, keys: "b" },
  ]);
});

test("who may write nothing has the refusal of the session taken down, with which writes begin", () => {
  const frame = openSessionFrame(new GroupWriter(), new Uint8Array(16).fill(7));
  const records: AuditRecord[] = [];
  const audit = { record: (record: AuditRecord) => void records.push(record) };
  const said = (actor: Actor | null): readonly AuditRecord[] => {
    records.length = 0;
    const asker = { access: ON, leases: new KvState().leases, actor, from: "there" };
    recordFrame(audit, asker, frame, decodeClientFrame(frame));
    return [...records];
  };
  const ofCertificate: Actor = { name: "stranger", generation: 0 };
  const refused = { from: "there", operation: "openSession", keys: null, allowed: false };
  expect(said(ofCertificate)).toEqual([{ ...refused, user: "stranger" }]);
  expect(said(null)).toEqual([{ ...refused, user: null }]);
  expect(said(ANN)).toEqual([]);
});

test("what is allowed is a line each", () => {
  expect(recordsOf(["a", "a"], null, EMPTY_ACCESS)).toMatchObject([
    { keys: "a", allowed: true },
    { keys: "a", allowed: true },
  ]);
});
