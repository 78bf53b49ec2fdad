/** Whole clusters under drawn faults: a fixed set of seeds, and fresh ones each time. */
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import {
  Coverage,
  FAULT_KINDS,
  MISTAKE_KINDS,
  runSeed,
  wrongsOf,
  type RunResult,
} from "../../../src/proof/simulator/index.ts";

const FIXED = 250;
/** With mistakes in each. */
const FIXED_WITH_MISTAKES = 80;
const FRESH_MS = 20_000;
const FRESH_MIN = 20;
/** Names that even a small campaign must come across. */
const ALWAYS_HIT = [
  ...FAULT_KINDS.map((kind) => `fault ${kind}`),
  "crash power",
  "recovery from a snapshot",
  "snapshot installed from a peer",
  "write unknown",
  "error DISK_FULL",
  "hostile: session opened",
  "hostile: another command refused",
  "hostile: refused with BAD_REQUEST",
  "received relayAnswer",
  "received quorumReadAck",
  "client a newcomer",
  "asker of a leader restarted",
  "asker of a neighbour restarted",
  "requests endedReads",
  "requests endedGuests",
  "checked linearizable: ok",
  "checked sequential: ok",
];

/** Names that even a small campaign with mistakes in each run must come across. */
const HIT_BY_MISTAKES = [
  ...MISTAKE_KINDS.map((kind) => `mistake ${kind}`),
  "noticed LOG_DAMAGED",
  "noticed FOREIGN_LOG",
  "noticed LOST_IDENTITY",
  "noticed WENT_BACK",
  "noticed MEMBERS_MISMATCH",
  "operator rejoin",
  "operator putBack",
  "an empty disk has its place",
  "beyond: noticed",
];

function expectSound({ seed, plan, failure }: RunResult, flag = ""): void {
  if (failure === null) return;
  const wrongs = wrongsOf(plan).join("\n  ");
  throw new Error(
    `seed ${seed} fails (${failure.phase}): ${failure.message}\n  ${wrongs}\n` +
      `replay: omnikv sim${flag} --replay ${seed} --print; shrink: omnikv sim${flag} --from ${seed} --seeds 1`,
  );
}

test(`the first ${FIXED} seeds`, { timeout: 600_000 }, () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= FIXED; seed++) {
    const run = runSeed({ seed });
    expectSound(run);
    coverage.merge(run.coverage);
  }
  expect(ALWAYS_HIT.filter((name) => coverage.count(name) === 0)).toEqual([]);
});

test(`the first ${FIXED_WITH_MISTAKES} seeds with mistakes`, { timeout: 600_000 }, () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= FIXED_WITH_MISTAKES; seed++) {
    const run = runSeed({ seed, mistakes: "always" });
    expectSound(run, " --mistakes");
    coverage.merge(run.coverage);
  }
  expect(HIT_BY_MISTAKES.filter((name) => coverage.count(name) === 0)).toEqual([]);
});

test("fresh seeds", { timeout: 600_000 }, () => {
  const first = randomInt(2 ** 40);
  const end = performance.now() + FRESH_MS;
  let seed = first;
  for (; seed < first + FRESH_MIN || performance.now() < end; seed++)
    expectSound(runSeed({ seed }));
  process.stdout.write(`simulated seeds ${first} to ${seed - 1}\n`);
  expect(seed - first).toBeGreaterThanOrEqual(FRESH_MIN);
});
