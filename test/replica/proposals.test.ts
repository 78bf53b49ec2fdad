import { describe, expect, test } from "vitest";
import { Proposals } from "../../src/replica/writes/proposals.ts";

const OPTIONS = {
  bytesMax: 1000,
  commandsMax: 50,
  underWayBytesMax: 400,
  entryBytes: 100,
  entryGroups: 8,
  waitTicks: 100,
  retryTicks: 20,
  abandonTicks: 200,
  underWayMax: 2,
  underWayTicks: 3,
};

function proposals(underWayMax = OPTIONS.underWayMax): Proposals<string> {
  const options = { ...OPTIONS, underWayMax };
  return new Proposals<string>(options, (_batch, groups) => Buffer.concat(groups));
}

const GROUP = new Uint8Array(10);

/** Stages one group and tells which batches may go now: their numbers and how many groups they hold. */
function turn(queue: Proposals<string>, route: string, leadership = "1"): [number, number][] {
  queue.stage(route, GROUP, 1);
  const taken = queue.nextBatches(0, leadership, true).map(batchOf);
  queue.endTurn(0);
  return taken;
}

function batchOf(batch: {
  readonly number: number;
  readonly groups: readonly unknown[];
}): [number, number] {
  return [batch.number, batch.groups.length];
}

describe("what comes in while enough is under way", () => {
  test("gathers, and goes as one batch when one of them is applied", () => {
    const queue = proposals();
    expect(turn(queue, "a")).toEqual([[1, 1]]);
    expect(turn(queue, "b")).toEqual([[2, 1]]);
    expect(turn(queue, "c")).toEqual([]);
    expect(turn(queue, "d")).toEqual([]);
    expect(queue.hasStaged).toBe(true);
    queue.applied(1);
    expect(turn(queue, "e")).toEqual([[3, 3]]);
    expect(queue.hasStaged).toBe(false);
    queue.applied(2);
    queue.applied(3);
    expect(queue.bytes).toBe(0);
  });

  test("does not wait long for a batch that may be lost", () => {
    const queue = proposals();
    turn(queue, "a");
    turn(queue, "b");
    for (let i = 0; i < OPTIONS.underWayTicks; i++) {
      queue.tick();
      expect(turn(queue, "c")).toEqual([]);
    }
    queue.tick();
    expect(turn(queue, "d")).toEqual([[3, 4]]);
  });

  test("waits for the batches that a new leader gets once more", () => {
    const queue = proposals();
    turn(queue, "a");
    turn(queue, "b");
    expect(turn(queue, "c", "2")).toEqual([
      [1, 1],
      [2, 1],
    ]);
    queue.applied(1);
    expect(turn(queue, "d", "2")).toEqual([[3, 2]]);
  });
});

describe("what does not fit", () => {
  test("is refused by bytes and by commands, until something is applied", () => {
    const queue = proposals();
    expect(queue.stage("a", GROUP, 30)).toBe(true);
    expect(queue.stage("b", GROUP, 21)).toBe(false);
    expect(queue.stage("b", GROUP, 20)).toBe(true);
    expect(queue.stage("c", GROUP, 1)).toBe(false);
    const [batch] = queue.nextBatches(0, "1", true);
    queue.endTurn(0);
    expect(queue.stage("c", GROUP, 1)).toBe(false);
    queue.applied(batch!.number);
    expect(queue.commands).toBe(0);
    expect(queue.stage("c", GROUP, 1)).toBe(true);
    expect(queue.stage("d", new Uint8Array(OPTIONS.bytesMax - GROUP.length + 1), 1)).toBe(false);
    expect(queue.stage("d", new Uint8Array(OPTIONS.bytesMax - GROUP.length), 1)).toBe(true);
  });

  test("is taken all the same when nothing else waits", () => {
    const queue = proposals();
    expect(queue.stage("a", GROUP, OPTIONS.commandsMax + 1)).toBe(true);
    expect(queue.stage("b", GROUP, 1)).toBe(false);
  });
});

describe("large groups", () => {
  const large = (bytes: number): Uint8Array => new Uint8Array(bytes);

  test("are put together up to a size, and wait while enough bytes are under way", () => {
    const queue = proposals(9);
    for (const bytes of [60, 30, 30, 150, 150, 90, 20]) queue.stage("a", large(bytes), 1);
    const first = queue.nextBatches(0, "1", true);
    expect(first.map(({ groups }) => groups.map(({ group }) => group.length))).toEqual([
      [60, 30],
      [30],
      [150],
      [150],
    ]);
    queue.endTurn(0);
    expect(queue.hasStaged).toBe(true);
    expect(queue.nextBatches(0, "1", true)).toEqual([]);
    queue.applied(first[0]!.number);
    expect(queue.nextBatches(0, "1", true).map(({ groups }) => groups.length)).toEqual([1]);
    expect(queue.hasStaged).toBe(true);
  });

  test("many small ones are no entry together that grows too long with the names of their users", () => {
    const queue = proposals(9);
    for (let i = 0; i < 17; i++) queue.stage("a", new Uint8Array(1), 1);
    expect(queue.nextBatches(0, "1", true).map(batchOf)).toEqual([
      [1, 8],
      [2, 8],
      [3, 1],
    ]);
  });

  test("that were at another node are taken although there is no room", () => {
    const queue = proposals();
    expect(queue.stage("a", large(OPTIONS.bytesMax), 1)).toBe(true);
    queue.adopt("b", large(500), 1, 0, true);
    expect(queue.bytes).toBe(OPTIONS.bytesMax + 500);
    expect(queue.stage("c", GROUP, 1)).toBe(false);
  });
});

describe("who wants all of the room", () => {
  test("gets a part of it only: as much as each holds is left for the next", () => {
    const held = new Map<string, { commands: number; bytes: number }>();
    const of = (route: string) => held.get(route) ?? { commands: 0, bytes: 0 };
    const queue = new Proposals<string>(
      OPTIONS,
      (_batch, groups) => Buffer.concat(groups),
      (route, commands, bytes) => {
        const before = of(route);
        held.set(route, { commands: before.commands + commands, bytes: before.bytes + bytes });
      },
    );
    const stage = (route: string): boolean => queue.stage(route, new Uint8Array(1), 1, of(route));
    for (let i = 0; i < 100; i++) stage("a");
    expect(of("a").commands).toBe(25);
    for (let i = 0; i < 100; i++) for (const route of ["b", "c"]) stage(route);
    expect(of("b").commands + of("c").commands).toBeLessThan(20);
    expect(stage("honest")).toBe(true);
    queue.withdrawUnproposed(() => true);
    expect([...held.values()].every(({ commands, bytes }) => commands === 0 && bytes === 0)).toBe(
      true,
    );
  });
});

describe("what nothing in the state keeps from taking effect twice", () => {
  test("is handed over once, apart from what may be handed over again", () => {
    const queue = proposals();
    queue.stage("a", GROUP, 1);
    queue.adopt("setting", GROUP, 1, 0, false, true);
    queue.stage("b", GROUP, 1);
    expect(queue.nextBatches(0, "1", true).map(batchOf)).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(queue.nextBatches(0, "2", true).map(batchOf)).toEqual([
      [1, 1],
      [3, 1],
    ]);
    for (let i = 0; i <= OPTIONS.retryTicks; i++) queue.tick();
    expect(queue.nextBatches(0, "2", true).map(batchOf)).toEqual([
      [1, 1],
      [3, 1],
    ]);
    // It may have been decided all the same.
    expect(queue.applied(2)?.groups).toMatchObject([{ route: "setting" }]);
  });

  test("waits for its first time, and is forgotten like everything else when it does not come back", () => {
    const queue = proposals();
    queue.adopt("setting", GROUP, 1, 0, false, true);
    for (let i = 0; i < OPTIONS.retryTicks + 2; i++) queue.tick();
    expect(queue.nextBatches(0, "1", true).map(batchOf)).toEqual([[1, 1]]);
    for (let i = 0; i < OPTIONS.abandonTicks; i++) queue.tick();
    expect([queue.bytes, queue.isEmpty]).toEqual([0, true]);
  });
});

describe("what a neighbour is to serve", () => {
  const own = ({ route }: { readonly route: string }): boolean => route !== "guest";

  test("goes also when it was proposed together with a guest's, which waits here again", () => {
    const queue = proposals();
    queue.stage("own", GROUP, 1);
    expect(turn(queue, "guest")).toEqual([[1, 2]]);
    queue.stage("own", GROUP, 1);
    const lent = queue.lend(own);
    expect(lent.map(({ route, maybeProposed }) => [route, maybeProposed])).toEqual([
      ["own", false],
      ["own", true],
    ]);
    expect(queue.bytes).toBe(3 * GROUP.length);
    for (const group of lent) queue.settle(group);
    expect(queue.nextBatches(0, "2", true).map(batchOf)).toEqual([[2, 1]]);
    queue.applied(2);
    expect(queue.bytes).toBe(0);
  });
});
