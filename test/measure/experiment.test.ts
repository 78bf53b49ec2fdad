/** The course of an experiment, on a cluster that is not there: what is done when, and what is made of it. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import {
  runExperiment,
  type ExperimentOptions,
  type RunResult,
} from "../../src/measure/faults/experiment.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { FakeSubject, type FakeOptions } from "./fake-subject.ts";

const ELECTION_TIMEOUT_MS = 20;
const OPTIONS: ExperimentOptions = {
  scenario: "quorum-loss",
  runs: 1,
  holdMs: 400,
  settleMs: 200,
  concurrency: 1,
  valueBytes: 8,
};

/** Turns the clock until the promise is settled. */
async function settle<T>(clock: SimClock, promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const end = (): void => {
    state.settled = true;
  };
  promise.then(end, end);
  for (let turns = 0; turns < 100_000 && !state.settled; turns++) {
    clock.run(0);
    await new Promise((turn) => setImmediate(turn));
    if (!state.settled) clock.step();
  }
  return promise;
}

async function run(
  fake: Partial<FakeOptions>,
  options: Partial<ExperimentOptions> = {},
): Promise<{ results: readonly RunResult[]; subject: FakeSubject; said: readonly string[] }> {
  const clock = new SimClock();
  const subject = new FakeSubject(clock, {
    nodes: 5,
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
    electionMs: 60,
    ...fake,
  });
  const said: string[] = [];
  const machine = { clock, random: seededRandom(7), signal: new AbortController().signal };
  const results = await settle(
    clock,
    runExperiment(subject, { ...OPTIONS, ...options }, machine, {
      onProgress: ({ text }) => said.push(text),
      onRun: (_, number) => said.push(`run ${number}`),
    }),
  );
  return { results, subject, said };
}

describe("an experiment", () => {
  test("measures from the cut to the first write after the election", async () => {
    const { results, subject, said } = await run({});
    const [result] = results;
    expect(result).toMatchObject({ leaderBefore: 1, leaderChanges: 1 });
    expect(result!.canLead).toEqual([result!.leaderAfter]);
    expect(result!.down.ms).toBeGreaterThanOrEqual(60);
    expect(result!.down.ms).toBeLessThan(64);
    expect(result!.down).toMatchObject({ open: false, fromMs: 0 });
    expect(result!.afterHeal.ms).toBeLessThan(5);
    expect(result!.before.ms).toBeLessThan(5);
    expect(subject.cuts.map(({ broken }) => broken.length)).toEqual([6, 0]);
    expect(subject.cuts[1]!.atMs - subject.cuts[0]!.atMs).toBe(400);
    expect(subject.openWriters).toBe(0);
    expect(said).toEqual([
      "waiting for a leader that all follow",
      expect.stringContaining("node 1 leads; every node hears only node"),
      "healing",
      "run 1",
    ]);
  });

  test("keeps a time-line of writes, looks, cuts and leaders, with the cut at 0", async () => {
    const { results } = await run({});
    const { timeline } = results[0]!;
    expect(timeline).toMatchObject({ slotMs: 2, stepsMs: [0], healMs: 400, endMs: 600 });
    expect(timeline.leaders).toHaveLength(1);
    expect(timeline.leaders[0]!.atMs).toBeGreaterThanOrEqual(60);
    const slotAt = (ms: number): number =>
      timeline.acknowledged[Math.floor((ms - timeline.startMs) / timeline.slotMs)]!;
    expect(slotAt(-10)).toBeGreaterThan(0);
    expect([slotAt(4), slotAt(30), slotAt(56)]).toEqual([0, 0, 0]);
    expect(slotAt(100)).toBeGreaterThan(0);
    // Each node's first look tells how it stood when the run began.
    for (const node of [1, 2, 3, 4, 5]) {
      const first = timeline.looks.find((look) => look.node === node);
      expect(first!.atMs).toBeLessThanOrEqual(timeline.startMs);
    }
  });

  test("says so when no write goes on until healing", async () => {
    const { results } = await run({ electionMs: Infinity });
    expect(results[0]).toMatchObject({ leaderAfter: null, leaderChanges: 0 });
    expect(results[0]!.down).toMatchObject({ open: true });
    expect(results[0]!.down.ms).toBeGreaterThan(395);
  });

  test("sees an interruption after healing", async () => {
    const { results } = await run({ pauseAfterHealMs: 50 });
    expect(results[0]!.afterHeal.ms).toBeGreaterThanOrEqual(50);
    expect(results[0]!.afterHeal.ms).toBeLessThan(55);
  });

  test("takes the steps of a scenario one after the other and measures from the last", async () => {
    const { results, subject } = await run({}, { scenario: "constrained" });
    expect(subject.cuts.map(({ broken }) => broken.length)).toEqual([1, 7, 0]);
    expect(subject.cuts[1]!.atMs - subject.cuts[0]!.atMs).toBe(500);
    expect(results[0]!.timeline.stepsMs).toEqual([-500, 0]);
    expect(results[0]!.down.fromMs).toBe(0);
  });

  test("leads on where the leader keeps its quorum", async () => {
    const { results } = await run({ nodes: 3 }, { scenario: "chain" });
    expect(results[0]).toMatchObject({ leaderBefore: 1, leaderAfter: 1, leaderChanges: 0 });
    expect(results[0]!.down.ms).toBeLessThan(5);
  });

  test("is repeated on the same cluster, the next time with another leader", async () => {
    const { results, said } = await run({}, { runs: 3 });
    expect(results).toHaveLength(3);
    expect(results[1]!.leaderBefore).toBe(results[0]!.leaderAfter);
    expect(said.filter((text) => text.startsWith("run"))).toEqual(["run 1", "run 2", "run 3"]);
  });

  test("can be interrupted at any time, and leaves no writer open", async () => {
    for (const afterMs of [5, 200, 300, 900]) {
      const clock = new SimClock();
      const subject = new FakeSubject(clock, {
        nodes: 3,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        electionMs: 60,
      });
      const abort = new AbortController();
      clock.after(afterMs, () => abort.abort());
      const machine = { clock, random: seededRandom(7), signal: abort.signal };
      const listeners = { onProgress: () => {}, onRun: () => {} };
      const error: unknown = await settle(
        clock,
        runExperiment(subject, { ...OPTIONS, runs: 9 }, machine, listeners).catch(
          (cause: unknown) => cause,
        ),
      );
      expect(error).toBeInstanceOf(KvError);
      expect(error).toMatchObject({ code: "CANCELLED" });
      expect(subject.openWriters).toBe(0);
    }
  });
});
