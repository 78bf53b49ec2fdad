import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cluster } from "./harness/cluster.ts";
import { ANY_ORDER, Schedule, totalOf } from "./harness/schedule.ts";
import type { Move, ScheduleOptions } from "./harness/schedule.ts";
import { logOf } from "./harness/view.ts";

/** Messages that come late, twice, or in another order: never a wrong log, and nothing dies of them. */

/** Node 1 leads in the accept phase with node 3's promise; node 2 knows nothing of it yet. */
function ledBy1(options: ConstructorParameters<typeof Cluster>[0] = {}): Cluster {
  const cluster = new Cluster({ resendTicks: 1_000, electionTicks: 1_000, ...options });
  cluster.settle();
  cluster.call(1, (node) => node.tryBecomeLeader());
  cluster.deliverType(1, 3, "prepare");
  cluster.deliverType(3, 1, "promise");
  return cluster;
}

/** Node 3 lost its session with node 1 and promises again; the AcceptSync that answers is in flight. */
function promiseAgain(cluster: Cluster): void {
  cluster.call(3, (node) => node.reconnected(1));
  cluster.deliverType(3, 1, "prepareReq");
  cluster.deliverType(1, 3, "prepare");
  cluster.deliverType(3, 1, "promise");
}

describe("the place in the stream (F3)", () => {
  it("a late AcceptSync that ends below the accepted index does not set it", () => {
    const cluster = ledBy1();
    cluster.append(1, "a");
    const late = cluster.channel(1, 3).splice(0);
    expect(late.map(({ message }) => message.type)).toEqual(["acceptSync", "acceptDecide"]);
    promiseAgain(cluster);
    cluster.deliverType(1, 3, "acceptSync");
    expect(logOf(cluster.node(3))).toEqual(["a"]);
    promiseAgain(cluster);
    for (const envelope of late) cluster.inject(envelope);
    expect(logOf(cluster.node(3))).toEqual(["a"]);
    expect(cluster.node(3)).toMatchObject({ phase: "prepare", counters: { staleSyncs: 1 } });
    cluster.append(1, "b");
    cluster.settle();
    for (const pid of [1, 3]) expect(logOf(cluster.node(pid))).toEqual(["a", "b"]);
  });
});

const move: fc.Arbitrary<Move> = fc.tuple(
  fc.nat(totalOf(ANY_ORDER) - 1),
  fc.nat(59),
  fc.nat(11),
  fc.nat(11),
);
const moves = fc.array(move, { minLength: 200, maxLength: 800, size: "max" });
const options = fc.record<ScheduleOptions>({
  n: fc.constant(3),
  kinds: fc.constant(ANY_ORDER),
  unordered: fc.constant(true),
  snapshots: fc.constantFrom("off", "fold", "host"),
  batchSize: fc.constantFrom(1, 1, 3),
  durability: fc.constantFrom("immediate", "delayed"),
  electionTicks: fc.constantFrom(4, 12),
  resendTicks: fc.constantFrom(3, 8),
  flushTicks: fc.constant(3),
});

/** Seed numbers of fast-check; without one a fresh one is taken, and printed when something is found. */
describe("whatever was ever sent may arrive at any time", () => {
  const runs = Number(process.env["OMNIPAXOS_RUNS"] ?? 150);
  it.each([1, 2, 3, undefined])(
    "decided logs agree and converge (seed %s)",
    (seed) => {
      fc.assert(
        fc.property(options, moves, (given, schedule) => {
          const run = new Schedule(given);
          run.play(schedule);
          expect(run.converge(60)).toBe("converged");
        }),
        { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
      );
    },
    120_000,
  );
});
