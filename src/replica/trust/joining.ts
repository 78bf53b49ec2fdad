/**
 * An empty disk takes the place of a lost one (ADR 0006). Until it may, this node listens and fetches the log, and votes for
 * nothing: only the other nodes know what the lost disk had promised and accepted.
 *
 * Invariants:
 *   JOIN-1. A peer confirms by a report in the present session: it knows this disk under this id, as that of a generation, and has
 *       dropped every vote of the one before. It tells what it has promised. It counts when it names this disk's own
 *       generation, the greatest that any peer has ever told it.
 *   JOIN-2. So many peers have confirmed that every quorum with this node in it has one of them. A candidate that still counts a
 *       promise of the lost disk needs one of them too, and either this node knows that peer's promise (JOIN-3) or the peer tells
 *       the candidate first that the disk was replaced.
 *   JOIN-3. This node votes only when its log is that of a leader with a ballot at least as high as all that they had promised.
 *       That leader has won its quorum without this disk, so its log holds all that was ever decided in lower ballots.
 *   JOIN-4. The leader takes it up only while accepting: an empty log never counts for the choice of the log to adopt.
 *   JOIN-6. So this disk takes its place only with a generation that so many peers have recorded. Of two such sets one node is in
 *       both, and gives a later disk a higher number: the disks that have ever had the place have different generations, in their order.
 *   JOIN-5. Nor does this node count its own log for anything: no linearizable read is given an index before it votes.
 */
import { compareBallots, type Ballot, type NodeId } from "../../omnipaxos/index.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";

export interface JoiningOptions {
  /** Nodes of the cluster. */
  readonly nodes: number;
  /** The smaller of read and write quorum. */
  readonly quorum: number;
  /** Of this disk, as it remembers. */
  readonly generation: number;
}

interface Confirmation {
  readonly promise: Ballot;
  readonly generation: number;
}

/** The messages that may leave before this node has its place: no peer can count any of them as a vote. */
const MAY_SAY: ReadonlySet<string> = new Set([
  "prepareReq",
  "joinRequest",
  "report",
  "stateHashes",
  "snapshotRequest",
  "relayReturned",
]);

export class Joining {
  readonly #needed: number;
  /** What the peers with a session have said; those of a lower generation do not count yet. */
  readonly #told = new Map<NodeId, Confirmation>();
  #generation: number;

  constructor({ nodes, quorum, generation }: JoiningOptions) {
    this.#needed = nodes - quorum + 1;
    this.#generation = generation;
  }

  get confirmed(): readonly NodeId[] {
    const counts = [...this.#told].filter(([, told]) => told.generation === this.#generation);
    return counts.map(([peer]) => peer).sort((a, b) => a - b);
  }

  get needed(): number {
    return this.#needed;
  }

  /**
   * The first word of a session on a generation counts (JOIN-1): later promises cannot rest on votes of the lost disk.
   * @param generation the host has made durable that this disk is of no lower one
   */
  onConfirmed(peer: NodeId, promise: Ballot, generation: number): void {
    this.#generation = Math.max(this.#generation, generation);
    const told = this.#told.get(peer);
    if (told === undefined || told.generation < generation) {
      this.#told.set(peer, { promise, generation });
    }
  }

  onSessionEnd(peer: NodeId): void {
    this.#told.delete(peer);
  }

  /** The lowest ballot whose leader this node may follow; null: too few have confirmed. */
  get lowest(): Ballot | null {
    let lowest: Ballot | null = null;
    let confirmed = 0;
    for (const { promise, generation } of this.#told.values()) {
      if (generation !== this.#generation) continue;
      confirmed += 1;
      if (lowest === null || compareBallots(promise, lowest) > 0) lowest = promise;
    }
    return confirmed < this.#needed ? null : lowest;
  }

  /** Which disk under this id it is, as far as it has been told. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether a message to this node may reach the core. */
  mayHear(message: PeerMessage): boolean {
    // JOIN-3: this node would begin a round with the log of a disk that may have lost its votes.
    if (message.type === "takeOver") return false;
    if (message.type !== "prepare") return true;
    const { lowest } = this;
    return lowest !== null && compareBallots(message.n, lowest) >= 0;
  }

  maySay(message: PeerMessage): boolean {
    return MAY_SAY.has(message.type);
  }

  /** JOIN-6. @returns null: not yet */
  mayTakePlace(acceptedRound: Ballot): { readonly generation: number } | null {
    return this.mayVote(acceptedRound) ? { generation: this.generation } : null;
  }

  /** JOIN-3. @param acceptedRound durable: the log is that of its leader, or of a later moment of it */
  mayVote(acceptedRound: Ballot): boolean {
    const { lowest } = this;
    return lowest !== null && acceptedRound.n > 0 && compareBallots(acceptedRound, lowest) >= 0;
  }
}

/** @returns null: the node has its place */
export function newcomer(
  { joined, generation = 0 }: { readonly joined?: boolean; readonly generation?: number },
  nodes: number,
  quorum: number,
): Joining | null {
  return joined === false ? new Joining({ nodes, quorum, generation }) : null;
}
