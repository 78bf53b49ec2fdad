import { ballotsEqual, compareBallots } from "./ballot.ts";
import type { Ballot, NodeId } from "./ballot.ts";
import type { Quorum } from "./config.ts";
import type { PeerView } from "./ballot-leader-election.ts";

interface Electorate {
  readonly leader: Ballot;
  readonly lastReplies: ReadonlyMap<NodeId, PeerView>;
  followersOf(ballot: Ballot): number;
}

/**
 * Finds peers that can be heard but hold on to a higher ballot whose owner died: they get no entries, and a leader
 * with a healthy quorum would never be replaced for their sake (S7, deviations.md).
 *
 * STRANDED-1. A peer counts when it was unhappy with the same higher ballot at two checks in a row: at least one whole
 *     resend time-out.
 * STRANDED-2. No duels: only a leader that the election agrees with and a write quorum follows acts, and only while no node
 *     that it hears is happy with a higher ballot. Two such leaders would need the same followers.
 */
export class StrandedPeers {
  #suspects = new Map<NodeId, Ballot>();

  /** See memory.ts. */
  get memory(): unknown {
    return [...this.#suspects];
  }

  /** The highest ballot to go beyond; null when there is nothing to do. */
  check(election: Electorate, leading: Ballot, quorum: Quorum): Ballot | null {
    const before = this.#suspects;
    this.#suspects = new Map();
    if (!ballotsEqual(election.leader, leading)) return null;
    if (election.followersOf(leading) < quorum.write) return null;
    let higher: Ballot | null = null;
    for (const [pid, view] of election.lastReplies) {
      if (compareBallots(view.leader, leading) <= 0) continue;
      if (view.happy) return null;
      this.#suspects.set(pid, view.leader);
      const suspected = before.get(pid);
      if (suspected === undefined || !ballotsEqual(suspected, view.leader)) continue;
      if (higher === null || compareBallots(view.leader, higher) > 0) higher = view.leader;
    }
    if (higher !== null) this.#suspects.clear();
    return higher;
  }
}
