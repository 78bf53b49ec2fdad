import type { NodeId } from "./ballot.ts";

/**
 * What a peer says cannot be true together with what this node has decided: a promise was broken somewhere, as when a disk
 * went back in time. No side can be believed, so nothing of the message was applied (sequence-paxos/judge.ts).
 */
export interface Contradiction {
  /**
   * `differs`: the peer's log holds something else in a decided place, or cannot be told from what this node sent.
   * `endsBelow`: a log that must hold all that is decided ends before it.
   */
  readonly kind: "differs" | "endsBelow";
  /** Whose message it was. */
  readonly with: NodeId;
  /** The indexes in question: [from, to). */
  readonly from: number;
  readonly to: number;
  /** What this node had decided, and keeps. */
  readonly decidedIdx: number;
}
