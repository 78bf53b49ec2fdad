/** From runs to what can be said of all of them. */
import type { RunResult } from "../../faults/experiment.ts";
import { spreadOf, type Spread } from "../statistics.ts";

/** What is to be reached, in election time-outs. */
export const RESUME_WITHIN = 4;
export const AFTER_HEAL_WITHIN = 2;

export interface Summary {
  readonly runs: number;
  /** Runs in which writes were acknowledged again while the links were broken. */
  readonly resumed: number;
  /** … and never stopped for longer than RESUME_WITHIN. */
  readonly resumedInTime: number;
  /** Runs in which the node that led in the end is one that can. */
  readonly rightLeader: number;
  /** Runs without an interruption longer than AFTER_HEAL_WITHIN after healing. */
  readonly quietAfterHeal: number;
  /** How long nothing was acknowledged, in milliseconds. */
  readonly down: Spread;
  readonly slowestWriter: Spread;
  readonly afterHeal: Spread;
  readonly before: Spread;
  readonly leaderChanges: Spread;
}

export function summarize(runs: readonly RunResult[], electionTimeoutMs: number): Summary {
  const count = (holds: (run: RunResult) => boolean): number => runs.filter(holds).length;
  return {
    runs: runs.length,
    resumed: count(({ down }) => !down.open),
    resumedInTime: count(({ down }) => !down.open && down.ms <= RESUME_WITHIN * electionTimeoutMs),
    rightLeader: count(({ leaderAfter, canLead }) => canLead.some((node) => node === leaderAfter)),
    quietAfterHeal: count(({ afterHeal }) => afterHeal.ms <= AFTER_HEAL_WITHIN * electionTimeoutMs),
    down: spreadOf(runs.map(({ down }) => down.ms)),
    slowestWriter: spreadOf(runs.map(({ slowestWriter }) => slowestWriter.ms)),
    afterHeal: spreadOf(runs.map(({ afterHeal }) => afterHeal.ms)),
    before: spreadOf(runs.map(({ before }) => before.ms)),
    leaderChanges: spreadOf(runs.map(({ leaderChanges }) => leaderChanges)),
  };
}
