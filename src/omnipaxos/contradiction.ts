import type { NodeId } from "./ballot.ts";

/**
 * A peer's message cannot be true together with what this node has decided: some node broke a promise, as when a disk went back
 * in time. This node can believe neither side, so it applied nothing of the message (sequence-paxos/judge.ts).
 */
export interface Contradiction {
  /**
   * `differs`: the peer's log holds something else in a decided place, or cannot be told from what this node sent.
   * `endsBelow`: a log that must hold all that is decided ends before it.
   */
  readonly kind: "differs" | "endsBelow";
  /** The sender of the message. */
  readonly with: NodeId;
  /** The indexes in question: [from, to). */
  readonly from: number;
  readonly to: number;
  /** What this node had decided, and keeps. */
  readonly decidedIdx: number;
}
