/**
 * A log sync may name a snapshot instead of carrying the entries it stands for. This holds such a message back until the
 * snapshot itself is here and durable, asking the sender for it piece by piece.
 *
 * Invariants:
 *   CATCHUP-1. A message that names a snapshot reaches the core only when that snapshot is in the local store.
 *   CATCHUP-2. At most one message is held; a newer one replaces it. Losing a held message is a loss like any other.
 *   CATCHUP-3. What has been received of a snapshot is kept for a newer message that names the same one, whoever sends it.
 *   CATCHUP-4. While an AcceptSync is held, the promise that it answers is not repeated: each repetition would be answered with
 *       the whole log behind the snapshot once more. What the held one lacks is noticed as a gap once it is delivered.
 *   CATCHUP-5. A held message outlives the session in which it came, and the process that sent it: it is a message of the
 *       protocol that arrives late, good for the ballot that it names, and a snapshot's name stands for its content. Were it
 *       dropped, a link that breaks more often than a snapshot takes would have the follower begin again with each newer
 *       snapshot.
 */
import { ballotsEqual, type NodeId } from "../../omnipaxos/index.ts";
import type {
  ReplicaMessage,
  NodePaxosMessage,
  SnapshotName,
} from "../../protocol/messages/index.ts";

export interface Held {
  readonly from: NodeId;
  readonly message: NodePaxosMessage;
  readonly snapshot: SnapshotName;
}

/** Where received pieces go. Pieces come in order, without gaps. */
export interface SnapshotSink {
  /** The local store has this snapshot, complete and durable. */
  has(snapshot: SnapshotName): boolean;
  /** Bytes of it that have been received so far: where to go on. */
  receivedBytes(snapshot: SnapshotName): number;
  /** Whether the next piece may be asked for: not while the disk has enough to do. */
  hasRoom(snapshot: SnapshotName): boolean;
  /** @returns false when the piece does not fit what was received */
  append(snapshot: SnapshotName, offset: number, bytes: Uint8Array): boolean;
  /** The disk has no room for what is received, and nothing has been kept since. */
  readonly receivesIntoFullDisk: boolean;
  /** Bytes of its file, as many as there are; null: this snapshot is not here (any more). */
  readRaw(snapshot: SnapshotName, offset: number, length: number): Uint8Array | null;
  /** Calls back when everything is verified and durable (null), or with what is wrong with it. */
  finish(snapshot: SnapshotName, done: (error: Error | null) => void): void;
}

function snapshotNamedBy(message: NodePaxosMessage): SnapshotName | null {
  if (message.type !== "acceptSync" && message.type !== "promise") return null;
  return message.logSync?.snapshot?.value ?? null;
}

export function sameSnapshot(a: SnapshotName, b: SnapshotName): boolean {
  return a.idx === b.idx && a.crc === b.crc && a.bytes === b.bytes;
}

interface CatchUpProgress {
  readonly snapshot: SnapshotName;
  readonly receivedBytes: number;
  /** It goes no further as long as the disk is full; the node's own log may still have room. */
  readonly isStuck: boolean;
}

export class CatchUp {
  readonly #sink: SnapshotSink;
  readonly #send: (to: NodeId, message: ReplicaMessage) => void;
  readonly #deliver: (held: Held) => void;
  readonly #onError: (snapshot: SnapshotName, error: Error) => void;
  readonly #retryTicks: number;
  #held: Held | null = null;
  #finishing = false;
  /** The next piece is asked for when the disk has room for it. */
  #waitsForRoom = false;
  #tick = 0;
  #askedTick = 0;

  constructor(options: {
    readonly sink: SnapshotSink;
    readonly retryTicks: number;
    readonly send: (to: NodeId, message: ReplicaMessage) => void;
    /** The snapshot the held message names is here: hand the message to the core. */
    readonly deliver: (held: Held) => void;
    readonly onError: (snapshot: SnapshotName, error: Error) => void;
  }) {
    this.#sink = options.sink;
    this.#retryTicks = options.retryTicks;
    this.#send = options.send;
    this.#deliver = options.deliver;
    this.#onError = options.onError;
  }

  /** The snapshot being fetched, and how much of it is here. Null: none is. */
  get progress(): CatchUpProgress | null {
    if (this.#held === null) return null;
    const { snapshot } = this.#held;
    return {
      snapshot,
      receivedBytes: this.#sink.receivedBytes(snapshot),
      isStuck: this.#sink.receivesIntoFullDisk,
    };
  }

  get isStuck(): boolean {
    return this.progress?.isStuck ?? false;
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
    const snapshot = snapshotNamedBy(message);
    if (snapshot === null || this.#sink.has(snapshot)) return true;
    this.#held = { from, message, snapshot };
    if (!this.#finishing) this.#ask();
    return false;
  }

  /** A lost request or piece is asked for again. */
  tick(): void {
    this.#tick += 1;
    if (this.#held === null || this.#finishing) return;
    const { snapshot } = this.#held;
    if (this.#waitsForRoom) {
      if (this.#sink.hasRoom(snapshot)) this.#ask();
    } else if (this.#tick - this.#askedTick >= this.#retryTicks) {
      this.#ask();
    }
  }

  receive(
    from: NodeId,
    message: Extract<ReplicaMessage, { type: "snapshotChunk" | "snapshotGone" }>,
  ): void {
    const held = this.#held;
    if (held === null || this.#finishing || from !== held.from) return;
    if (!sameSnapshot(message.snapshot, held.snapshot)) return;
    if (message.type === "snapshotGone") {
      // The sender has a newer one: its next log sync will name it.
      this.#held = null;
      return;
    }
    if (!this.#sink.append(held.snapshot, message.offset, message.bytes)) return;
    if (this.#sink.receivedBytes(held.snapshot) < held.snapshot.bytes) {
      if (this.#sink.hasRoom(held.snapshot)) this.#ask();
      else this.#waitsForRoom = true;
      return;
    }
    this.#finishing = true;
    this.#sink.finish(held.snapshot, (error) => {
      this.#finishing = false;
      if (error !== null) this.#onError(held.snapshot, error);
      this.#afterFinish(error);
    });
  }

  #afterFinish(error: Error | null): void {
    const held = this.#held;
    if (held === null) return;
    if (!this.#sink.has(held.snapshot)) {
      // A newer one. What could not be kept is asked for again by `tick`, in its time: the disk may be full.
      if (error === null) this.#ask();
      return;
    }
    this.#held = null;
    this.#deliver(held);
  }

  #ask(): void {
    const held = this.#held;
    if (held === null) return;
    this.#waitsForRoom = false;
    this.#askedTick = this.#tick;
    this.#send(held.from, {
      type: "snapshotRequest",
      snapshot: held.snapshot,
      offset: this.#sink.receivedBytes(held.snapshot),
    });
  }
}
