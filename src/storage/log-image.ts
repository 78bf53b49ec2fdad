/** What the log says so far: the sum of its writes. Kept while running (without entries) and rebuilt at start (with). */
import {
  BALLOT_BOTTOM,
  type Ballot,
  type CompleteSnapshot,
  type StopSign,
} from "../omnipaxos/index.ts";
import type { SnapshotName } from "../wire/host-message.ts";
import type { RecordItem } from "./write-codec.ts";

export interface Scalars {
  promise: Ballot;
  acceptedRound: Ballot;
  decidedIdx: number;
  compactedIdx: number;
  snapshot: CompleteSnapshot<SnapshotName> | null;
  stopSign: StopSign | null;
  /** Where the entries end, without the stop-sign. */
  logEnd: number;
}

export function newScalars(): Scalars {
  return {
    promise: BALLOT_BOTTOM,
    acceptedRound: BALLOT_BOTTOM,
    decidedIdx: 0,
    compactedIdx: 0,
    snapshot: null,
    stopSign: null,
    logEnd: 0,
  };
}

export function applyToScalars(scalars: Scalars, item: RecordItem): void {
  switch (item.kind) {
    case "promise":
      scalars.promise = item.promise;
      break;
    case "acceptedRound":
      scalars.acceptedRound = item.acceptedRound;
      break;
    case "append":
      scalars.logEnd = item.fromIdx + item.entries.length;
      break;
    case "decided":
      scalars.decidedIdx = item.decidedIdx;
      break;
    case "stopSign":
      scalars.stopSign = item.stopSign;
      break;
    case "compact":
      scalars.compactedIdx = item.idx;
      scalars.logEnd = Math.max(scalars.logEnd, item.idx);
      if (item.snapshot !== null) scalars.snapshot = item.snapshot;
      break;
    case "logEnd":
      scalars.logEnd = item.idx;
      break;
  }
}

/** The scalars as items that say the same: the beginning of every segment. */
export function checkpointItems(scalars: Scalars): RecordItem[] {
  return [
    { kind: "promise", promise: scalars.promise },
    { kind: "acceptedRound", acceptedRound: scalars.acceptedRound },
    { kind: "compact", idx: scalars.compactedIdx, snapshot: scalars.snapshot },
    { kind: "stopSign", stopSign: scalars.stopSign },
    { kind: "logEnd", idx: scalars.logEnd },
    { kind: "decided", decidedIdx: scalars.decidedIdx },
  ];
}
