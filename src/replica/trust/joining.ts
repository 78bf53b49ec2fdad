/**
 * An empty disk takes the place of a lost one (ADR 0006). Until it may, this node listens and fetches the log, and votes for
 * nothing: only the other nodes know what the lost disk had promised and accepted.
 *
 * Invariants:
 *   JOIN-1. A peer that has its place *confirms* this disk by a report in the present session: it has recorded this disk under this id,
 *       with exactly the number that this disk claims, and has dropped every vote of the one before. What it had promised and accepted
 *       by its first such report counts: what comes later cannot rest on votes of the lost disk.
 *   JOIN-2. So many peers must confirm that every quorum with this node in it has one of them, also the smallest that answers a read
 *       without a leader: with an even number of nodes that is smaller than a majority. A candidate that still counts a promise
 *       of the lost disk needs one of them too, and either this node knows that peer's promise (JOIN-3) or the peer tells the candidate
 *       first that the disk was replaced.
 *   JOIN-3. This node votes only when its log is that of a leader with a ballot at least as high as what they had promised.
 *       That leader has won its quorum without this disk, so its log holds all that was ever decided in lower ballots. Of what is
 *       decided in that very ballot the log may lack an end, if the lost disk was there again after it was fetched, and voted. Such
 *       entries stand on one of those peers, too: the log must be as long as theirs of that round.
 *   JOIN-4. The leader takes it up only while accepting: an empty log never counts for the choice of the log to adopt.
 *   JOIN-5. Nor does this node count its own log for anything: no linearizable read is given an index before it votes.
 *   JOIN-6. A peer records one disk for a number, and its numbers for a place only grow. Of two sets that confirmed one node is in both:
 *       so the disks that have ever had the place have different numbers, and nobody in the set of a higher one lets a lower one in.
 *   JOIN-7. This disk claims a number only when so many peers are connected and its log is level with theirs, so that what is left is a
 *       matter of a few messages. Until then no peer has recorded anything, and the disk before may come back.
 *   JOIN-8. Each process claims a number of its own. A directory put back from between its claim and its place, which has voted since,
 *       thus comes as another disk does: every vote of what it was is dropped first.
 */
import {
  ballotsEqual,
  compareBallots,
  quorumOf,
  type ClusterConfig,
  type DurableMark,
  type NodeId,
} from "../../omnipaxos/index.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";

export interface JoiningOptions {
  /** Nodes of the cluster. */
  readonly nodes: number;
  /** The smallest of all quorums. */
  readonly quorum: number;
  /** The greatest number that this disk has claimed in an earlier process; 0: none. */
  readonly generation: number;
}

/** Which disk a peer knows in this place. */
export interface KnownPlace {
  readonly generation: number;
  /** It is this one. */
  readonly isOwn: boolean;
}

/** What a peer has promised, in memory: at least every promise that has left it. And what it has accepted, durably: every such vote. */
export type Votes = Pick<DurableMark, "promise" | "acceptedRound" | "acceptedIdx">;

/** This disk's log, durably: it is that of the round's leader, or of an earlier moment of it. */
export type OwnLog = Pick<DurableMark, "acceptedRound" | "acceptedIdx">;

/** The last report of a peer with a session. */
interface Word {
  readonly votes: Votes;
  readonly place: KnownPlace;
  /** Those that it had given when it confirmed (JOIN-1). Null: it has not. */
  readonly confirmed: Votes | null;
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
  readonly needed: number;
  readonly #words = new Map<NodeId, Word>();
  readonly #before: number;
  #generation = 0;

  constructor({ nodes, quorum, generation }: JoiningOptions) {
    this.needed = nodes - quorum + 1;
    this.#before = generation;
  }

  /** The peers that agree: while this disk claims nothing, all with a session that have their places; then those that confirm. */
  get confirmed(): readonly NodeId[] {
    const agree = [...this.#words].filter(
      ([, { confirmed }]) => this.#generation === 0 || confirmed !== null,
    );
    return agree.map(([peer]) => peer).sort((a, b) => a - b);
  }

  /** What this process claims for its disk; 0: nothing yet. */
  get generation(): number {
    return this.#generation;
  }

  /** A peer that has its place reports. */
  onReport(peer: NodeId, votes: Votes, place: KnownPlace): void {
    const confirms = place.isOwn && this.#generation > 0 && place.generation === this.#generation;
    const before = this.#words.get(peer)?.confirmed ?? null;
    this.#words.set(peer, { votes, place, confirmed: confirms ? (before ?? votes) : null });
  }

  onSessionEnd(peer: NodeId): void {
    this.#words.delete(peer);
  }

  /** The number that this disk is to claim now (JOIN-7); null: none, as it is not level yet, or its present claim meets no other disk. */
  claimDue(log: OwnLog): number | null {
    if (this.#generation > 0 && !this.#isContested) return null;
    if (!this.#isLevel(log, ({ votes }) => votes)) return null;
    const told = [...this.#words.values()].map(({ place }) => place.generation);
    return 1 + Math.max(this.#before, this.#generation, ...told);
  }

  /** @param generation durable, and to be told from now on */
  onClaimed(generation: number): void {
    this.#generation = generation;
    for (const [peer, word] of this.#words) this.#words.set(peer, { ...word, confirmed: null });
  }

  /** Some peer knows another disk that this one's number does not take the place of. */
  get #isContested(): boolean {
    for (const { place } of this.#words.values()) {
      if (place.generation > this.#generation) return true;
      if (place.generation === this.#generation && !place.isOwn) return true;
    }
    return false;
  }

  /** The log may stand beside the votes of as many peers as must confirm. */
  #isLevel(log: OwnLog, votesOf: (word: Word) => Votes | null): boolean {
    let level = 0;
    for (const word of this.#words.values()) {
      const votes = votesOf(word);
      if (votes !== null && covers(log, votes)) level += 1;
    }
    return level >= this.needed;
  }

  /** Whether a message to this node may reach the core. */
  mayHear(message: PeerMessage): boolean {
    // JOIN-3: this node would begin a round with the log of a disk that may have lost its votes.
    return message.type !== "takeOver";
  }

  maySay(message: PeerMessage): boolean {
    return MAY_SAY.has(message.type);
  }

  /** JOIN-3, JOIN-6. @returns null: not yet */
  mayTakePlace(log: OwnLog): { readonly generation: number } | null {
    if (this.#isContested || !this.#isLevel(log, ({ confirmed }) => confirmed)) return null;
    return { generation: this.#generation };
  }
}

/** JOIN-3. */
function covers({ acceptedRound, acceptedIdx }: OwnLog, votes: Votes): boolean {
  if (acceptedRound.n === 0) return false;
  const order = compareBallots(acceptedRound, votes.promise);
  if (order !== 0) return order > 0;
  return !ballotsEqual(acceptedRound, votes.acceptedRound) || acceptedIdx >= votes.acceptedIdx;
}

/** @returns null: the node has its place */
export function newcomer({
  joined,
  generation = 0,
  core: { clusterConfig },
}: {
  readonly joined?: boolean;
  readonly generation?: number;
  readonly core: { readonly clusterConfig: ClusterConfig };
}): Joining | null {
  const { read, write } = quorumOf(clusterConfig);
  const nodes = clusterConfig.nodes.length;
  // The last one has a node of each write quorum: enough for a read without a leader (read-index.ts).
  const quorum = Math.min(read, write, nodes - write + 1);
  return joined === false ? new Joining({ nodes, quorum, generation }) : null;
}
