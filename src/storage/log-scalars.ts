import { BALLOT_BOTTOM, type Ballot, type StopSign, type Write } from "../omnipaxos/index.ts";
import { unreachable } from "../base/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";

export type LogWrite = Write<Uint8Array, SnapshotName>;

/** All of the durable state but the entries: what each segment begins with, so that no older one is needed for it. */
export interface LogScalars {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly decidedIdx: number;
  readonly compactedIdx: number;
  /** Index after the last entry; the stop-sign does not count. */
  readonly endIdx: number;
  readonly snapshot: SnapshotName | null;
  readonly stopSign: StopSign | null;
}

export const INITIAL_SCALARS: LogScalars = {
  promise: BALLOT_BOTTOM,
  acceptedRound: BALLOT_BOTTOM,
  decidedIdx: 0,
  compactedIdx: 0,
  endIdx: 0,
  snapshot: null,
  stopSign: null,
};

/** What the scalars are after a write. */
export function advance(scalars: LogScalars, write: LogWrite): LogScalars {
  switch (write.kind) {
    case "promise":
      return { ...scalars, promise: write.promise };
    case "acceptedRound":
      return { ...scalars, acceptedRound: write.acceptedRound };
    case "append":
      return { ...scalars, endIdx: write.fromIdx + write.entries.length };
    case "decided":
      return { ...scalars, decidedIdx: write.decidedIdx };
    case "stopSign":
      return { ...scalars, stopSign: write.stopSign };
    case "compact":
      return {
        ...scalars,
        compactedIdx: write.idx,
        endIdx: Math.max(scalars.endIdx, write.idx),
        snapshot: write.snapshot?.value ?? scalars.snapshot,
      };
    default:
      return unreachable(write, "write");
  }
}
