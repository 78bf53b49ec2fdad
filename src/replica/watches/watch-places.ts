/**
 * Where each watch stands (WatchSource), so that whoever feeds some of them finds those and no others.
 *
 * Invariants:
 *   WATCHPLACE-1. A watch is at one place, that of its source, and `place` alone moves it.
 *   WATCHPLACE-2. Watches that nothing can be done for cost nothing: those that wait, stand with their session, which is asked for
 *       room; the revisions that they need are in a heap, so that a compaction finds whom it concerns.
 */
import { unreachable } from "../../base/index.ts";
import { NextHeap } from "./next-heap.ts";
import { RangeIndex } from "./range-index.ts";
import type { Watch, WatchSession, WatchSource } from "./watch.ts";

export class WatchPlaces {
  /** Live ones, by key. */
  readonly live = new RangeIndex<Watch>();
  /** By the first revision that they want. */
  readonly future = new NextHeap();
  readonly swept = new Set<Watch>();
  /** The swept ones, by key. */
  readonly sweptIndex = new RangeIndex<Watch>();
  /** Sessions with waiting watches; who was served last is the last. */
  readonly waiting = new Set<WatchSession>();
  /** Sessions with large ones, likewise. */
  readonly large = new Set<WatchSession>();
  /** Waiting and large ones, by the first revision that they have not been told all of. */
  readonly needs = new NextHeap();
  #behindCount = 0;
  readonly #asked: (watch: Watch) => void;

  /** @param asked for a watch whose client waits for progress, when it has come to be live, future or waiting */
  constructor(asked: (watch: Watch) => void) {
    this.#asked = asked;
  }

  /** How many read from the history. */
  get behindCount(): number {
    return this.#behindCount;
  }

  /** @param watch of which `next` and `sentKey` are up to date */
  place(watch: Watch, source: WatchSource): void {
    this.#takeOut(watch);
    const { session, wish } = watch;
    const change = Number(isBehind(source)) - Number(isBehind(watch.source));
    this.#behindCount += change;
    session.behind += change;
    watch.source = source;
    switch (source) {
      case "live":
        this.live.add(wish, watch);
        break;
      case "future":
        this.future.add(watch);
        break;
      case "swept":
        this.swept.add(watch);
        this.sweptIndex.add(wish, watch);
        break;
      case "waiting":
      case "large":
        session[source].add(watch);
        this[source].add(session);
        this.needs.add(watch);
        break;
      case "none":
        break;
      default:
        unreachable(source, "place of a watch");
    }
    if (watch.asked !== null && isAtRest(source)) this.#asked(watch);
  }

  #takeOut(watch: Watch): void {
    const { source, session, wish } = watch;
    switch (source) {
      case "live":
        return this.live.remove(wish, watch);
      case "future":
        return this.future.remove(watch);
      case "swept":
        this.swept.delete(watch);
        return this.sweptIndex.remove(wish, watch);
      case "waiting":
      case "large":
        session[source].delete(watch);
        if (session[source].size === 0) this[source].delete(session);
        return this.needs.remove(watch);
      case "none":
        return;
      default:
        unreachable(source, "place of a watch");
    }
  }
}

function isBehind(source: WatchSource): boolean {
  return source === "waiting" || source === "swept" || source === "large";
}

function isAtRest(source: WatchSource): boolean {
  return source === "live" || source === "future" || source === "waiting";
}
