/** A state that is full refuses what makes it grow, and nothing else; alike on all nodes. */
import { describe, expect, test } from "vitest";
import { QUOTA_BYTES_MIN } from "../../src/base/limits.ts";
import { ERRORS } from "../../src/base/errors.ts";
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  SnapshotDecoder,
  splitGroup,
  STATUS,
  textOf,
  validateEntry,
} from "../../src/store/index.ts";
import { validateGroup } from "../../src/store/entries/group-check.ts";
import {
  firstVersionEntryOf,
  groupBytes,
  key,
  open,
  RecordingSink,
  run,
  snapshotBytes,
  type Command,
} from "./helpers.ts";

const NO_SPACE = ERRORS.NO_SPACE.wire;
const VALUE = "v".repeat(1000);
const write = (key: string, value = VALUE): Command => ({ op: "write", key, value });

function setQuota(state: KvState, quota: number): void {
  const writer = new GroupWriter();
  writer.add(1, { kind: "setQuota", quotaBytes: quota });
  const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(NO_SESSION, 0)]);
  expect(validateEntry(entry)).toBeNull();
  state.apply(entry, state.appliedIdx);
}

/** Full: not one more key of this size. */
function full(): { state: KvState; session: number; next: number } {
  const state = new KvState();
  setQuota(state, QUOTA_BYTES_MIN);
  const session = open(state, 1);
  let sequence = 1;
  for (; ; sequence++) {
    const { status } = run(state, session, sequence, write(`key${sequence}`), sequence);
    if (status === NO_SPACE) break;
    expect(status).toBe(STATUS.ok);
    expect(state.contentBytes).toBeLessThanOrEqual(QUOTA_BYTES_MIN);
  }
  return { state, session, next: sequence + 1 };
}

describe("a full state", () => {
  test("is as large as its quota, but for one key", () => {
    const { state } = full();
    expect(state.contentBytes).toBeLessThanOrEqual(QUOTA_BYTES_MIN);
    expect(state.contentBytes).toBeGreaterThan(QUOTA_BYTES_MIN - 2000);
    expect(state.quotaBytes).toBe(QUOTA_BYTES_MIN);
  });

  test("is not made of what sessions keep, with which nobody could make room", () => {
    const state = new KvState();
    setQuota(state, QUOTA_BYTES_MIN);
    const large = "v".repeat(100_000);
    const first = open(state, 1);
    run(state, first, 1, write("only", large));
    for (let n = 2; n < 40; n++) {
      const session = open(state, n);
      const failed = run(state, session, 1, { op: "casAbsent", key: "only", value: "" });
      expect(failed.status).toBe(STATUS.casFailed);
    }
    expect(state.sizeBytes).toBeGreaterThan(2 * QUOTA_BYTES_MIN);
    expect(state.contentBytes).toBeLessThan(200_000);
    expect(run(state, first, 2, write("more", large)).status).toBe(STATUS.ok);
  });

  test("refuses new keys and longer values by every command, and nothing has changed then", () => {
    const { state, session, next } = full();
    const before = [state.revision, state.size];
    const refused: readonly Command[] = [
      write("new"),
      { op: "casAbsent", key: "new", value: VALUE },
      write("key1", VALUE + VALUE),
      { op: "casValue", key: "key1", expected: VALUE, value: VALUE + VALUE },
      { op: "casRevision", key: "key1", revision: 1, value: VALUE + VALUE },
    ];
    refused.forEach((command, i) => {
      expect(run(state, session, next + i, command, next)).toMatchObject({ status: NO_SPACE });
    });
    expect([state.revision, state.size]).toEqual(before);
  });

  test("takes deletes, equal and shorter values, and what fails anyway; and goes on by itself after deletes", () => {
    const { state, session, next } = full();
    const taken: readonly (readonly [Command, number])[] = [
      [write("key1", VALUE.replaceAll("v", "w")), STATUS.ok],
      [{ op: "casValue", key: "key2", expected: "x", value: VALUE }, STATUS.casFailed],
      [write("key3", "short"), STATUS.ok],
      [{ op: "delete", key: "key4" }, STATUS.ok],
      [{ op: "delete", key: "nothing" }, STATUS.notFound],
      [{ op: "noop" }, STATUS.ok],
      [write("new"), STATUS.ok],
    ];
    taken.forEach(([command, status], i) => {
      expect(run(state, session, next + i, command, next + i).status).toBe(status);
    });
  });

  test("a command that was refused stays refused when it comes again, though there is space by then", () => {
    const { state, session, next } = full();
    const refused = run(state, session, next, write("new"), next);
    expect(refused.status).toBe(NO_SPACE);
    for (let i = 1; i < 20; i++)
      run(state, session, next + i, { op: "delete", key: `key${i}` }, next);
    expect(run(state, session, next, write("new"), next)).toMatchObject({ status: NO_SPACE });
    expect(state.read(key("new"))).toBeUndefined();
    // Asked anew, under another number, it is carried out. A snapshot in between changes nothing.
    const decoder = new SnapshotDecoder();
    decoder.push(snapshotBytes(state.clone()));
    while (decoder.step(Infinity));
    const decoded = decoder.finish();
    for (const each of [state, decoded]) {
      expect(each.quotaBytes).toBe(QUOTA_BYTES_MIN);
      expect(run(each, session, next, write("new"), next).status).toBe(NO_SPACE);
      expect(run(each, session, next + 30, write("new"), next).status).toBe(STATUS.ok);
    }
    expect(decoded.hash()).toBe(state.hash());
  });

  test("has room when the quota is raised, and none when it is lowered", () => {
    const { state, session, next } = full();
    setQuota(state, 2 * QUOTA_BYTES_MIN);
    expect(run(state, session, next, write("new")).status).toBe(STATUS.ok);
    setQuota(state, QUOTA_BYTES_MIN);
    expect(run(state, session, next + 1, write("newer")).status).toBe(NO_SPACE);
    expect(run(state, session, next + 2, { op: "delete", key: "new" }).status).toBe(STATUS.ok);
  });

  test("takes everything of entries of version 1, as it always did", () => {
    const { state, session, next } = full();
    const entry = firstVersionEntryOf({ session, floor: 0, commands: [[next, write("new")]] });
    const sink = new RecordingSink();
    state.apply(entry, state.appliedIdx, sink);
    expect(sink.answers[0]?.status).toBe(STATUS.ok);
  });

  test("says where most of it is", () => {
    const state = new KvState();
    const session = open(state, 1);
    for (let i = 0; i < 3000; i++) {
      const name = i % 10 < 6 ? `logs/2024/${i}` : i % 10 < 9 ? `user:${i}` : `x${i}`;
      run(state, session, i, write(name, "v".repeat(100)), i);
    }
    const found = state.largestPrefixes();
    expect(found.map(({ prefix }) => textOf(prefix)).slice(0, 2)).toEqual(["logs/", "user:"]);
    expect(found[0]!.share).toBeGreaterThan(0.5);
    expect(found[0]!.share).toBeLessThan(0.7);
    expect(new KvState().largestPrefixes()).toEqual([]);
  });
});

describe("the quota", () => {
  const group = (quota: number): Uint8Array => {
    const writer = new GroupWriter();
    writer.add(1, { kind: "setQuota", quotaBytes: quota });
    return writer.take(NO_SESSION, 0);
  };

  test("is not set by clients, nor by entries of version 1, nor too small, nor within a session", () => {
    const set = group(QUOTA_BYTES_MIN);
    expect(validateGroup(set)).toMatchObject({ code: "BAD_REQUEST" });
    expect(validateGroup(set, 0, "node")).toBe(set.length);
    const origin = { node: 1, nonce: 1, batch: 1 };
    expect(validateEntry(buildEntry(origin, [set]))).toBeNull();
    expect(validateEntry(buildEntry(origin, [set], 1))).toMatchObject({ code: "BAD_REQUEST" });
    const small = Uint8Array.from([0, 0, 1, 1, 16, 5]);
    expect(validateGroup(small, 0, "node")).toMatchObject({ code: "BAD_REQUEST" });
    const inSession = Uint8Array.from([3, ...set.subarray(1)]);
    expect(validateGroup(inSession, 0, "node")).toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("a group that is split", () => {
  test("keeps the other commands to the byte, and tells what was taken out", () => {
    const commands = [1, 2, 3, 5, 9].map(
      (n) =>
        [n, n === 2 || n === 5 ? { op: "delete" as const, key: `k${n}` } : write(`k${n}`)] as const,
    );
    const group = groupBytes({ session: 2 ** 52 + 7, floor: 1, commands });
    const { group: kept, commands: count, taken } = splitGroup(group, ({ op }) => op === 1);
    const expected = commands.filter(([, { op }]) => op === "delete");
    expect(kept).toEqual(groupBytes({ session: 2 ** 52 + 7, floor: 1, commands: expected }));
    expect(count).toBe(2);
    expect(taken).toEqual([
      { first: 1, count: 1 },
      { first: 3, count: 1 },
      { first: 9, count: 1 },
    ]);
    expect(validateGroup(kept!)).toBe(kept!.length);
    expect(splitGroup(group, () => true)).toMatchObject({ group: null, commands: 0 });
    expect(splitGroup(group, () => false).group).toEqual(group);
  });
});
