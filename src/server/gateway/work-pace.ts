/**
 * Who has a node look at very much does not keep it from everybody else: while others are at work, what is looked at for one
 * connection (keys and versions: pages of ranges, counts, histories, old versions) is paid for by time. So others meet short
 * turns, and in between a node that is idle.
 */

/** In bytes that might have been written instead, as all work is counted: a fifth of the node's time, or less. */
const WORK_EACH_MS = 64 * 1024;
/** Some pages in a row, that whoever asks now and then never waits. */
const AT_ONCE = 1024 * 1024;
/** However much was looked at while nobody else was at work. */
const OWED_ALONE_MAX = 2 * AT_ONCE;
/** A quarter of a second: the most that transactions may look at in one go is less (txn-work.ts). */
const OWED_MAX = 16 * AT_ONCE;

export class WorkPace {
  /** Work that time has not paid for yet, at this time. */
  #owed = 0;
  #sinceMs = 0;

  /** There is nothing to wait for, whoever else is at work. */
  get isIdle(): boolean {
    return this.#owed === 0;
  }

  /** @param isAlone nobody else is at work: then it has what would be idle otherwise */
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
