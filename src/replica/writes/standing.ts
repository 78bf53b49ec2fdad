import { compareBallots, type Ballot, type NodeId, type PeerView } from "../../omnipaxos/index.ts";

/** How this node stands towards the leader, as far as it can know. */
export type Standing =
  /** Accepting leader that hears a quorum. */
  | { readonly kind: "leading" }
  /** In step with a leader that it heard in the last heartbeat round, and that has not moved on to another ballot. */
  | { readonly kind: "following"; readonly leader: NodeId }
  /**
   * Neither: proposals would be lost, and nothing arrives. `heard`: peers that answered the last heartbeat round, without
   * those whose leader this node is: they would hand requests back to it.
   */
  | { readonly kind: "cutOff"; readonly heard: readonly NodeId[] };

const LEADING: Standing = { kind: "leading" };

/** The part of the core that tells it. */
export interface StandingView {
  readonly role: "leader" | "follower";
  readonly phase: "none" | "prepare" | "accept" | "recover";
  readonly isHappy: boolean;
  readonly promise: Ballot;
  /** The peers that answered the last heartbeat round. */
  connectedPeers(): ReadonlyMap<NodeId, PeerView>;
}

/**
 * A leader that was replaced without its knowledge stays leader in its own eyes, and its followers with it, until a message of
 * the new one gets through; under partial connectivity that may be never. A neighbour's reply reveals it: a neighbour that is
 * happy with a higher ballot has a leader that works.
 */
export function standingOf(view: StandingView): Standing {
  const { role, phase, promise } = view;
  const heard = view.connectedPeers();
  if (phase === "accept" && !someoneFollowsHigher(promise, heard)) {
    if (role === "leader") {
      if (view.isHappy) return LEADING;
    } else {
      const said = heard.get(promise.pid);
      // Right after it took over its last reply may be from before.
      if (said !== undefined && compareBallots(said.leader, promise) <= 0) {
        return { kind: "following", leader: promise.pid };
      }
    }
  }
  const follows = ({ leader }: PeerView): boolean =>
    role === "leader" && compareBallots(leader, promise) === 0;
  const others = [...heard].filter(([, said]) => !follows(said));
  return { kind: "cutOff", heard: others.map(([peer]) => peer) };
}

function someoneFollowsHigher(promise: Ballot, heard: ReadonlyMap<NodeId, PeerView>): boolean {
  for (const { happy, leader } of heard.values()) {
    if (happy && compareBallots(leader, promise) > 0) return true;
  }
  return false;
}
