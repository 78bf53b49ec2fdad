/**
 * The items of a watch that have come and that its reader has not taken yet.
 *
 * Invariants:
 *   WATCHQUEUE-1. Items leave in the order in which they came, each once, and those that came before a failure before the failure.
 *   WATCHQUEUE-2. It holds no more than WATCH_BYTES_MAX and one batch; all queues of a client hold no more than WATCHES_BYTES_MAX and one
 *       batch each. Its user asks `isFull` before it adds.
 */
import type { KvError } from "../../base/index.ts";
import type { WatchBatch, WatchItem } from "./watch-types.ts";

/**
 * Events that wait in one watch have at most so many bytes: more than a frame holds, so that a reader that keeps up is
 * never held back.
 */
export const WATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Events that wait in all watches of a client have at most so many bytes. */
export const WATCHES_BYTES_MAX = 64 * 1024 * 1024;

/** What all queues of a client hold. */
export interface HeldBytes {
  bytes: number;
}

interface Held {
  item: WatchItem;
  readonly bytes: number;
}

interface Taker {
  resolve(result: IteratorResult<WatchItem, undefined>): void;
  reject(error: KvError): void;
}

const DONE: IteratorResult<WatchItem, undefined> = { done: true, value: undefined };

export class WatchQueue {
  readonly #all: HeldBytes;
  #items: Held[] = [];
  /** Taken already: places before it are free. */
  #first = 0;
  #bytes = 0;
  #takers: Taker[] = [];
  #over = false;
  #error: KvError | null = null;

  constructor(all: HeldBytes) {
    this.#all = all;
  }

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  /** The queue takes no more: the client must ask for further events again later. */
  get isFull(): boolean {
    if (this.isEmpty) return false;
    return this.#bytes >= WATCH_BYTES_MAX || this.#all.bytes >= WATCHES_BYTES_MAX;
  }

  /** The reader has taken so much that more may come. */
  get isLow(): boolean {
    return (
      this.isEmpty || (this.#bytes < WATCH_BYTES_MAX / 4 && this.#all.bytes < WATCHES_BYTES_MAX)
    );
  }

  get isOver(): boolean {
    return this.#over;
  }

  push(item: WatchBatch, bytes: number): void {
    this.#put({ item, bytes });
  }

  /** Of several notices in a row the last one says it all. */
  progress(revision: number): void {
    const last = this.isEmpty ? undefined : this.#items.at(-1);
    const item = { type: "progress", revision } as const;
    if (last?.item.type === "progress") last.item = item;
    else this.#put({ item, bytes: 0 });
  }

  /** The next item; when there is none any more, what was given to `end`. */
  take(): Promise<IteratorResult<WatchItem, undefined>> {
    const held = this.#items[this.#first];
    if (held !== undefined) {
      this.#first += 1;
      if (this.#first === this.#items.length || this.#first > 1024) {
        this.#items = this.#items.slice(this.#first);
        this.#first = 0;
      }
      this.#count(-held.bytes);
      return Promise.resolve({ done: false, value: held.item });
    }
    const error = this.#error;
    this.#error = null;
    if (error !== null) return Promise.reject(error);
    if (this.#over) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /**
   * Nothing comes any more.
   * @param error thrown at the next reader; null: it is as if there were no more events
   */
  end(error: KvError | null): void {
    if (this.#over) return;
    // The reader may never take the rest, but the rest grows no more: it takes no room from others.
    this.#count(-this.#bytes);
    this.#over = true;
    const [first, ...others] = this.#takers;
    this.#takers = [];
    if (first === undefined) this.#error = error;
    else if (error === null) first.resolve(DONE);
    else first.reject(error);
    for (const taker of others) taker.resolve(DONE);
  }

  /** The reader does not want the rest any more. */
  clear(): void {
    this.#items = [];
    this.#first = 0;
    this.#count(-this.#bytes);
  }

  #put(held: Held): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) return taker.resolve({ done: false, value: held.item });
    this.#items.push(held);
    this.#count(held.bytes);
  }

  #count(bytes: number): void {
    if (this.#over) return;
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }
}
