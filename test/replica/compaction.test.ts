/** When a snapshot is due: in proportion to the state, whether this node wrote the last one, found it or got it. */
import { describe, expect, test } from "vitest";
import { CompactionSchedule } from "../../src/replica/snapshots/compaction.ts";

const POLICY = {
  logBytesMin: 100,
  entriesMax: 1000,
  stateShare: 0.5,
  historyShare: 2,
  retainedEntries: 0,
  retainedBytes: 0,
  fetchedBytes: 0,
};

/** Bytes of log, ten at a time, until a snapshot is due. */
function dueAfter(schedule: CompactionSchedule): number {
  let bytes = 0;
  for (; !schedule.isDue; bytes += 10) schedule.applied(10);
  return bytes;
}

describe("a snapshot is due", () => {
  test("after a minimum of log, when there is no state to speak of", () => {
    expect(dueAfter(new CompactionSchedule(POLICY, 0))).toBe(100);
    expect(dueAfter(new CompactionSchedule(POLICY, 150))).toBe(100);
  });

  test("after half as much log as there is state, at a restart too", () => {
    expect(dueAfter(new CompactionSchedule(POLICY, 4000))).toBe(2000);
  });

  test("after half of the state that was written last", () => {
    const schedule = new CompactionSchedule(POLICY, 0);
    dueAfter(schedule);
    schedule.begin(0);
    schedule.applied(500);
    expect(schedule.isDue).toBe(false);
    schedule.end(6000);
    expect(dueAfter(schedule)).toBe(2500);
  });

  test("and is late when its share of the log for the next one, twice over, has outrun it", () => {
    const schedule = new CompactionSchedule(POLICY, 4000);
    dueAfter(schedule);
    schedule.begin(0);
    // At most 6000 bytes, to be written within 1000 of log.
    expect(schedule.isLate(0)).toBe(false);
    schedule.applied(100);
    expect(schedule.isLate(599)).toBe(true);
    expect(schedule.isLate(600)).toBe(false);
    schedule.applied(900);
    expect(schedule.isLate(5999)).toBe(true);
  });

  test("later when what was written last is history, which the next one writes anew", () => {
    const schedule = new CompactionSchedule(POLICY, 0);
    dueAfter(schedule);
    schedule.begin(1000);
    schedule.end(3000);
    expect(dueAfter(schedule)).toBe(1000 + 2000);
  });

  test("counted anew from a state that came from a peer", () => {
    const schedule = new CompactionSchedule(POLICY, 0);
    schedule.applied(90);
    schedule.installed(1000);
    expect(dueAfter(schedule)).toBe(500);
  });

  test("after many small entries", () => {
    const schedule = new CompactionSchedule(POLICY, 1e9);
    for (let i = 0; i < 999; i++) schedule.applied(1);
    expect(schedule.isDue).toBe(false);
    schedule.applied(1);
    expect(schedule.isDue).toBe(true);
  });
});

describe("the log is cut", () => {
  const policy = { ...POLICY, retainedEntries: 10, retainedBytes: 40, fetchedBytes: 100 };
  const cut = (fetchedIdx: number | null, entryBytes = 1, compactedIdx = 0): number =>
    new CompactionSchedule(policy, 0).cut(200, compactedIdx, fetchedIdx, () => entryBytes);

  test("a little below the snapshot, by entries and by bytes", () => {
    expect(cut(null)).toBe(190);
    expect(cut(null, 10)).toBe(196);
    expect(cut(null, 50)).toBe(200);
    expect(cut(null, 1, 195)).toBe(195);
  });

  test("no higher than what a peer is fetching, while that is not too much", () => {
    expect(cut(150)).toBe(150);
    expect(cut(195)).toBe(190);
    expect(cut(100)).toBe(100);
    expect(cut(99)).toBe(190);
    expect(cut(150, 2)).toBe(150);
    expect(cut(149, 2)).toBe(190);
    expect(cut(50, 1, 120)).toBe(120);
  });
});
