/**
 * The unanswered parts of frames of reads that are too much for one go. A client that asks for much is served in shares, however
 * many frames it has sent, so that turns stay short for clients that ask for little.
 *
 * Invariants:
 *   RESTS-1. In each turn a route may do REST_BYTES of the work of reads. Its last read may exceed that, and so may the first one
 *       of a frame; the excess comes off its share in the next turns.
 *   RESTS-2. A route that was served goes behind all others that wait.
 *   RESTS-3. A route that rests is passed over, and no turn is wanted for it.
 */
import type { PendingRead } from "./apply-wait-queue.ts";
import type { Route } from "../requests/route.ts";

/** The share of a route in one turn: a millisecond or two. */
export const REST_BYTES = 128 * 1024;

/** The result of one go. */
export interface Gone {
  readonly rest: PendingRead | null;
  readonly work: number;
}

interface Asker {
  /** First in, first out. */
  readonly reads: PendingRead[];
  /** Work it has had beyond its share. */
  owed: number;
}

export class Rests {
  /** RESTS-2: in the order in which they are served. */
  readonly #askers = new Map<Route, Asker>();

  /** Another turn could serve some route. */
  get hasWork(): boolean {
    for (const route of this.#askers.keys()) if (!isResting(route)) return true;
    return false;
  }

  /** @param work that its first go took */
  add(read: PendingRead, work: number): void {
    const asker = this.#askers.get(read.route) ?? { reads: [], owed: 0 };
    asker.reads.push(read);
    asker.owed += work;
    this.#askers.set(read.route, asker);
  }

  /** The client is gone. @returns what was left of its reads */
  remove(route: Route): readonly PendingRead[] {
    const reads = this.#askers.get(route)?.reads ?? [];
    this.#askers.delete(route);
    return reads;
  }

  removeAll(): readonly PendingRead[] {
    const all = [...this.#askers.values()].flatMap(({ reads }) => reads);
    this.#askers.clear();
    return all;
  }

  /**
   * Once in each turn.
   * @param go answers of a read what fits into so much work, and one of its keys at least
   * @param isOver nothing more is to be answered in this turn
   */
  serve(go: (read: PendingRead, workMax: number) => Gone, isOver: () => boolean): void {
    if (this.#askers.size === 0) return;
    // The copy keeps this loop from meeting a route again that went to the end.
    for (const [route, asker] of Array.from(this.#askers)) {
      if (isOver()) return;
      asker.owed = Math.max(0, asker.owed - REST_BYTES);
      if (asker.owed > 0 || isResting(route)) continue;
      this.#serveOne(asker, go, isOver);
      this.#askers.delete(route);
      if (asker.reads.length > 0) this.#askers.set(route, asker);
    }
  }

  /** RESTS-1. */
  #serveOne(
    asker: Asker,
    go: (read: PendingRead, workMax: number) => Gone,
    isOver: () => boolean,
  ): void {
    while (asker.owed < REST_BYTES && !isOver()) {
      const read = asker.reads.shift();
      if (read === undefined) return;
      const { rest, work } = go(read, REST_BYTES - asker.owed);
      asker.owed += work;
      if (rest !== null) asker.reads.unshift(rest);
    }
  }
}

/** RESTS-3. A client that is gone does not rest: its reads are dropped at once. */
function isResting(route: Route): boolean {
  return route.isOpen() && route.isResting?.() === true;
}
