/** A watch for users. */
import { KvError } from "../../base/index.ts";
import type { WatchFeed } from "./watch-feed.ts";
import type { WatchAsked, WatchLine } from "./watch-line.ts";
import type { WatchBatch, WatchItem } from "./watch-types.ts";
import { onAbort, type Revision } from "../terms/index.ts";

/**
 * What happens to keys, from a revision on: `for await (const { revision, events } of watch)`. It begins when it is made, and ends
 * with `break` or `return` in its loop, with its signal, with `close`, and with the client's `close`.
 *
 * Batches come in order of revisions, each once, without a gap, each with all events of its revision, even when the client goes from
 * node to node meanwhile. When events cannot be had any more the watch throws; it never passes over them.
 */
export class Watch<Item extends WatchItem = WatchBatch> implements AsyncIterableIterator<
  Item,
  undefined
> {
  /** The first revision of which events come. Rejects when the watch ends before it holds. */
  readonly created: Promise<Revision>;
  readonly #feed: WatchFeed;
  readonly #line: WatchLine;

  constructor(feed: WatchFeed, asked: WatchAsked, signal: AbortSignal | undefined) {
    this.#feed = feed;
    const line = signal?.aborted === true ? feed.refuse(asked, ended(signal)) : feed.open(asked);
    this.#line = line;
    let stopListening: (() => void) | null = null;
    this.created = new Promise((resolve, reject) => {
      line.onBegun = resolve;
      line.onOver = (error) => {
        stopListening?.();
        reject(error ?? new KvError("CANCELLED", "the watch was closed"));
      };
    });
    // A program that only iterates is told there.
    this.created.catch(() => {});
    if (line.queue.isOver) line.onOver?.(line.error);
    else if (signal !== undefined) {
      stopListening = onAbort(signal, () => {
        line.queue.clear();
        feed.end(line, ended(signal));
      });
    }
  }

  /**
   * The next item.
   * @returns a promise that rejects with COMPACTED when events that come next are not kept any more (`oldestRevision` is that of
   *   the oldest state there is: read it, and watch from the revision after it), CANCELLED by the signal or the client's `close`,
   *   OVERLOADED when a node takes no more watches or the events of one revision are more than 64 MiB, WRONG_CLUSTER when the nodes
   *   lack entries of the log that this client has seen, because their data were put back from an older copy or replaced; before the
   *   watch holds with what is in the way: TIMEOUT, CONNECTION_FAILED, NO_QUORUM, UNAUTHORIZED and others of ERRORS
   */
  next(): Promise<IteratorResult<Item, undefined>> {
    // Items of progress only come where they were asked for.
    return this.#feed.take(this.#line) as Promise<IteratorResult<Item, undefined>>;
  }

  /** What `for await` calls when its loop is left: ends the watch. */
  return(): Promise<IteratorResult<Item, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Nothing comes any more. A reader that waits for an item is told that there is none. */
  close(): void {
    this.#line.queue.clear();
    this.#feed.end(this.#line, null);
  }

  /** The watch itself: each item goes once, to the reader that asks first. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

function ended({ reason }: AbortSignal): KvError {
  return new KvError("CANCELLED", "the watch was cancelled", { cause: reason });
}
