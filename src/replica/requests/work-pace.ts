/**
 * A client that has a node look at very much must not block it for the others: while others are at work, the connection pays by time for
 * what the node looks at (keys and versions: pages of ranges, counts, histories, old versions). So the others meet short turns, and in
 * between an idle node.
 */

/** In bytes that the node might have written instead, as all work is counted: a fifth of the node's time, or less. */
const WORK_EACH_MS = 64 * 1024;
/** Some pages in a row, so that a client which asks now and then never waits. */
const AT_ONCE = 1024 * 1024;
/** The most that a connection owes, however much the node looked at for it while no other was at work. */
const OWED_ALONE_MAX = 2 * AT_ONCE;
/** A quarter of a second: the most that transactions may look at in one go is less (txn-work.ts). */
const OWED_MAX = 16 * AT_ONCE;

export class WorkPace {
  /** Work that time has not paid for yet, at this time. */
  #owed = 0;
  #sinceMs = 0;

  /** There is nothing to wait for, even if others are at work. */
  get isIdle(): boolean {
    return this.#owed === 0;
  }

  /** @param isAlone no other connection is at work: then this one may use the idle time */
  took(work: number, nowMs: number, isAlone: boolean): void {
    this.#pay(nowMs);
    const most = isAlone ? Math.max(OWED_ALONE_MAX, this.#owed) : OWED_MAX;
    this.#owed = Math.min(most, this.#owed + work);
  }

  mustRest(nowMs: number): boolean {
    this.#pay(nowMs);
    return this.#owed > AT_ONCE;
  }

  #pay(nowMs: number): void {
    this.#owed = Math.max(0, this.#owed - WORK_EACH_MS * (nowMs - this.#sinceMs));
    this.#sinceMs = nowMs;
  }
}
