/**
 * The entry that moves the cluster's clock: the leader of a round puts one command, alone in its entry, into its own log.
 * docs/adr/0012-leases.md argues why the stretches of time that such entries stand for never overlap.
 */
import { CLOCK_STEP_MAX_MS } from "../../base/index.ts";
import { decodeNumbers, encodeNumbers } from "./numbers.ts";
import type { RoundName } from "./rounds.ts";

export interface ClockEntry {
  /** Milliseconds that passed for the leader since its last one, or since it began to lead; at most CLOCK_STEP_MAX_MS. */
  readonly passedMs: number;
  /** In which the leader leads. */
  readonly round: RoundName;
  /** Which one of the round it is: from 1. */
  readonly count: number;
}

export function encodeClock({ passedMs, round, count }: ClockEntry): Uint8Array {
  return encodeNumbers([passedMs, round.n, round.pid, round.salt, count]);
}

/** @returns null when it is none */
export function decodeClock(bytes: Uint8Array): ClockEntry | null {
  const [passedMs = -1, n = 0, pid = 0, salt = 0, count = 0, ...more] = decodeNumbers(bytes) ?? [];
  if (passedMs < 0 || passedMs > CLOCK_STEP_MAX_MS || count < 1 || more.length > 0) return null;
  return { passedMs, round: { n, pid, salt }, count };
}
