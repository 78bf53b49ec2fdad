/**
 * What this node tells its peers of its disk, and what it makes of their reports. It tells at the start of each session, before anything
 * else, once in an election time-out, and at once when another disk takes a peer's place.
 *
 * With each report goes a mark (ToldMarks): a new one when the disk holds something else than at the last mark, so that a cluster
 * in which nothing happens writes nothing. A mark is durable before the node tells it, and nothing waits for that.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { PeerPresence } from "../../links/index.ts";
import { nodesText, type Replica } from "../../replica/index.ts";
import { type DataDirectory, metPeer } from "../../storage/index.ts";
import type {
  DiskPlace,
  DurableClaims,
  ReplicaMessage,
  NodeReport,
} from "../../protocol/messages/index.ts";
import { sameClaims } from "./same-claims.ts";
import type { PeerGuard } from "./peer-guard.ts";

export interface ReportsOptions {
  readonly nodeId: NodeId;
  readonly directory: DataDirectory;
  readonly guard: PeerGuard;
  readonly replica: Replica;
  /** Between two reports to the same peer. */
  readonly intervalTicks: number;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  readonly peers: () => readonly NodeId[];
  readonly logger: Logger;
  /** Another disk has taken this one's place: the process must end. */
  readonly onReplaced: (error: Error) => void;
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

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** How this node presents itself to a peer. Everything it says of itself there is durable when this returns. */
  presence(to: NodeId): PeerPresence {
    const { directory, replica } = this.#options;
    const isPeer = directory.members.includes(to);
    return {
      incarnation: directory.incarnation,
      peer: {
        members: directory.members,
        joined: directory.joined,
        // A disk without its place tells its number with its reports alone: a peer that takes it drops all votes, and begins anew.
        generation: directory.joined ? this.#generation : 0,
        marks: isPeer ? directory.peers.introduce(to) : [],
        durable: replica.core.durable,
        origin: replica.state.origin,
      },
    };
  }

  /** A session with this peer began. */
  onSession(peer: NodeId): void {
    this.#options.directory.peers.met(peer);
    this.#due.add(peer);
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
    this.flush();
  }

  receive(peer: NodeId, { promise, joined, durable, mark, places }: NodeReport): void {
    const { guard, replica, directory, onReplaced } = this.#options;
    if (joined) guard.onTold(peer, durable, mark);
    if (joined) this.#alsoJoining.delete(peer);
    else this.#alsoJoining.add(peer);
    const own = this.#ownPlace;
    // Of two that wait, neither knows better which disk stands where (GUARD-2).
    const isNews = joined || directory.joined;
    const error = guard.onPlaces(isNews ? places : places.filter((p) => p.node !== peer), own);
    if (error !== null) return onReplaced(error);
    const known = places.find(({ node }) => node === own.node);
    if (joined && known?.incarnation === own.incarnation) {
      this.#learnGeneration(known.generation);
      replica.onConfirmed(peer, promise, known.generation);
    }
  }

  /**
   * Peers that know this disk under a lower number hear of the greatest (JOIN-6), record it, and end their sessions; the next ones
   * begin with their word on it. Durable first: also after a restart this disk must not take its place below a number it was told.
   */
  #learnGeneration(generation: number): void {
    const { directory, nodeId, peers } = this.#options;
    if (directory.joined || generation <= this.#generation) return;
    directory.peers.set(nodeId, { ...metPeer(directory.incarnation), generation });
    for (const peer of peers()) this.#due.add(peer);
  }

  /** The node's log now allows it to vote: from now on it does. Durable when this returns. */
  takePlace(generation: number): void {
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
    const { incarnation } = directory;
    return { node: nodeId, incarnation, generation: this.#generation };
  }

  #report(): Omit<NodeReport, "mark"> {
    const { directory, guard, replica } = this.#options;
    const { promise, durable } = replica.core;
    return { promise, joined: directory.joined, durable, places: guard.places() };
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
    if (this.#options.peers().length - waiting.length >= needed) return "";
    return (
      `, and ${nodesText(waiting)} ${waiting.length === 1 ? "waits" : "wait"} for the same: only nodes that have their data can let ` +
      `one in. If this cluster has never begun, remove these data directories and start without --rejoin`
    );
  }
}

function named(nodes: readonly NodeId[]): string {
  return nodes.length === 0
    ? "none has"
    : `${nodesText(nodes)} ${nodes.length === 1 ? "has" : "have"}`;
}
