/**
 * Which peers a node lets in. It remembers what its peers have told it of their disks, and refuses one that comes back with less:
 * letting it in could silently lose acknowledged writes.
 *
 * Invariants:
 *   GUARD-1. A session in which the peer may vote begins only with a node that was started with the same members, on the disk that
 *       this node knows under that id, with at least what it has told (promise, accepted round and index, decided index) and with
 *       the mark that this node heard last among those that it knows to have told.
 *   GUARD-2. A disk takes the place of another one only at a higher generation, and the other one is never let in again. An empty disk
 *       (`--rejoin`) has a session without a vote, unless another disk of its id is connected, and nothing is recorded of it. It is
 *       recorded when it claims a number in that session which is higher than the one that is known: by a node that has its place.
 *   GUARD-6. At one generation a disk that has its place comes before one that is only known to have claimed it: so many nodes have
 *       recorded the one that the other can never get its place with that number (JOIN-6).
 *   GUARD-3. No session begins between logs of two origins: nothing of one may ever be taken for the other's, and neither node
 *       is at fault. A log has no origin before its first session: such a log fits any, if all else does.
 *   GUARD-4. What the node remembers is durable before the session begins.
 *   GUARD-5. A node stops when a peer that knows better has proved that its disk may not vote. A peer that holds nothing does not
 *       know better than a disk with the data of a cluster: it may be a new node of another cluster that has one wrong address. Still no
 *       session begins. If such a peer knows another disk under this id, it has accepted nothing with that disk; in any quorum
 *       some node has, knows of that disk too, and holds something.
 */
import type { Refusal } from "../../links/handshake/index.ts";
import type { PeerPresence, PeerRefusal } from "../../links/index.ts";
import { NO_ORIGIN } from "../../store/index.ts";
import { BALLOT_BOTTOM, type NodeId } from "../../omnipaxos/index.ts";
import { type PeerMemory, type RememberedPeer, StorageError } from "../../storage/index.ts";
import type { DiskPlace, DurableClaims } from "../../protocol/messages/index.ts";
import type { PeerHello } from "../../protocol/handshake/index.ts";
import { sameClaims } from "./same-claims.ts";
import { isFinalRefusal, lessThanTold, refusalText } from "./refusals.ts";

export interface PeerGuardOptions {
  readonly self: NodeId;
  /** Ids of all nodes, ascending. */
  readonly members: readonly NodeId[];
  readonly memory: PeerMemory;
  readonly isConnected: (peer: NodeId) => boolean;
  /** Of the log that this node's state comes from; NO_ORIGIN: it has none yet. */
  readonly origin: () => number;
  /** Another disk stands behind this id from now on: no vote of the earlier disk counts any more. */
  readonly onReplaced: (peer: NodeId) => void;
}

/** Nothing was told yet. */
const NO_CLAIMS: DurableClaims = {
  promise: BALLOT_BOTTOM,
  acceptedRound: BALLOT_BOTTOM,
  acceptedIdx: 0,
  decidedIdx: 0,
};

export class PeerGuard {
  readonly #options: PeerGuardOptions;
  readonly #otherLogs = new Set<NodeId>();
  /** The disks at the other ends of the present sessions. */
  readonly #present = new Map<NodeId, PeerPresence>();

  constructor(options: PeerGuardOptions) {
    this.#options = options;
  }

  /** Peers whose data come from another beginning than this node's, as this node heard last. */
  get otherLogs(): readonly NodeId[] {
    return [...this.#otherLogs].sort((a, b) => a - b);
  }

  /** A peer does not let this node in. @returns the error that ends this process, if it must end */
  onRefused(peer: NodeId, { code, text, proved, presence }: PeerRefusal): StorageError | null {
    if (!proved) return null;
    // The peer has said of itself that its data come from another beginning.
    if (code === "WRONG_CLUSTER") this.#otherLogs.add(peer);
    if (!isFinalRefusal(code)) return null;
    const holdsNothing = presence !== null && holdsNoData(presence);
    const isOnlyAnotherDisk = code === "LOST_IDENTITY" && holdsNothing;
    if (isOnlyAnotherDisk && this.#options.origin() !== NO_ORIGIN) return null;
    return new StorageError(code, text);
  }

  onSession(peer: NodeId, presence: PeerPresence): void {
    this.#present.set(peer, presence);
  }

  onSessionEnd(peer: NodeId): void {
    this.#present.delete(peer);
  }

  /** The session with this peer is with another disk than the one that is known under its id now. Copies of one disk are one to it. */
  isWithAnother(peer: NodeId): boolean {
    const present = this.#present.get(peer)?.incarnation;
    return present !== undefined && present !== this.#options.memory.get(peer)?.incarnation;
  }

  /** @returns null when the peer is welcome; then what it says is remembered, durably, if it has its place */
  admit(id: NodeId, presence: PeerPresence): Refusal | null {
    const { self, members, memory, origin } = this.#options;
    const { incarnation, peer } = presence;
    if (peer.members.join() !== members.join()) {
      return refusal("OTHER_MEMBERS", refusalText.otherMembers(id, peer.members, members));
    }
    const own = origin();
    if (peer.origin !== own && peer.origin !== NO_ORIGIN && own !== NO_ORIGIN) {
      this.#otherLogs.add(id);
      return refusal("WRONG_CLUSTER", refusalText.otherOrigin(self, own, id, peer.origin));
    }
    this.#otherLogs.delete(id);
    const known = memory.get(id);
    const isOther = known?.incarnation !== incarnation;
    if (!peer.joined && this.#isOtherConnected(id, incarnation)) {
      const waits = this.#present.get(id)?.peer.joined === false;
      return refusal("NOT_LOST", waits ? refusalText.twoWait(id) : refusalText.notLost(id));
    }
    // Nothing is recorded of an empty disk before it claims its place.
    if (!peer.joined && isOther) return null;
    if (known !== undefined && isOther) return this.#replace(id, known, presence);
    if (known !== undefined) {
      const less = lessThanTold(known, peer);
      if (less !== null)
        return refusal("WENT_BACK", refusalText.wentBack(id, less, members.length));
    }
    const generation = Math.max(known?.generation ?? 0, peer.generation);
    const claims = peer.joined ? peer.durable : NO_CLAIMS;
    const waits = !peer.joined;
    const now: RememberedPeer = { incarnation, generation, ...lastMark(peer), ...claims, waits };
    // Only what names the disk and the process must be durable at once; the rest grows all the time.
    const isNews = known?.bootId !== now.bootId || known.generation !== generation;
    if (isNews) memory.set(id, now);
    else memory.update(id, now);
    return null;
  }

  /** A session tells what its node, which has its place, has on disk by now. */
  onTold(id: NodeId, claims: DurableClaims, told: number): void {
    const { memory } = this.#options;
    const known = memory.get(id);
    if (known === undefined) return;
    // This node has not met the disk that it knows now, so these cannot be that disk's marks.
    const mark = known.bootId === 0 ? 0 : Math.max(known.mark, told);
    if (mark === known.mark && sameClaims(known, claims) && !known.waits) return;
    memory.update(id, { ...known, ...claims, mark, waits: false });
  }

  /** GUARD-2, at a node that has its place. @param place what the disk of this peer, which waits, claims in the present session */
  onClaim(id: NodeId, { incarnation, generation }: DiskPlace): void {
    const { memory, onReplaced } = this.#options;
    const present = this.#present.get(id);
    const known = memory.get(id);
    if (present?.incarnation !== incarnation || generation <= (known?.generation ?? 0)) return;
    const told = { ...lastMark(present.peer), ...NO_CLAIMS };
    memory.set(id, { incarnation, generation, ...told, waits: true });
    onReplaced(id);
  }

  /**
   * Others, which have their places, know which disks stand behind which ids.
   * @returns the error that ends this process, if its own place was taken
   */
  onPlaces(places: readonly DiskPlace[], own: DiskPlace): StorageError | null {
    const { self, members } = this.#options;
    for (const place of places) {
      if (!members.includes(place.node)) continue;
      if (place.node !== self) this.#learn(place);
      else if (isTaken(place, own)) {
        return new StorageError("REPLACED", refusalText.replaced(self, members.length));
      }
    }
    return null;
  }

  /** The disks that this node knows. */
  places(): readonly DiskPlace[] {
    const places: DiskPlace[] = [];
    for (const node of this.#options.members) {
      const known = this.#options.memory.get(node);
      if (known === undefined) continue;
      const { incarnation, generation, waits } = known;
      places.push({ node, incarnation, generation, waits });
    }
    return places;
  }

  #isOtherConnected(id: NodeId, incarnation: string): boolean {
    const present = this.#present.get(id)?.incarnation ?? incarnation;
    return present !== incarnation && this.#options.isConnected(id);
  }

  /** A disk that has its place comes in the stead of another one. */
  #replace(id: NodeId, known: RememberedPeer, { incarnation, peer }: PeerPresence): Refusal | null {
    const { self, members, memory, origin, onReplaced } = this.#options;
    const count = members.length;
    const { generation } = peer;
    if (generation < known.generation) {
      return isEmpty(peer)
        ? lostIdentity(id, count)
        : refusal("REPLACED", refusalText.replaced(id, count));
    }
    if (generation === known.generation && !known.waits) {
      return origin() === NO_ORIGIN && peer.origin !== NO_ORIGIN
        ? refusal("LOST_IDENTITY", refusalText.otherDisk(self, id, count))
        : lostIdentity(id, count);
    }
    const claims = peer.durable;
    memory.set(id, { incarnation, generation, ...lastMark(peer), ...claims, waits: false });
    onReplaced(id);
    return null;
  }

  #learn({ node, incarnation, generation, waits }: DiskPlace): void {
    const { memory, onReplaced } = this.#options;
    const known = memory.get(node);
    const isSameDisk = known?.incarnation === incarnation;
    if (known !== undefined) {
      const isNews = generation > known.generation;
      const hasPlaceNow = generation === known.generation && known.waits && !waits;
      if (!isNews && !hasPlaceNow) return;
      if (hasPlaceNow && isSameDisk) return memory.set(node, { ...known, waits });
    }
    const present = this.#present.get(node);
    // Its own claim may still be on its way, in a session that is up: what it tells there is to be compared later.
    const isHere = present?.incarnation === incarnation;
    const marks = isHere ? lastMark(present.peer) : { bootId: 0, mark: 0 };
    const before = isSameDisk ? known : { ...marks, ...NO_CLAIMS };
    memory.set(node, { ...before, incarnation, generation, waits });
    // Also the same disk may have been replaced meanwhile, and be back as it was before it had its place.
    if (known !== undefined) onReplaced(node);
  }
}

/**
 * A disk that has its place, or has claimed it, gives way to a later one, also to a copy of itself from before it had its place: that one
 * claims a number of its own (JOIN-8). While it waits, one that only claimed the place too is no later one: it will claim a higher
 * number. Nor is the lost disk itself, before anything was claimed.
 */
function isTaken(place: DiskPlace, own: DiskPlace): boolean {
  if (place.generation <= own.generation) return false;
  if (!own.waits) return true;
  return place.incarnation !== own.incarnation && own.generation > 0 && !place.waits;
}

function lastMark({ marks }: PeerHello): Pick<RememberedPeer, "bootId" | "mark"> {
  const last = marks.at(-1);
  return { bootId: last?.boot ?? 0, mark: last?.to ?? 0 };
}

function refusal(code: Refusal["code"], text: string): Refusal {
  return { code, text };
}

/** The peer is new, and no data have come to it yet. */
function holdsNoData({ origin, durable }: PeerHello): boolean {
  return origin === NO_ORIGIN && durable.acceptedIdx === 0;
}

/** Emptied, not the disk that was replaced before: that had promised something, and is the wrong one to look for. */
function isEmpty({ durable }: PeerPresence["peer"]): boolean {
  return durable.promise.n === 0 && durable.acceptedIdx === 0;
}

function lostIdentity(id: NodeId, members: number): Refusal {
  return refusal("LOST_IDENTITY", refusalText.lostIdentity(id, members));
}
