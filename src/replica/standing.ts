import type { NodeId } from "../omnipaxos/index.ts";

/** How this node stands towards the leader, as far as it can know. */
export type Standing =
  /** Accepting leader that hears a quorum. */
  | { readonly kind: "leading" }
  /** In step with a leader it heard in the last heartbeat round. */
  | { readonly kind: "following"; readonly leader: NodeId }
  /** Neither: proposals would be lost, and nothing arrives. `heard`: peers that answered the last heartbeat round. */
  | { readonly kind: "cutOff"; readonly heard: readonly NodeId[] };

/** The part of the core that tells it. */
export interface StandingView {
  readonly pid: NodeId;
  readonly role: "leader" | "follower";
  readonly phase: "none" | "prepare" | "accept" | "recover";
  readonly isHappy: boolean;
  readonly promisePid: NodeId;
  /** Who answered the last heartbeat round. */
  readonly heard: ReadonlyMap<NodeId, unknown>;
}

export function standingOf(view: StandingView): Standing {
  if (view.phase === "accept") {
    if (view.role === "leader") {
      if (view.isHappy) return { kind: "leading" };
    } else if (view.heard.has(view.promisePid)) {
      return { kind: "following", leader: view.promisePid };
    }
  }
  return { kind: "cutOff", heard: [...view.heard.keys()] };
}
