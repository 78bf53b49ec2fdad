/**
 * Holds leases against real time.
 *
 * Invariants, where the fastest of the nodes' clocks runs so many times as fast as real time:
 *   LEASECHECK-1. The time by which the clock moves after some place in the log, without its first step there, has passed since that
 *        place was decided: so no two steps stand for the same time, even when different leaders made them.
 *   LEASECHECK-2. A lease that ended by time was renewed last, in the log, at least its time to live before.
 *   LEASECHECK-3. The answers about a lease fit the log: it was granted or renewed while the request was under way, and had not ended
 *        before; and a lease that a client was told to be gone has ended.
 *   LEASECHECK-4. Wherever a node was in the log it had the leases that the log gives at this place, and no others: none that had lost its
 *        last key.
 */
import { assert } from "../../base/index.ts";
import type { LeaseRecord } from "./lease-holder.ts";
import type { LeaseModel, LoggedLease } from "./lease-model.ts";

/** The resolution of a clock, by which two readings may differ. */
const ROUNDING_MS = 0.001;

/**
 * @param decidedMs when each index was first decided
 * @param fastest of the clocks
 * @throws InvariantError
 */
export function checkLeases(
  records: readonly LeaseRecord[],
  model: LeaseModel,
  decidedMs: readonly number[],
  fastest: number,
): void {
  checkClock(model, decidedMs, fastest);
  for (const lease of model.all) checkEnd(lease, decidedMs, fastest);
  for (const record of records) checkTold(record, model.all, decidedMs);
}

/** LEASECHECK-1. */
function checkClock({ steps }: LeaseModel, decidedMs: readonly number[], fastest: number): void {
  steps.forEach((from, i) => {
    const first = steps[i + 1];
    if (first === undefined) return;
    for (const to of steps.slice(i + 2)) {
      const passed = realMs(from.idx, to.idx, decidedMs);
      const shown = to.ms - first.ms;
      const text = `the clock moved by ${shown} ms in ${passed} ms, indexes ${first.idx} to ${to.idx}`;
      assert(shown <= passed * fastest + ROUNDING_MS, text);
    }
  });
}

/**
 * LEASECHECK-4.
 * @param seen the ids that nodes had when they had applied so much of the log
 */
export function checkLeasesAt(
  seen: ReadonlyMap<number, readonly number[]>,
  model: LeaseModel,
): void {
  for (const [idx, ids] of seen) {
    const expected = model.idsAt(idx);
    const text = `at index ${idx} there were leases ${ids.join()}, and the log gives ${expected.join()}`;
    assert(ids.join() === expected.join(), text);
  }
}

/** LEASECHECK-2. */
function checkEnd(
  { id, ttlMs, renewals, ended }: LoggedLease,
  decidedMs: readonly number[],
  fastest: number,
): void {
  const last = renewals.at(-1);
  if (ended === null || ended.by !== "time" || last === undefined) return;
  const lived = realMs(last.idx, ended.idx, decidedMs);
  const text = `lease ${id} of ${ttlMs} ms ended ${lived} ms after it was renewed last`;
  assert(lived * fastest + ROUNDING_MS >= ttlMs, text);
}

/** LEASECHECK-3. */
function checkTold(
  { kind, id, askedMs, toldMs }: LeaseRecord,
  all: readonly LoggedLease[],
  decidedMs: readonly number[],
): void {
  const lease = all.find((other) => other.id === id);
  const what = `lease ${id} was told to be ${kind} from ${askedMs} to ${toldMs} ms`;
  assert(lease !== undefined, `${what}, and there never was one`);
  if (kind === "granted" || kind === "renewed") {
    const isMeant = lease.renewals.some(({ idx }) => {
      const atMs = decidedMs[idx] ?? Infinity;
      return atMs >= askedMs && atMs <= toldMs;
    });
    assert(isMeant, `${what}, and the log has nothing of it`);
  } else {
    const endedMs = decidedMs[lease.ended?.idx ?? -1] ?? Infinity;
    assert(endedMs <= toldMs, `${what}, and it had not ended`);
  }
}

function realMs(from: number, to: number, decidedMs: readonly number[]): number {
  return (decidedMs[to] ?? 0) - (decidedMs[from] ?? 0);
}
