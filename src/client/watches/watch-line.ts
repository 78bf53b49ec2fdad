/**
 * One watch, whichever node serves it: events become items. Pure: records of frames in, items out.
 *
 * Invariants:
 *   WATCHLINE-1. Items come in order of revisions, and each revision once. What a node repeats is passed over.
 *   WATCHLINE-2. There is no gap: a connection is asked from `next` on, and one that says it begins later is left.
 *   WATCHLINE-3. Events of one revision are one item. Those of a revision that has not come in full when the connection ends are
 *       forgotten and asked for again.
 *   WATCHLINE-4. Events that find no room are not taken, and the client asks for them again: `next` moves only with what the queue has.
 *   WATCHLINE-5. `next` moves with notices of progress as well, so that a watch of keys that seldom change does not fall behind the
 *       history.
 */
import { KvError } from "../../base/index.ts";
import type {
  ToldVersion,
  WatchEvent as ToldEvent,
  WatchWish,
} from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import { KeyValue, ownBytes } from "../terms/index.ts";
import { WatchQueue, type HeldBytes } from "./watch-queue.ts";
import { DeleteEvent, PutEvent, type WatchEvent } from "./watch-types.ts";

/**
 * The events of one revision have at most so many bytes, put together. A transaction is far smaller; a deletion of many keys,
 * told with the values before, is not.
 */
const BATCH_BYTES_MAX = 64 * 1024 * 1024;
/** What an event takes beside key and values, roughly. */
const EVENT_BYTES = 128;

export interface WatchAsked {
  readonly wish: Omit<WatchWish<Uint8Array>, "from" | "notices">;
  readonly from: number | null;
  /** Items of progress are wanted. */
  readonly progress: boolean;
  /** Bytes that are left away at the beginning of each key. */
  readonly skip: number;
  /** How long the watch may be without a node: at first, and later. */
  readonly firstTimeoutMs: number;
  readonly timeoutMs: number;
}

export class WatchLine {
  readonly asked: WatchAsked;
  readonly queue: WatchQueue;
  /** First revision that has not come in full. Null: not known yet, the next one there is. */
  next: number | null;
  /** On the connection there is now; 0: not asked for there. */
  number = 0;
  /** The node has said from where it holds. */
  isHeld = false;
  /** The client has signed in anew since a node last held the watch. */
  signedInAgain = false;
  /** Some node has held it before. */
  hasBegun = false;
  /** Why it is over. Null: it is not, or it was closed. */
  error: KvError | null = null;
  /** For how long no node has served it. */
  unservedMs = 0;
  /** Told once from which revision it holds. */
  onBegun: ((revision: number) => void) | null = null;
  /** Told once that it is over. */
  onOver: ((error: KvError | null) => void) | null = null;
  #partRevision = 0;
  #part: WatchEvent[] = [];
  #partBytes = 0;

  constructor(asked: WatchAsked, all: HeldBytes) {
    this.asked = asked;
    this.next = asked.from;
    this.queue = new WatchQueue(all);
  }

  /** What the node that serves it now is asked. */
  get wish(): WatchWish<Uint8Array> {
    return { ...this.asked.wish, from: this.next, notices: true };
  }

  get timeoutMs(): number {
    return this.hasBegun ? this.asked.timeoutMs : this.asked.firstTimeoutMs;
  }

  /** No node serves the watch any more, or the client no longer listens to the node that does. */
  interrupted(): void {
    this.number = 0;
    this.isHeld = false;
    this.#forgetPart();
  }

  /** @throws DecodeError when there would be a gap (WATCHLINE-2) */
  created(revision: number): void {
    if (this.isHeld) throw new DecodeError("a watch was created twice");
    if (this.next !== null && revision > this.next) {
      throw new DecodeError(`a watch from revision ${this.next} begins at ${revision}`);
    }
    this.next ??= revision;
    this.isHeld = true;
    this.signedInAgain = false;
    this.unservedMs = 0;
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.onBegun?.(this.next);
  }

  /**
   * @returns "full" when the queue has no room for them (WATCHLINE-4)
   * @throws DecodeError when no node says so; KvError OVERLOADED when they are more than can be put together
   */
  events(revision: number, told: readonly ToldEvent[], more: boolean): "taken" | "full" {
    if (this.next === null || !this.isHeld) throw new DecodeError("events before the watch began");
    if (revision < this.next) return "taken";
    if (this.#partRevision !== 0 && revision !== this.#partRevision) {
      throw new DecodeError(`events of revision ${revision} within those of ${this.#partRevision}`);
    }
    if (this.queue.isFull) return "full";
    for (const event of told) this.#add(revision, event);
    this.#partRevision = revision;
    if (more) return "taken";
    const events = this.#part;
    const bytes = this.#partBytes;
    this.#forgetPart();
    this.next = revision + 1;
    if (events.length > 0) this.queue.push({ type: "events", revision, events }, bytes);
    return "taken";
  }

  /** @throws DecodeError when it contradicts what came before */
  progress(revision: number): void {
    if (this.next === null || !this.isHeld) throw new DecodeError("progress before a watch began");
    if (this.#partRevision !== 0 && revision >= this.#partRevision) {
      throw new DecodeError(`progress at ${revision} within the events of ${this.#partRevision}`);
    }
    if (revision < this.next - 1) return;
    this.next = revision + 1;
    if (this.asked.progress) this.queue.progress(revision);
  }

  /** For good. */
  end(error: KvError | null): void {
    if (this.queue.isOver) return;
    this.#forgetPart();
    this.error = error;
    this.queue.end(error);
    this.onOver?.(error);
  }

  #add(revision: number, { key, put, previous }: ToldEvent): void {
    this.#partBytes += EVENT_BYTES + key.length;
    this.#partBytes += (put?.value.length ?? 0) + (previous?.value.length ?? 0);
    if (this.#partBytes > BATCH_BYTES_MAX) {
      const text = `the events of revision ${revision} are more than ${BATCH_BYTES_MAX} bytes`;
      throw new KvError("OVERLOADED", `${text}: watch without the previous values, or less`);
    }
    const own = ownBytes(key.subarray(this.asked.skip));
    const before = previous === null ? null : keyValue(own, previous);
    if (put === null) this.#part.push(new DeleteEvent(own, revision, before));
    else {
      const { value, createRevision, version } = put;
      this.#part.push(
        new PutEvent(own, ownBytes(value), revision, createRevision, version, before),
      );
    }
  }

  #forgetPart(): void {
    this.#part = [];
    this.#partRevision = 0;
    this.#partBytes = 0;
  }
}

function keyValue(key: Uint8Array, told: ToldVersion<Uint8Array>): KeyValue {
  const { value, modRevision, createRevision, version } = told;
  return new KeyValue(key, ownBytes(value), modRevision, createRevision, version);
}
