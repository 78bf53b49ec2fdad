/**
 * What this node tells its peers of its disk, and what it makes of their reports. It tells at the start of each session, before anything
 * else, once in an election time-out, and at once when another disk takes a peer's place.
 *
 * Invariants:
 *   REPORT-1. While a node does not know that a peer has heard of a replaced disk, it says nothing to the peer that counts as a vote: the
 *       peer may still count votes of that disk (JOIN-2). It knows it from the peer's own reports, so a link may lose some.
 *
 * With each report goes a mark (ToldMarks): a new one when the disk holds something else than at the last mark, so that a cluster
 * in which nothing happens writes nothing. A mark is durable before the node tells it, and nothing waits for that.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { PeerPresence } from "../../links/index.ts";
import { nodesText, type Replica, type TurnEffects } from "../../replica/index.ts";
import { type DataDirectory, metPeer } from "../../storage/index.ts";
import type {
  DiskPlace,
  DurableClaims,
  ReplicaMessage,
  NodeReport,
} from "../../protocol/messages/index.ts";
import { sameClaims } from "./same-claims.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";
import type { PeerGuard } from "./peer-guard.ts";

/** A peer counts these, alone or with what others say. */
const VOTES: ReadonlySet<PeerMessage["type"]> = new Set([
  "promise",
  "accepted",
  "readAck",
  "quorumReadAck",
]);

export interface ReportsOptions {
  readonly nodeId: NodeId;
  readonly directory: DataDirectory;
  readonly guard: PeerGuard;
  readonly replica: Replica;
  /** Between two reports to the same peer. */
  readonly intervalTicks: number;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  readonly endSession: (peer: NodeId) => void;
  readonly peers: () => readonly NodeId[];
  readonly logger: Logger;
  /** Another disk has taken this one's place: the process must end. */
  readonly onTaken: (error: Error) => void;
}

export class Reports {
  readonly #options: ReportsOptions;
  readonly #due = new Set<NodeId>();
  #tick = 0;
  #lastWaiting = "";
  /** Peers that must take the place of a lost disk themselves. */
  readonly #alsoJoining = new Set<NodeId>();
  /** What was on the disk when the last mark was asked for. */
  #marked: DurableClaims | null = null;
  /** The disks that each peer knows, as it said last in the present session. */
  readonly #known = new Map<NodeId, readonly DiskPlace[]>();
  /** Peers that may not know of all disks that this node knows to have been replaced (REPORT-1). */
  readonly #unaware = new Set<NodeId>();
  /** Peers to which this process has presented itself as one that waits for its place. */
  readonly #presentedWaiting = new Set<NodeId>();

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** How this node presents itself to a peer. Everything it says of itself there is durable when this returns. */
  presence(to: NodeId): PeerPresence {
    const { directory, replica } = this.#options;
    const isPeer = directory.members.includes(to);
    if (!directory.joined) this.#presentedWaiting.add(to);
    return {
      incarnation: directory.incarnation,
      peer: {
        members: directory.members,
        joined: directory.joined,
        // A disk without its place claims a number in its reports alone (GUARD-2).
        generation: directory.joined ? this.#generation : 0,
        marks: isPeer ? directory.peers.introduce(to) : [],
        durable: replica.core.durable,
        origin: replica.state.origin,
      },
    };
  }

  /**
   * A refusal by this peer may speak of how this node presented itself before it had its place, which others have told the peer of by now. So
   * one a peer is not the last word: if it is right, the next attempt brings it again.
   */
  mayBeOutdated(peer: NodeId): boolean {
    return this.#options.directory.joined && this.#presentedWaiting.delete(peer);
  }

  /** A session with this peer began, or its link lost messages. */
  onSession(peer: NodeId, presence: PeerPresence): void {
    this.#options.guard.onSession(peer, presence);
    this.#options.directory.peers.met(peer);
    this.#due.add(peer);
    this.#known.delete(peer);
    this.#weighAll();
  }

  onSessionEnd(peer: NodeId): void {
    this.#options.guard.onSessionEnd(peer);
    this.#known.delete(peer);
  }

  /** Another disk stands behind this peer's id from now on: every node that counts on the one before hears so before anything else. */
  onReplaced(peer: NodeId): void {
    const { guard, endSession } = this.#options;
    if (guard.isWithAnother(peer)) endSession(peer);
    this.tellAll();
  }

  /** REPORT-1. */
  holdsBack(to: NodeId, { type }: PeerMessage): boolean {
    return this.#unaware.size > 0 && this.#unaware.has(to) && VOTES.has(type);
  }

  tick(): void {
    this.#tick += 1;
    if (this.#tick % this.#options.intervalTicks !== 0) return;
    for (const peer of this.#options.peers()) this.#due.add(peer);
    // A report tells what is on the disk, so the decided index must get there even when there is nothing else to write.
    this.#options.replica.core.writeDecided();
    this.#markIfChanged();
    this.#sayWhatIsMissing();
  }

  flush(): void {
    if (this.#due.size === 0) return;
    const { send, directory } = this.#options;
    const report = this.#report();
    for (const peer of this.#due) {
      send(peer, { type: "report", ...report, mark: directory.peers.markFor(peer) });
    }
    this.#due.clear();
  }

  /** Makes a report to every peer due, before anything else that this turn may send. */
  tellAll(): void {
    for (const peer of this.#options.peers()) this.#due.add(peer);
    this.#weighAll();
    this.flush();
  }

  receive(peer: NodeId, report: NodeReport): void {
    const { directory } = this.#options;
    this.#known.set(peer, report.places);
    if (report.joined) this.#hearOf(peer, report);
    else {
      this.#alsoJoining.add(peer);
      const claim = report.places.find(({ node }) => node === peer);
      if (directory.joined && claim !== undefined) this.#hearClaim(peer, claim);
    }
    this.#weighAll();
  }

  /** Only a node that has its place knows which disks have theirs. */
  #hearOf(peer: NodeId, { promise, durable, mark, places }: NodeReport): void {
    const { guard, replica, directory, nodeId, onTaken, endSession } = this.#options;
    this.#alsoJoining.delete(peer);
    const error = guard.onPlaces(places, this.#ownPlace);
    if (error !== null) return onTaken(error);
    // It took its place unheard, and another disk has taken that since, or a copy of it: it will be told why when it connects.
    const claimed = places.find(({ node }) => node === peer)?.generation ?? 0;
    const isEarlier = claimed < (directory.peers.get(peer)?.generation ?? 0);
    if (isEarlier || guard.isWithAnother(peer)) return endSession(peer);
    guard.onTold(peer, durable, mark);
    const known = places.find(({ node }) => node === nodeId);
    const { acceptedRound, acceptedIdx } = durable;
    replica.joining?.onReport(
      peer,
      { promise, acceptedRound, acceptedIdx },
      {
        generation: known?.generation ?? 0,
        isOwn: known?.incarnation === directory.incarnation,
      },
    );
  }

  /** Whether it is recorded or not, the peer hears what this node knows now. */
  #hearClaim(peer: NodeId, claim: DiskPlace): void {
    this.#due.add(peer);
    this.#options.guard.onClaim(peer, claim);
  }

  /** What a newcomer's turn has brought. */
  join({ claim, mayTakePlace }: Pick<TurnEffects, "claim" | "mayTakePlace">): void {
    if (claim !== null) this.#claim(claim);
    if (mayTakePlace !== null) this.#takePlace(mayTakePlace.generation);
  }

  /** This disk claims that number: durable first, as it must not be claimed again after a restart (JOIN-8). */
  #claim(generation: number): void {
    const { directory, replica, nodeId, logger } = this.#options;
    const { incarnation, peers } = directory;
    peers.set(nodeId, { ...metPeer(incarnation), generation, waits: true });
    replica.joining?.onClaimed(generation);
    logger.info("this disk asks the others to record it in the place of the lost one", {
      generation,
    });
    this.tellAll();
  }

  /** The node's log now allows it to vote: from now on it does. Durable when this returns. */
  #takePlace(generation: number): void {
    const { directory, replica, nodeId, logger } = this.#options;
    const { incarnation, peers } = directory;
    peers.set(nodeId, { ...metPeer(incarnation), generation, ...replica.core.durable });
    directory.join();
    replica.placeTaken();
    const { acceptedIdx } = replica.core;
    logger.info("this disk has taken the place of the lost one", { generation, acceptedIdx });
    this.tellAll();
  }

  get #generation(): number {
    const { directory, nodeId } = this.#options;
    return directory.peers.get(nodeId)?.generation ?? 0;
  }

  get #ownPlace(): DiskPlace {
    const { directory, nodeId } = this.#options;
    const { incarnation, joined } = directory;
    return { node: nodeId, incarnation, generation: this.#generation, waits: !joined };
  }

  /** REPORT-1. The places that are as they were when the cluster began need no word. */
  #weighAll(): void {
    const { guard, peers } = this.#options;
    const replaced = guard.places().filter(({ generation }) => generation > 0);
    for (const peer of peers()) {
      const known = this.#known.get(peer) ?? [];
      const isAware = replaced.every((place) => isKnown(place, known));
      if (isAware) this.#unaware.delete(peer);
      else this.#unaware.add(peer);
    }
  }

  #report(): Omit<NodeReport, "mark"> {
    const { directory, guard, replica, nodeId } = this.#options;
    const { joined } = directory;
    const { promise, durable } = replica.core;
    // What an earlier process claimed is not claimed any more.
    const claims = joined || (replica.joining?.generation ?? 0) > 0;
    const places = guard.places().filter(({ node }) => claims || node !== nodeId);
    return { promise, joined, durable, places };
  }

  #markIfChanged(): void {
    const { directory, replica, peers } = this.#options;
    const { durable } = replica.core;
    if (peers().length === 0) return;
    if (this.#marked !== null && sameClaims(this.#marked, durable)) return;
    this.#marked = durable;
    directory.peers.markSoon();
  }

  #sayWhatIsMissing(): void {
    const { replica, logger } = this.#options;
    const { joining } = replica;
    if (joining === null) return;
    const { confirmed, needed } = joining;
    const reason =
      confirmed.length < needed
        ? `${needed} other ${needed === 1 ? "node" : "nodes"} must be connected and agree; ${named(confirmed)} so far${this.#inVain(needed)}`
        : "the others have agreed; it waits for a leader to bring its log in line (when none comes, the others say why)";
    if (reason === this.#lastWaiting) return;
    this.#lastWaiting = reason;
    logger.warn("this node is to take the place of a lost disk, and serves nobody yet", { reason });
  }

  /** Too many nodes wait for their places, and none of them can let another one in. */
  #inVain(needed: number): string {
    const waiting = [...this.#alsoJoining].sort((a, b) => a - b);
    const peers = this.#options.peers().length;
    if (peers < needed) {
      return `, and there are no more than ${peers}: so small a cluster cannot take in another disk. Make a new one from a backup (omnikv restore)`;
    }
    if (peers - waiting.length >= needed) return "";
    return (
      `, and ${nodesText(waiting)} ${waiting.length === 1 ? "waits" : "wait"} for the same: only nodes that have their data can let ` +
      `one in. If this cluster has never begun, remove these data directories and start without --rejoin`
    );
  }
}

/** Whether who says this knows of the place at least what it says. */
function isKnown(place: DiskPlace, places: readonly DiskPlace[]): boolean {
  const known = places.find(({ node }) => node === place.node);
  if (known === undefined || known.generation < place.generation) return false;
  return (
    known.generation > place.generation || known.incarnation === place.incarnation || place.waits
  );
}

function named(nodes: readonly NodeId[]): string {
  return nodes.length === 0
    ? "none has"
    : `${nodesText(nodes)} ${nodes.length === 1 ? "has" : "have"}`;
}
