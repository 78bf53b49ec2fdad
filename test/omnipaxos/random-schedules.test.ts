import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KIND_TOTAL, Schedule } from "./harness/schedule.ts";
import type { Move, ScheduleOptions } from "./harness/schedule.ts";

/**
 * Random schedules of deliveries, losses, cuts, crashes with lost writes, elections, compactions and reconfigurations.
 * After every step the safety checker (K1–K5) looks at the node that moved; after the last one all faults end and
 * everybody must come to the same log. A failure prints fast-check's seed and the shortest schedule found.
 */
const RUNS = Number(process.env["OMNIPAXOS_RUNS"] ?? 120);
const CONVERGE_ROUNDS = 60;

const move: fc.Arbitrary<Move> = fc.tuple(
  fc.nat(KIND_TOTAL - 1),
  fc.nat(59),
  fc.nat(11),
  fc.nat(11),
);
const moves = fc.array(move, { minLength: 60, maxLength: 500, size: "max" });

const sizes = fc.constantFrom(
  { n: 1 },
  { n: 2 },
  { n: 3 },
  { n: 3 },
  { n: 4 },
  { n: 5 },
  { n: 4, flexibleQuorum: { read: 3, write: 2 } },
  { n: 5, flexibleQuorum: { read: 4, write: 2 } },
);

function options(over: Partial<ScheduleOptions>): fc.Arbitrary<ScheduleOptions> {
  return fc
    .record({
      size: sizes,
      batchSize: fc.constantFrom(1, 1, 3),
      durability: fc.constantFrom("delayed" as const, "delayed" as const, "immediate" as const),
      lazy: fc.constantFrom(false, false, true),
      electionTicks: fc.constantFrom(2, 4),
      resendTicks: fc.constantFrom(3, 8),
    })
    .map(({ size, ...rest }) => ({ flushTicks: 3, unordered: false, ...size, ...rest, ...over }));
}

describe.each(["off", "fold", "host"] as const)("with snapshots %s", (snapshots) => {
  it.each([false, true])(
    "decided logs agree and converge (unordered links: %s)",
    (unordered) => {
      fc.assert(
        fc.property(options({ snapshots, unordered }), moves, (given, schedule) => {
          const run = new Schedule(given);
          run.play(schedule);
          expect(run.converge(CONVERGE_ROUNDS)).toBe("converged");
        }),
        { numRuns: RUNS },
      );
    },
    120_000,
  );
});

it("the schedules reach what they are meant to reach", () => {
  const reached = { decided: 0, leaderChanges: 0, staged: 0, snapshotSyncs: 0, sealed: 0 };
  for (const sample of fc.sample(fc.tuple(options({ snapshots: "fold" }), moves), {
    numRuns: 60,
    seed: 7,
  })) {
    const run = new Schedule(sample[0]);
    run.play(sample[1]);
    const { cluster } = run;
    reached.decided += cluster.checker.canonical.length;
    for (const { message } of cluster.sent) {
      if (message.type === "prepare" && message.n.n > 1) reached.leaderChanges += 1;
      if (message.type === "acceptSync" && message.logSync.snapshot !== null) {
        reached.snapshotSyncs += 1;
      }
    }
    for (const pid of cluster.pids) {
      reached.staged += cluster.slot(pid).disk.stagedCount;
      if (cluster.node(pid).isReconfigured() !== null) reached.sealed += 1;
    }
  }
  expect(reached.decided).toBeGreaterThan(300);
  expect(reached.leaderChanges).toBeGreaterThan(100);
  expect(reached.staged).toBeGreaterThan(10);
  expect(reached.snapshotSyncs).toBeGreaterThan(10);
  expect(reached.sealed).toBeGreaterThan(3);
});
