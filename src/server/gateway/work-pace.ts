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
const OWED_MAX = 2 * AT_ONCE;

export class WorkPace {
  /** Work that time has not paid for yet, at this time. */
  #owed = 0;
  #sinceMs = 0;

  /** There is nothing to wait for, whoever else is at work. */
  get isIdle(): boolean {
    return this.#owed === 0;
  }

  took(work: number, nowMs: number): void {
    this.#pay(nowMs);
    this.#owed = Math.min(OWED_MAX, this.#owed + work);
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
