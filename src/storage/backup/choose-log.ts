/**
 * Which of several disks of a lost cluster has the log to go on with: the rule by which the protocol itself chooses.
 *
 * CHOICE-1. The log that was accepted in the highest round; of those of one round the longest. Every entry that a majority has
 *     accepted in a round is in each log that was accepted in a later one. A leader that is cut off goes on appending, so its log
 *     may be the longest of all, and lack entries that the others have acknowledged since in a later round.
 */
import { type Ballot, ballotText, compareBallots } from "../../omnipaxos/index.ts";
import { NO_ORIGIN } from "../../store/index.ts";
import { StorageError } from "../index.ts";
import type { VerifiedDirectory } from "./verify-directory.ts";

export interface LeftLog {
  /** As the operator has named it. */
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly members: readonly number[];
  /** Of what it knew to be decided; NO_ORIGIN: nothing was. */
  readonly origin: number;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

/** @param verified up to what was decided */
export function leftLog(
  directory: string,
  { identity, state, log, acceptedRound, acceptedIdx }: VerifiedDirectory,
): LeftLog {
  const { clusterId, nodeId, members } = identity;
  const decidedIdx = log?.decidedIdx ?? 0;
  const { origin } = state;
  const whose = { directory, clusterId, nodeId, members };
  return { ...whose, origin, acceptedRound, acceptedIdx, decidedIdx };
}

export interface ChosenLog {
  readonly log: LeftLog;
  /** A part of a sentence. */
  readonly why: string;
}

/**
 * @param logs one at least
 * @throws StorageError CLUSTER_MISMATCH, MEMBERS_MISMATCH when they are not of one cluster; LOG_DAMAGED when they contradict each other
 */
export function chooseLog(logs: readonly [LeftLog, ...LeftLog[]]): ChosenLog {
  const [first, ...others] = logs;
  const known = logs.find(({ origin }) => origin !== NO_ORIGIN) ?? first;
  let best = first;
  for (const log of others) {
    checkSameCluster(first, log);
    if (log.origin !== NO_ORIGIN && log.origin !== known.origin) {
      throw different("CLUSTER_MISMATCH", known, log, "begun with different logs");
    }
    if (compareLogs(log, best) > 0) best = log;
  }
  const more = logs.find(({ decidedIdx }) => decidedIdx > best.acceptedIdx);
  if (more !== undefined) {
    const text =
      `${more.directory} knows ${more.decidedIdx} entries to be decided, and the log of ${best.directory}, which was accepted in ` +
      `round ${ballotText(best.acceptedRound)}, has ${best.acceptedIdx} of them: one of the two was changed or put back. Make a ` +
      `backup of each by itself, and compare what is in them`;
    throw new StorageError("LOG_DAMAGED", text);
  }
  return { log: best, why: whyOf(best, logs) };
}

/** Positive when `a` is to be taken rather than `b`: CHOICE-1. */
function compareLogs(a: LeftLog, b: LeftLog): number {
  return compareBallots(a.acceptedRound, b.acceptedRound) || a.acceptedIdx - b.acceptedIdx;
}

function whyOf(best: LeftLog, logs: readonly LeftLog[]): string {
  const sameRound = logs.filter(
    (log) => compareBallots(log.acceptedRound, best.acceptedRound) === 0,
  );
  if (sameRound.length === 1) return "its log was accepted in the highest round";
  return sameRound.filter((log) => log.acceptedIdx === best.acceptedIdx).length === 1
    ? "of those that were accepted in the highest round its log is the longest"
    : "no log was accepted in a higher round, or is longer";
}

function checkSameCluster(a: LeftLog, b: LeftLog): void {
  if (a.clusterId !== b.clusterId) {
    throw different("CLUSTER_MISMATCH", a, b, `of clusters ${a.clusterId} and ${b.clusterId}`);
  }
  const [ours, theirs] = [a.members.join(", "), b.members.join(", ")];
  if (ours !== theirs) {
    throw different(
      "MEMBERS_MISMATCH",
      a,
      b,
      `of clusters of nodes ${ours} and of nodes ${theirs}`,
    );
  }
}

function different(
  code: "CLUSTER_MISMATCH" | "MEMBERS_MISMATCH",
  a: LeftLog,
  b: LeftLog,
  how: string,
): StorageError {
  const text = `${a.directory} and ${b.directory} are ${how}: name only directories of one cluster`;
  return new StorageError(code, text);
}
