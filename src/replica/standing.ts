import { ballotsEqual, type Ballot, type NodeId, type PeerView } from "../omnipaxos/index.ts";

/** How this node stands towards the leader, as far as it can know. */
export type Standing =
  /** Accepting leader that hears a quorum. */
  | { readonly kind: "leading" }
  /** In step with a leader that said in the last heartbeat round that it leads this very ballot, with a quorum. */
  | { readonly kind: "following"; readonly leader: NodeId }
  /** Neither: proposals would be lost, and nothing arrives. `heard`: peers that answered the last heartbeat round. */
  | { readonly kind: "cutOff"; readonly heard: readonly NodeId[] };

/** The part of the core that tells it. */
export interface StandingView {
  readonly role: "leader" | "follower";
  readonly phase: "none" | "prepare" | "accept" | "recover";
  readonly isHappy: boolean;
  readonly promise: Ballot;
  /** Who answered the last heartbeat round. */
  readonly heard: ReadonlyMap<NodeId, PeerView>;
}

export function standingOf({ role, phase, isHappy, promise, heard }: StandingView): Standing {
  if (phase === "accept") {
    if (role === "leader") {
      if (isHappy) return { kind: "leading" };
    } else {
      const said = heard.get(promise.pid);
      if (said?.happy === true && ballotsEqual(said.leader, promise)) {
        return { kind: "following", leader: promise.pid };
      }
    }
  }
  return { kind: "cutOff", heard: [...heard.keys()] };
}
