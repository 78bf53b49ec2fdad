import { ballotsEqual } from "./ballot.ts";
import type { Ballot, NodeId } from "./ballot.ts";
import type { PeerView } from "./ballot-leader-election.ts";
import type { Quorum } from "./config.ts";
import type { Member } from "./leader-state.ts";

/**
 * A leader that is about to end asks a follower to lead in its place, so that followers need not notice its silence first.
 *
 * HANDOVER-1. Asking changes nothing: the leader leads on until a higher ballot reaches it. The follower does what any node may
 *     do at any time (`tryBecomeLeader`), so no message of this kind, early, late or repeated, costs more than a change of
 *     leader: decided entries stay, and undecided ones may be lost.
 * HANDOVER-2. A follower obeys only the leader that it follows now: after any change of leader the message means nothing.
 * HANDOVER-3. No leader asks, and no follower obeys, unless it hears both quorums without the leader that goes: else the
 *     cluster would lose its leader twice.
 */
export interface Heard {
  /** What each peer said in the last complete heartbeat round. */
  readonly lastReplies: ReadonlyMap<NodeId, PeerView>;
}

/** Followers that could lead in this leader's place, the one with the longest log first. */
export function heirsOf<T>(
  followers: readonly Member<T>[],
  { lastReplies }: Heard,
  quorum: Quorum,
): readonly NodeId[] {
  if (lastReplies.size < bothQuorums(quorum)) return [];
  return followers
    .filter(({ pid, promise }) => promise.kind === "promised" && lastReplies.has(pid))
    .sort((a, b) => b.acceptedIdx - a.acceptedIdx || b.pid - a.pid)
    .map(({ pid }) => pid);
}

/** Whether a follower in its leader's stream is to take over from `from`, which says that it leads `n`. */
export function mayTakeOver(
  from: NodeId,
  n: Ballot,
  promise: Ballot,
  { lastReplies }: Heard,
  quorum: Quorum,
): boolean {
  const others = [...lastReplies.keys()].filter((pid) => pid !== from);
  return n.pid === from && ballotsEqual(n, promise) && others.length + 1 >= bothQuorums(quorum);
}

function bothQuorums({ read, write }: Quorum): number {
  return Math.max(read, write);
}
