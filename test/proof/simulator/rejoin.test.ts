/** An empty disk takes the place of a lost one, with the others in every state that matters. */
import { describe, expect, test } from "vitest";
import { seeds } from "../../repetitions.ts";
import type { LinkPair } from "../../../src/proof/simulator/shapes.ts";
import { DiskStage } from "./disk-stage.ts";

const SEEDS = seeds(1, 4);
const REJOIN = { rejoin: true };

function lose(stage: DiskStage, node: number): void {
  stage.down(node);
  stage.wipe(node);
  stage.up(node, REJOIN);
}

function among(nodes: readonly number[]): LinkPair[] {
  return nodes.flatMap((x) => nodes.map((y): LinkPair => [x, y])).filter(([x, y]) => x < y);
}

describe.each(SEEDS)("seed %i", (seed) => {
  test.each([3, 4, 5])("of %i nodes one after the other, the leader too", (nodes) => {
    const stage = new DiskStage(nodes, seed);
    for (const node of stage.order) {
      lose(stage, node);
      stage.until(() => stage.isPlaced(node));
      stage.run();
      expect(stage.write(node)).toBe(true);
      expect(stage.lostAt(node)).toEqual([]);
    }
    expect(stage.scenario.world.trust.beyond).toBe(null);
  });

  test("with one survivor behind, whoever knows more has to be there first", () => {
    const stage = new DiskStage(3, seed);
    const [knowing, behind, lost] = stage.order as [number, number, number];
    stage.down(behind);
    stage.run();
    expect(stage.write(knowing)).toBe(true);
    stage.down(knowing);
    lose(stage, lost);
    stage.up(behind);
    stage.run();
    expect(stage.isPlaced(lost)).toBe(false);
    expect(stage.write(behind)).toBe(false);
    expect(stage.lostAt(lost)).toContain("refused");
    stage.up(knowing);
    stage.until(() => stage.isPlaced(lost));
    stage.run();
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });

  test.each(["alone", "beside the one who knows"])(
    "a leader whose time is over, %s, brings no new disk in",
    (where) => {
      const stage = new DiskStage(3, seed);
      const [old, next, lost] = stage.order as [number, number, number];
      stage.leave([[next, lost]]);
      stage.until(() => stage.leader !== null && stage.leader !== old);
      expect(stage.write(next)).toBe(true);
      stage.down(lost);
      stage.wipe(lost);
      stage.leave(
        where === "alone"
          ? [[old, lost]]
          : [
              [old, lost],
              [next, lost],
            ],
      );
      stage.up(lost, REJOIN);
      stage.run();
      expect(stage.isPlaced(lost)).toBe(false);
      expect(stage.write(old)).toBe(false);
      stage.scenario.injector.heal();
      stage.until(() => stage.isPlaced(lost));
      stage.run();
      for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    },
  );

  test("repeated, and killed in the middle, with others restarting meanwhile", () => {
    const stage = new DiskStage(3, seed);
    const [a, b, lost] = stage.order as [number, number, number];
    for (let i = 0; i < 4; i++) {
      lose(stage, lost);
      stage.run(10 + stage.scenario.random.below(80));
      const other = stage.scenario.random.pick([a, b, lost]);
      stage.down(other, "power");
      stage.run(stage.scenario.random.below(60));
      stage.up(other, other === lost ? REJOIN : {});
    }
    stage.run();
    expect(stage.isPlaced(lost)).toBe(true);
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    expect(stage.scenario.world.trust.notices).toEqual([]);
  });

  test("of five: empty disks that met one node alone do not raise one above a later disk", () => {
    const stage = new DiskStage(5, seed);
    const [a, b, c, one, lost] = stage.order as [number, number, number, number, number];
    const rest: LinkPair[] = [a, b, c].flatMap((x) => [a, b, c].map((y): LinkPair => [x, y]));
    const links = rest.filter(([x, y]) => x < y);
    const toLost = [a, b, c].map((node): LinkPair => [node, lost]);
    stage.leave([...links, [one, lost]]);
    for (let i = 0; i < 3; i++) {
      lose(stage, lost);
      stage.run();
    }
    stage.leave([...links, [one, lost], ...toLost]);
    stage.until(() => stage.isPlaced(lost));
    // Nobody hears of it.
    stage.leave(links);
    stage.down(lost, "power");
    const earlier = stage.node(lost).image();
    stage.down(one);
    stage.leave([...links, ...toLost]);
    stage.wipe(lost);
    stage.up(lost, REJOIN);
    stage.until(() => stage.isPlaced(lost));
    stage.run();
    stage.down(c);
    expect(stage.write(lost)).toBe(true);
    stage.down(lost);
    const later = stage.node(lost).image();
    stage.put(lost, earlier);
    for (const node of [a, b]) stage.down(node);
    for (const node of [c, one, lost]) stage.up(node);
    stage.scenario.injector.heal();
    stage.run();
    expect(stage.noticed(lost)).toBe("REPLACED");
    expect(stage.write(c)).toBe(false);
    stage.put(lost, later);
    for (const node of [a, b, lost]) stage.up(node);
    stage.run();
    expect(stage.noticed(lost)).toBe(null);
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });

  test.each([3, 4, 5])(
    "of %i: one node has met more empty disks than the others, and the next one gets its place all the same",
    (nodes) => {
      const stage = new DiskStage(nodes, seed);
      const [one, ...others] = stage.order.slice(0, -1) as [number, ...number[]];
      const lost = stage.order.at(-1)!;
      const links = others.flatMap((x) => others.map((y): LinkPair => [x, y]));
      stage.leave([...links.filter(([x, y]) => x < y), [one, lost]]);
      for (let i = 0; i < 3; i++) {
        lose(stage, lost);
        stage.run();
      }
      stage.scenario.injector.heal();
      // Also when it is started again in the middle.
      stage.run(stage.scenario.random.below(60));
      stage.restart(lost, "power");
      stage.until(() => stage.isPlaced(lost));
      stage.run();
      expect(stage.write(lost)).toBe(true);
      for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
      expect(stage.scenario.world.trust.notices).toEqual([]);
    },
  );

  test("of five with one down: the lost disk comes back and is refused, by that one too", () => {
    const stage = new DiskStage(5, seed);
    const [, , , away, lost] = stage.order as [number, number, number, number, number];
    stage.down(away);
    stage.run();
    stage.down(lost);
    const old = stage.node(lost).image();
    stage.wipe(lost);
    stage.up(lost, REJOIN);
    stage.until(() => stage.isPlaced(lost));
    expect(stage.write(lost)).toBe(true);
    stage.run();
    stage.down(lost);
    const placed = stage.node(lost).image();
    stage.put(lost, old);
    stage.up(lost);
    stage.run();
    expect(stage.noticed(lost)).toBe("REPLACED");
    stage.up(away);
    stage.run();
    stage.put(lost, placed);
    stage.up(lost);
    stage.run();
    expect(stage.noticed(lost)).toBe(null);
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    // Whoever was away has heard of it from others.
    for (const node of stage.order.slice(0, 3)) stage.down(node);
    stage.down(lost);
    stage.put(lost, old);
    stage.up(lost);
    stage.run();
    expect(stage.noticed(lost)).toBe("REPLACED");
  });

  test.each([3, 5])(
    "of %i a majority started empty by mistake: the whole disks come back as if nothing had been",
    (nodes) => {
      const stage = new DiskStage(nodes, seed);
      const unmounted = stage.order.slice(0, (nodes + 1) / 2);
      for (const node of stage.order) expect(stage.write(node)).toBe(true);
      for (const node of unmounted) stage.down(node);
      const whole = unmounted.map((node) => [node, stage.node(node).image()] as const);
      for (const node of unmounted) {
        stage.wipe(node);
        stage.up(node, REJOIN);
      }
      stage.run();
      for (const [node, image] of whole) {
        expect(stage.isPlaced(node)).toBe(false);
        stage.down(node);
        stage.put(node, image);
      }
      for (const node of unmounted) stage.up(node, {});
      stage.until(() => stage.leader !== null);
      stage.run();
      for (const node of stage.order) {
        expect(stage.write(node)).toBe(true);
        expect(stage.lostAt(node)).toEqual([]);
      }
      expect(stage.scenario.world.trust.notices).toEqual([]);
    },
  );

  test("of three with one down it waits, and the lost disk may come back", () => {
    const stage = new DiskStage(3, seed);
    const [knowing, away, lost] = stage.order as [number, number, number];
    stage.down(away);
    stage.run();
    expect(stage.write(knowing)).toBe(true);
    stage.down(lost);
    const old = stage.node(lost).image();
    stage.wipe(lost);
    stage.up(lost, REJOIN);
    stage.run();
    expect(stage.isPlaced(lost)).toBe(false);
    stage.down(lost);
    stage.put(lost, old);
    stage.up(lost, {});
    stage.run();
    expect(stage.noticed(lost)).toBe(null);
    expect(stage.write(lost)).toBe(true);
    lose(stage, lost);
    stage.up(away);
    stage.until(() => stage.isPlaced(lost));
    stage.run();
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    // Its place is taken now.
    stage.down(lost);
    stage.put(lost, old);
    stage.up(lost, {});
    stage.run();
    expect(stage.noticed(lost)).toBe("REPLACED");
  });

  test.each([3, 5])(
    "of %i: claims that came to nothing at one node are no danger to the disk that gets the place",
    (nodes) => {
      const stage = new DiskStage(nodes, seed);
      const [one, lost] = [stage.order[0]!, stage.order.at(-1)!];
      const others = stage.order.slice(1, -1);
      const all = stage.order.flatMap((x) => stage.order.map((y): LinkPair => [x, y]));
      const isClaimed = (): boolean =>
        (stage.node(lost).node?.replica.joining?.generation ?? 0) > 0;
      for (let i = 0; i < 3; i++) {
        lose(stage, lost);
        // It dies in the moment of its claim: whoever has heard of that may record it.
        stage.until(() => isClaimed() || stage.isPlaced(lost));
        const isOver = stage.isPlaced(lost);
        stage.down(lost, "power");
        if (isOver) break;
      }
      stage.wipe(lost);
      stage.leave(all.filter(([x, y]) => x < y && (nodes === 3 || (x !== one && y !== one))));
      stage.up(lost, REJOIN);
      stage.until(() => stage.isPlaced(lost));
      stage.scenario.injector.heal();
      stage.run();
      expect(stage.write(others[0]!)).toBe(true);
      for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    },
  );

  test("of five: an empty disk that fetched the log, before the lost one came back and voted on, needs the rest of it", () => {
    const stage = new DiskStage(5, seed);
    const [leader, a, b, c, lost] = stage.order as [number, number, number, number, number];
    stage.down(lost);
    const old = stage.node(lost).image();
    stage.wipe(lost);
    stage.leave([...among([leader, a, b, c]), [leader, lost]]);
    stage.up(lost, REJOIN);
    stage.run();
    stage.down(lost);
    const empty = stage.node(lost).image();
    stage.put(lost, old);
    stage.scenario.injector.heal();
    stage.up(lost, {});
    stage.run();
    // What these three decide in the same round, two of them lose.
    stage.leave([...among([leader, a, lost]), [b, c]]);
    expect(stage.write(leader)).toBe(true);
    stage.down(lost);
    stage.put(lost, empty);
    stage.down(leader);
    // Nobody is elected before it may claim.
    stage.leave([a, b, c].map((node): LinkPair => [node, lost]));
    stage.up(lost, REJOIN);
    stage.run();
    stage.scenario.injector.heal();
    stage.until(() => stage.isPlaced(lost));
    stage.down(a);
    stage.run();
    expect(stage.lostAt(b)).toEqual([]);
    stage.up(a);
    stage.up(leader);
    stage.run();
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
    expect(stage.scenario.world.trust.notices).toEqual([]);
  });

  test("of three: so it is when the leader has restarted, and leads no more", () => {
    const stage = new DiskStage(3, seed);
    const [leader, behind, lost] = stage.order as [number, number, number];
    stage.down(lost);
    const old = stage.node(lost).image();
    stage.wipe(lost);
    stage.leave([
      [leader, behind],
      [leader, lost],
    ]);
    stage.up(lost, REJOIN);
    stage.run();
    stage.down(lost);
    const empty = stage.node(lost).image();
    stage.put(lost, old);
    stage.scenario.injector.heal();
    stage.up(lost, {});
    stage.run();
    stage.leave([[leader, lost]]);
    expect(stage.write(leader)).toBe(true);
    stage.down(lost);
    stage.put(lost, empty);
    stage.down(leader);
    stage.leave([
      [leader, lost],
      [behind, lost],
    ]);
    stage.up(leader);
    stage.up(lost, REJOIN);
    stage.run();
    stage.down(leader);
    stage.scenario.injector.heal();
    stage.run();
    for (const node of [behind, lost]) expect(stage.lostAt(node)).toContain("refused");
    stage.up(leader);
    stage.until(() => stage.isPlaced(lost));
    stage.run();
    for (const node of stage.order) expect(stage.lostAt(node)).toEqual([]);
  });
});
