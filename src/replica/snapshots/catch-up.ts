/**
 * A log sync may name a snapshot instead of carrying the entries it stands for. This holds such a message back until the
 * snapshot itself is here and durable, asking the sender for it piece by piece. The pieces leave with the turn, for the host's
 * store, which says what became of them.
 *
 * Invariants:
 *   CATCHUP-1. A message that names a snapshot reaches the core only when that snapshot is in the local store; a promise to a leader
 *       that has adopted its log excepted: what the snapshot stands for is not installed, and is not worth a wait.
 *   CATCHUP-2. At most one message is held. Another one takes its place when it is of a higher ballot, of the same sender or about
 *       the same snapshot, or when nothing has come of the snapshot for long. Losing a message is a loss like any other; but two
 *       peers that promise with different snapshots repeat their promises for as long as they are not answered, and if each
 *       repetition began anew, no snapshot that takes longer would ever be whole.
 *   CATCHUP-3. The part of a snapshot that has been received is kept for a newer message that names the same one, from any peer.
 *   CATCHUP-4. While an AcceptSync is held, this node does not repeat the promise that it answers: the leader would answer each
 *       repetition with the whole log behind the snapshot once more. The node notices what the held one lacks as a gap in the
 *       stream, once it is delivered.
 *   CATCHUP-5. A held message outlives the session in which it came, and the process that sent it: it is a message of the
 *       protocol that arrives late, good for the ballot that it names, and a snapshot's name stands for its content. Were it
 *       dropped, a link that breaks before a snapshot is through would make the follower begin again with each newer snapshot.
 *   CATCHUP-6. Pieces go to the host in order, without gaps, each attempt at a snapshot from its first byte on. The bytes that the
 *       host has not reported durable are bounded, however slow its disk: this node asks for and takes no more until there is room.
 */
import { SNAPSHOT_UNKEPT_BYTES_MAX } from "../../base/index.ts";
import {
  ballotsEqual,
  compareBallots,
  type Ballot,
  type NodeId,
  type OmniPaxos,
} from "../../omnipaxos/index.ts";
import {
  type NodePaxosMessage,
  type ReplicaMessage,
  sameSnapshot,
  type SnapshotName,
} from "../../protocol/messages/index.ts";
import { longerHead, roundsIn, type StoredSnapshots } from "./stored-snapshots.ts";

/** The messages that may name a snapshot. */
type LogSyncMessage = Extract<NodePaxosMessage, { type: "acceptSync" | "promise" }>;

type Core = Pick<OmniPaxos<Uint8Array, SnapshotName>, "role" | "phase" | "pid" | "receive">;

interface Held {
  readonly from: NodeId;
  readonly message: LogSyncMessage;
  readonly snapshot: SnapshotName;
}

/** A part of a snapshot that came from a peer, for the host to keep. It may be a view of a whole frame. */
export interface ReceivedPiece {
  readonly snapshot: SnapshotName;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Receiving {
  readonly snapshot: SnapshotName;
  /** So many bytes were handed to the host. */
  receivedBytes: number;
  /** So many of them are durable. */
  keptBytes: number;
  head: Uint8Array;
}

const NOTHING = new Uint8Array(0);
/** Questions without an answer, until a held message gives way to one of another peer. */
const STALLED_RETRIES = 5;

function carriesLogSync(message: NodePaxosMessage): message is LogSyncMessage {
  return message.type === "acceptSync" || message.type === "promise";
}

interface CatchUpProgress {
  readonly snapshot: SnapshotName;
  readonly receivedBytes: number;
  /** The snapshot goes no further as long as the disk is full; the node's own log may still have room. */
  readonly isStuck: boolean;
}

export class CatchUp {
  readonly #stored: StoredSnapshots;
  readonly #send: (to: NodeId, message: ReplicaMessage) => void;
  readonly #core: Core;
  readonly #retryTicks: number;
  #held: Held | null = null;
  #receiving: Receiving | null = null;
  #pieces: ReceivedPiece[] = [];
  /** The next piece is asked for when the host has room for it. */
  #waitsForRoom = false;
  /** The last snapshot that came could not be kept as the disk has no room. */
  #diskIsFull = false;
  #tick = 0;
  #askedTick = 0;
  /** When the held message came, or the last piece of its snapshot. */
  #heardTick = 0;

  constructor(options: {
    readonly stored: StoredSnapshots;
    readonly retryTicks: number;
    readonly send: (to: NodeId, message: ReplicaMessage) => void;
    /** It gets the held message when the snapshot that it names is here. */
    readonly core: Core;
  }) {
    this.#stored = options.stored;
    this.#retryTicks = options.retryTicks;
    this.#send = options.send;
    this.#core = options.core;
  }

  /** The snapshot being fetched, and how much of it is here. Null: none is. */
  get progress(): CatchUpProgress | null {
    if (this.#held === null) return null;
    const { snapshot } = this.#held;
    return {
      snapshot,
      receivedBytes: this.#receivedBytes(snapshot),
      isStuck: this.#diskIsFull,
    };
  }

  get isStuck(): boolean {
    return this.progress?.isStuck ?? false;
  }

  /** A log sync of that round waits for its snapshot. One of a round that is over may wait for ever: its sender may be gone. */
  isFetchingFor(n: Ballot): boolean {
    return this.#held !== null && ballotsEqual(this.#held.message.n, n);
  }

  /** CATCHUP-4. */
  isAnswered(to: NodeId, message: NodePaxosMessage): boolean {
    const held = this.#held;
    return (
      held?.message.type === "acceptSync" &&
      message.type === "promise" &&
      to === held.from &&
      ballotsEqual(message.n, held.message.n)
    );
  }

  /** @returns true when the message may go to the core now; false when it is held */
  admit(from: NodeId, message: NodePaxosMessage): boolean {
    if (!carriesLogSync(message)) return true;
    if (message.type === "promise" && this.#hasAdopted) return true;
    const snapshot = message.logSync?.snapshot?.value ?? null;
    if (snapshot === null || this.#stored.has(snapshot)) return true;
    const next = { from, message, snapshot };
    const before = this.#held;
    if (before !== null && !this.#givesWay(before, next)) return false;
    this.#held = next;
    if (before === null || !sameSnapshot(before.snapshot, snapshot)) this.#heardTick = this.#tick;
    if (!this.#isWhole) this.#ask();
    return false;
  }

  /** Whether this node leads, and its log is that of its round. */
  get #hasAdopted(): boolean {
    return this.#core.role === "leader" && this.#core.phase === "accept";
  }

  /** CATCHUP-2. */
  #givesWay(held: Held, next: Held): boolean {
    if (next.from === held.from || sameSnapshot(next.snapshot, held.snapshot)) return true;
    if (compareBallots(next.message.n, held.message.n) > 0) return true;
    // Whether its own disk is done, this node will know in any case.
    if (this.#isWhole || this.#waitsForRoom) return false;
    return this.#tick - this.#heardTick > STALLED_RETRIES * this.#retryTicks;
  }

  /** A lost request or piece is asked for again. */
  tick(): void {
    this.#tick += 1;
    if (this.#held === null || this.#isWhole || this.#waitsForRoom) return;
    if (this.#tick - this.#askedTick >= this.#retryTicks) this.#ask();
  }

  receive(
    from: NodeId,
    message: Extract<ReplicaMessage, { type: "snapshotChunk" | "snapshotGone" }>,
  ): void {
    const held = this.#held;
    if (held === null || this.#isWhole || from !== held.from) return;
    const { snapshot } = held;
    if (!sameSnapshot(message.snapshot, snapshot)) return;
    if (message.type === "snapshotGone") {
      // The sender has a newer one: its next log sync will name it.
      this.#held = null;
      return;
    }
    const receiving = this.#take({ snapshot, offset: message.offset, bytes: message.bytes });
    if (receiving === null) return;
    this.#heardTick = this.#tick;
    if (this.#isWhole) return;
    if (hasRoom(receiving)) this.#ask();
    else this.#waitsForRoom = true;
  }

  /** The pieces that came in this turn. */
  takePieces(): readonly ReceivedPiece[] {
    const pieces = this.#pieces;
    if (pieces.length > 0) this.#pieces = [];
    return pieces;
  }

  /** The first `bytes` bytes of what was handed out are durable. */
  onKept(snapshot: SnapshotName, bytes: number): void {
    const receiving = this.#receivingOf(snapshot);
    if (receiving === null) return;
    receiving.keptBytes = bytes;
    if (this.#waitsForRoom && hasRoom(receiving)) this.#ask();
  }

  /** The whole snapshot is in the store, and its content is what its name says. */
  onWhole(snapshot: SnapshotName): void {
    this.#diskIsFull = false;
    const receiving = this.#receivingOf(snapshot);
    this.#stored.add(snapshot, receiving === null ? null : roundsIn(receiving.head));
    if (receiving !== null) this.#receiving = null;
    const held = this.#held;
    if (held === null) return;
    // A newer one.
    if (!this.#stored.has(held.snapshot)) return this.#ask();
    this.#held = null;
    const { from, message } = held;
    this.#core.receive({ from, to: this.#core.pid, message });
  }

  /** The host has dropped every piece of it. `tick` asks for it again after `retryTicks`: the disk may be full. */
  onNotKept(snapshot: SnapshotName, diskIsFull: boolean): void {
    this.#diskIsFull = diskIsFull;
    if (this.#receivingOf(snapshot) === null) return;
    this.#receiving = null;
    this.#pieces = [];
    this.#waitsForRoom = false;
  }

  /** @returns null when it is not what comes next, or there is no room for it (CATCHUP-6) */
  #take(piece: ReceivedPiece): Receiving | null {
    const { snapshot, offset, bytes } = piece;
    if (bytes.length === 0 || offset + bytes.length > snapshot.bytes) return null;
    if (offset !== this.#receivedBytes(snapshot)) return null;
    const receiving = this.#receivingOf(snapshot) ?? this.#begin(snapshot);
    if (!hasRoom(receiving)) return null;
    receiving.receivedBytes += bytes.length;
    receiving.head = longerHead(receiving.head, bytes);
    this.#pieces.push(piece);
    return receiving;
  }

  /** Begins with this snapshot, and gives up the part of another one that was received. */
  #begin(snapshot: SnapshotName): Receiving {
    this.#pieces = [];
    this.#receiving = { snapshot, receivedBytes: 0, keptBytes: 0, head: NOTHING };
    return this.#receiving;
  }

  #receivingOf(snapshot: SnapshotName): Receiving | null {
    const receiving = this.#receiving;
    return receiving !== null && sameSnapshot(receiving.snapshot, snapshot) ? receiving : null;
  }

  #receivedBytes(snapshot: SnapshotName): number {
    return this.#receivingOf(snapshot)?.receivedBytes ?? 0;
  }

  /** The host got all of a snapshot, and has yet to say whether it is durable. */
  get #isWhole(): boolean {
    const receiving = this.#receiving;
    return receiving !== null && receiving.receivedBytes === receiving.snapshot.bytes;
  }

  #ask(): void {
    const held = this.#held;
    if (held === null) return;
    this.#waitsForRoom = false;
    this.#askedTick = this.#tick;
    this.#send(held.from, {
      type: "snapshotRequest",
      snapshot: held.snapshot,
      offset: this.#receivedBytes(held.snapshot),
    });
  }
}

function hasRoom({ receivedBytes, keptBytes }: Receiving): boolean {
  return receivedBytes - keptBytes < SNAPSHOT_UNKEPT_BYTES_MAX;
}
