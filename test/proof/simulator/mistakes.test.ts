/** What people do wrong with data directories, and what comes of it: noticed, or nothing lost. */
import { describe, expect, test } from "vitest";
import { seeds } from "../../repetitions.ts";
import { DiskStage } from "./disk-stage.ts";

/** What was done is told with a mark, and that is on the peers' disks. */
const MARK_MS = 2500;

const SEEDS = seeds(1, 4);

describe.each(SEEDS)("seed %i", (seed) => {
  test.each([
    [3, 5],
    [5, 3],
    [3, 1],
    [3, 2],
  ])(
    "a cluster of %i on the same data as one of %i: each node refuses, and nothing is lost",
    (nodes, size) => {
      const stage = new DiskStage(nodes, seed);
      const { world } = stage.scenario;
      const ids = Array.from({ length: size }, (_, i) => i + 1);
      world.trust.touch();
      for (const node of stage.order) stage.down(node, "stop");
      const members = stage.order.filter((node) => node < size);
      for (const node of members) stage.up(node, { peerAddresses: world.addresses(ids) });
      stage.run();
      for (const node of members) expect(stage.noticed(node)).toBe("MEMBERS_MISMATCH");
      for (const node of stage.order) stage.up(node);
      stage.run();
      for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    },
  );

  test("a disk from an older copy is refused by who has met a later start, and nothing is lost", () => {
    const stage = new DiskStage(3, seed);
    const [leader, behind, restored] = stage.order as [number, number, number];
    stage.down(restored, "stop");
    const copy = stage.node(restored).image();
    stage.up(restored);
    stage.run();
    stage.down(behind);
    expect(stage.write(leader)).toBe(true);
    stage.down(restored);
    stage.put(restored, copy);
    stage.up(restored);
    stage.run();
    expect(stage.noticed(restored)).toBe("WENT_BACK");
    stage.up(behind);
    stage.run();
    for (const node of [leader, behind]) expect(stage.lostAt(node)).toEqual([]);
  });

  test("a disk from a copy of the same start is refused by what it had told", () => {
    const stage = new DiskStage(3, seed);
    const [leader, behind, restored] = stage.order as [number, number, number];
    const copy = stage.node(restored).image();
    stage.down(behind);
    expect(stage.write(leader)).toBe(true);
    stage.run();
    stage.down(restored);
    stage.put(restored, copy);
    stage.up(restored);
    stage.run();
    expect(stage.noticed(restored)).toBe("WENT_BACK");
    stage.up(behind);
    stage.run();
    for (const node of [leader, behind]) expect(stage.lostAt(node)).toEqual([]);
  });

  test("where nobody who is up could know, an older copy is noticed as soon as who knows is back", () => {
    const stage = new DiskStage(3, seed);
    const [knowing, behind, restored] = stage.order as [number, number, number];
    stage.down(behind, "stop");
    stage.down(restored, "stop");
    const copy = stage.node(restored).image();
    stage.up(restored);
    stage.until(() => stage.leader !== null);
    expect(stage.write(knowing)).toBe(true);
    stage.run();
    stage.down(knowing);
    stage.down(restored);
    stage.put(restored, copy);
    stage.up(restored);
    stage.up(behind);
    stage.run();
    expect(stage.scenario.world.trust.beyond).not.toBe(null);
    stage.up(knowing);
    stage.run();
    expect(stage.noticed(restored)).toBe("WENT_BACK");
  });

  // By the hashes of their states, before either's core could compare entries, or add one log's tail to the other.
  test.each([
    [6, 1],
    [3, 8],
  ])(
    "decided without what is decided: %i writes here and %i there are noticed when the two meet",
    (before, after) => {
      const stage = new DiskStage(3, seed);
      const [knowing, behind, restored] = stage.order as [number, number, number];
      stage.down(behind, "stop");
      stage.down(restored, "stop");
      const copy = stage.node(restored).image();
      stage.up(restored);
      stage.until(() => stage.leader !== null);
      for (let i = 0; i < before; i++) expect(stage.write(knowing)).toBe(true);
      stage.run();
      stage.down(knowing, "stop");
      stage.down(restored);
      stage.put(restored, copy);
      stage.up(restored);
      stage.up(behind);
      stage.run();
      for (let i = 0; i < after; i++) expect(stage.write(behind)).toBe(true);
      stage.run();
      // Who could be refused is gone: the two that meet have done nothing wrong.
      stage.down(restored);
      stage.up(knowing);
      stage.run();
      expect([knowing, behind].map((node) => stage.noticed(node))).toEqual([null, null]);
      expect(stage.scenario.world.trust.isNoticedBeyond).toBe(true);
      const indexes = [knowing, behind].map((node) => stage.decidedAt(node));
      for (const node of [knowing, behind]) expect(stage.write(node)).toBe(false);
      expect([knowing, behind].map((node) => stage.decidedAt(node))).toEqual(indexes);
      expect(stage.lostAt(knowing)).toContain("refused");
    },
  );

  test("hot copies of a majority that ran on beyond a snapshot are refused by the one who knows more", () => {
    const stage = new DiskStage(3, seed, { snapshotEntries: 5, retainedEntries: 0 });
    const [knowing, ...old] = stage.order as [number, number, number];
    const copies = old.map((node) => stage.node(node).image());
    for (let i = 0; i < 3; i++) expect(stage.write(knowing)).toBe(true);
    stage.run(MARK_MS);
    for (const node of stage.order) stage.down(node, "stop");
    for (const [i, node] of old.entries()) stage.put(node, copies[i]!);
    for (const node of old) stage.up(node);
    stage.run();
    for (let i = 0; i < 40; i++) expect(stage.write(old[0])).toBe(true);
    stage.run();
    // So that nobody has hashes of that time.
    for (const node of old) stage.down(node, "stop");
    for (const node of old) stage.up(node);
    stage.run();
    stage.up(knowing);
    stage.run();
    for (const node of old) expect(stage.noticed(node)).toBe("WENT_BACK");
    expect(stage.node(knowing).isOut).toBe(false);
    expect(stage.scenario.world.coverage.toRecord()["snapshot installed from a peer"] ?? 0).toBe(0);
    expect(stage.lostAt(knowing)).toContain("refused");
  });

  test("copies that are younger than the last mark, and nothing else than that, are not noticed by it", () => {
    const stage = new DiskStage(3, seed);
    const [, , restored] = stage.order as [number, number, number];
    stage.run(MARK_MS);
    const copy = stage.node(restored).image();
    // Nothing happens: no marks, and nothing is missing.
    stage.run(3 * MARK_MS);
    stage.down(restored, "stop");
    stage.put(restored, copy);
    stage.up(restored);
    stage.run();
    expect(stage.noticed(restored)).toBe(null);
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });

  test("a wiped disk is refused by a survivor that is behind, and nothing is lost", () => {
    const stage = new DiskStage(3, seed);
    const [knowing, behind, wiped] = stage.order as [number, number, number];
    stage.down(behind);
    stage.run();
    expect(stage.write(knowing)).toBe(true);
    stage.down(knowing);
    stage.down(wiped);
    stage.wipe(wiped);
    stage.up(wiped);
    stage.up(behind);
    stage.run();
    expect(stage.noticed(wiped)).toBe("LOST_IDENTITY");
    expect(stage.write(behind)).toBe(false);
    stage.up(knowing);
    stage.run();
    for (const node of [knowing, behind]) expect(stage.lostAt(node)).toEqual([]);
  });

  test("two disks that change places are refused, and are right when they are put back", () => {
    const stage = new DiskStage(3, seed);
    const [, a, b] = stage.order as [number, number, number];
    stage.down(a);
    stage.down(b);
    const [ofA, ofB] = [stage.node(a).image(), stage.node(b).image()];
    stage.put(a, ofB, true);
    stage.put(b, ofA, true);
    for (const node of [a, b]) stage.up(node);
    stage.run();
    for (const node of [a, b]) expect(stage.noticed(node)).toBe("NODE_MISMATCH");
    stage.put(a, ofA);
    stage.put(b, ofB);
    for (const node of [a, b]) stage.up(node);
    stage.run();
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });
});
