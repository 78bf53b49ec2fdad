/** Whole clusters under drawn faults: a fixed set of seeds, and fresh ones each time. */
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import {
  Coverage,
  describeFault,
  FAULT_KINDS,
  runSeed,
  type RunResult,
} from "../../src/sim/index.ts";

const FIXED = 250;
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

function expectSound({ seed, plan, failure }: RunResult): void {
  if (failure === null) return;
  const faults = plan.faults.map(describeFault).join("\n  ");
  throw new Error(
    `seed ${seed} fails (${failure.phase}): ${failure.message}\n  ${faults}\n` +
      `replay: omnikv sim --replay ${seed} --print; shrink: omnikv sim --from ${seed} --seeds 1`,
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

test("fresh seeds", { timeout: 600_000 }, () => {
  const first = randomInt(2 ** 40);
  const end = performance.now() + FRESH_MS;
  let seed = first;
  for (; seed < first + FRESH_MIN || performance.now() < end; seed++)
    expectSound(runSeed({ seed }));
  process.stdout.write(`simulated seeds ${first} to ${seed - 1}\n`);
  expect(seed - first).toBeGreaterThanOrEqual(FRESH_MIN);
});
