/** A copy of a node's disk is started as the same node while the original runs: noticed, or nothing lost. */
import { describe, expect, test } from "vitest";
import { hostOf, type SimWorld, TWIN_HOST } from "../../../src/proof/simulator/sim-world.ts";
import { seeds } from "../../repetitions.ts";
import { DiskStage } from "./disk-stage.ts";

/** What was done is told with a mark, and that is on the peers' disks. */
const MARK_MS = 2500;
/** It dials all others. */
const LAST = 2;

function setCut(world: SimWorld, a: string, b: string, cut: "blackHole" | "none"): void {
  world.network.setPath(a, b, { cut });
  world.network.setPath(b, a, { cut });
}

describe.each(seeds(1, 4))("seed %i", (seed) => {
  test("an older copy beside its original is refused, and the original serves on", () => {
    const stage = new DiskStage(3, seed);
    const { world } = stage.scenario;
    const copy = stage.node(LAST).image();
    expect(stage.write(0)).toBe(true);
    stage.run(MARK_MS);
    const twin = world.startTwin(LAST, copy);
    stage.run();
    expect(twin.isOut).toBe(true);
    expect(world.trust.notices).toMatchObject([{ node: 3, code: "WENT_BACK" }]);
    expect(world.trust.beyond).toBe(null);
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });

  test("a copy that is started while nobody hears its original takes its stead, and the original is refused", () => {
    const stage = new DiskStage(3, seed);
    const { world } = stage.scenario;
    for (const peer of [0, 1]) setCut(world, hostOf(LAST), hostOf(peer), "blackHole");
    stage.run();
    const twin = world.startTwin(LAST, stage.node(LAST).image());
    stage.run();
    expect(stage.write(0)).toBe(true);
    expect(twin.isOut).toBe(false);
    for (const peer of [0, 1]) setCut(world, hostOf(LAST), hostOf(peer), "none");
    stage.run();
    expect(stage.noticed(LAST)).toBe("WENT_BACK");
    expect(twin.isOut).toBe(false);
    for (const node of [0, 1]) expect(stage.lostAt(node)).toEqual([]);
  });

  test("two that vote on both sides of a cut are noticed when the sides meet", () => {
    const stage = new DiskStage(3, seed);
    const { world } = stage.scenario;
    const cuts = [
      [hostOf(LAST), hostOf(1)],
      [TWIN_HOST, hostOf(0)],
      [hostOf(0), hostOf(1)],
    ] as const;
    for (const [a, b] of cuts) setCut(world, a, b, "blackHole");
    const twin = world.startTwin(LAST, stage.node(LAST).image());
    stage.run();
    for (let i = 0; i < 4; i++) for (const node of [0, 1]) stage.write(node);
    expect([twin.isOut, stage.node(LAST).isOut]).toEqual([false, false]);
    expect(world.trust.beyond).not.toBe(null);
    for (const [a, b] of cuts) setCut(world, a, b, "none");
    stage.run();
    expect(world.trust.isNoticedBeyond).toBe(true);
    expect(twin.isOut || stage.node(LAST).isOut).toBe(true);
  });
});
