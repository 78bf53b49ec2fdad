import { expect, test } from "vitest";
import { alarmText } from "../../../src/client/admin/alarm-text.ts";
import { KvState } from "../../../src/store/index.ts";
import { alarmsOf, lackOf, type AlarmSource } from "../../../src/server/node/alarms.ts";
import { DiskFullError, TooManyFilesError } from "../../../src/machine/ports/disk.ts";
import { Space } from "../../../src/replica/writes/space.ts";

const NOTHING = { count: 0, lastIdx: null };
const source = (over: Partial<AlarmSource> = {}): AlarmSource => ({
  alarms: [],
  joining: null,
  verdict: { kind: "agrees" },
  space: { lack: null },
  state: new KvState(),
  ...over,
});

test("a node with nothing wrong raises no alarm", () => {
  expect(alarmsOf(source(), NOTHING, null)).toEqual([]);
});

test("an entry that cannot be read is an alarm, with its index", () => {
  const [alarm] = alarmsOf(source(), { count: 1, lastIdx: 7 }, null);
  expect(alarm).toEqual({ kind: "unreadableEntry", idx: 7, entries: 1 });
  expect(alarmText(alarm!)).toMatch(/^entry 7 of the log cannot be read/);
  const [several] = alarmsOf(source(), { count: 3, lastIdx: 9 }, null);
  expect(alarmText(several!)).toMatch(/^entry 9 of the log, the last of 3, cannot be read/);
});

test.each([
  ["quota", /0\.0 MiB of the quota of 384\.0 MiB.*config set quota/],
  ["heap", /its memory is short.*larger heap/],
] as const)("a lack of space is an alarm, and says whether it is the %s", (cause, text) => {
  const [alarm] = alarmsOf(source({ space: { lack: cause } }), NOTHING, null);
  expect(alarm).toMatchObject({ kind: "noSpace", cause, usedBytes: 0 });
  expect(alarmText(alarm!)).toMatch(text);
});

test.each([
  [new DiskFullError("x"), "space", /^its disk is full: until there is room it refuses writes/],
  [new TooManyFilesError("x"), "files", /^it can open no more files: .* raise the limit/],
] as const)("a disk that takes nothing is an alarm (%s)", (lack, cause, text) => {
  const [alarm] = alarmsOf(source(), NOTHING, lack);
  expect(alarm).toEqual({ kind: "diskFull", cause });
  expect(alarmText(alarm!)).toMatch(text);
});

test("a node that cannot keep the snapshot it needs lacks room, although its log has some", () => {
  const lack = new DiskFullError("x");
  const of = (catchUp: { readonly isStuck: boolean } | null): DiskFullError | null =>
    lackOf({
      storage: { lack: null },
      replica: { catchUp },
      snapshots: { receiveLack: lack },
    });
  expect(of({ isStuck: true })).toBe(lack);
  expect(of({ isStuck: false })).toBeNull();
  // A peer has sent the log instead: what could not be kept then is wanted no more.
  expect(of(null)).toBeNull();
});

test.each([
  [[], 2, "2 other nodes must be connected and agree, none has so far"],
  [[2], 2, "2 other nodes must be connected and agree, node 2 has so far"],
  [[2, 3], 3, "3 other nodes must be connected and agree, nodes 2 and 3 have so far"],
  [[], 1, "1 other node must be connected and agree, none has so far"],
] as const)(
  "who has agreed to a new disk are nodes, not a number of them (%j)",
  (confirmed, needed, text) => {
    const [alarm] = alarmsOf(source({ joining: { confirmed, needed } }), NOTHING, null);
    expect(alarmText(alarm!)).toContain(text);
  },
);

test("the quota counts as used up when the largest value does not fit any more; the own heap comes first", () => {
  let contentBytes = 0;
  const state = {
    quotaBytes: 2 ** 30,
    get contentBytes() {
      return contentBytes;
    },
  } as KvState;
  const space = new Space(
    1,
    () => state,
    () => 0,
  );
  expect(space.lack).toBeNull();
  contentBytes = 2 ** 30 - 2 ** 21;
  expect(space.lack).toBeNull();
  contentBytes = 2 ** 30 - 2 ** 20;
  expect(space.lack).toBe("quota");
  space.setLevel("short", 2 ** 30);
  expect(space.lack).toBe("heap");
  space.setLevel("enough", 2 ** 30);
  contentBytes = 0;
  expect(space.lack).toBeNull();
});

test("a peer with another log is an alarm", () => {
  const [alarm] = alarmsOf(source(), NOTHING, null, [3]);
  expect(alarm).toEqual({ kind: "otherLog", peer: 3 });
  expect(alarmText(alarm!)).toMatch(/^node 3 is of another cluster, or of this one begun anew/);
});
