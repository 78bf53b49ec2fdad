/**
 * Until when a lease certainly lives, as far as its holder can know. Pure: it is told the time and never asks for it.
 *
 * Invariants:
 *   LEASETIME-1. The nodes count a lease's time from when they apply its grant or a keep-alive, which is after the client sent it. So the
 *       client counts from the moment when it sent the last one that was acknowledged, whenever the answer came.
 *   LEASETIME-2. The clocks of two machines drift apart by less than the margin that the client leaves out of the time to live: the holder
 *       is told first, and has the rest of the margin to stop its work.
 *   LEASETIME-3. A lease that is over stays over: a late acknowledgement revives nothing.
 */

/** The part of its time to live by which a lease ends earlier for its holder than at the nodes, and at most so much. */
const MARGIN_PART = 8;
const MARGIN_MS_MAX = 2000;
/** Keep-alives in a time to live: two of them may be lost. */
const KEEP_ALIVES = 3;

/** How much earlier than at the nodes a lease ends for its holder, in milliseconds. */
export function leaseMarginOf(ttlMs: number): number {
  return Math.min(ttlMs / MARGIN_PART, MARGIN_MS_MAX);
}

/** Milliseconds from one keep-alive to the next. */
export function keepAliveIntervalOf(ttlMs: number): number {
  return ttlMs / KEEP_ALIVES;
}

export class LeaseTime {
  #ttlMs: number;
  #sentMs: number;
  #isOver = false;

  /** @param sentMs when the grant was sent that has been acknowledged */
  constructor(ttlMs: number, sentMs: number) {
    this.#ttlMs = ttlMs;
    this.#sentMs = sentMs;
  }

  /** From here on the lease may have ended at the nodes, or soon will. */
  get endMs(): number {
    return this.#sentMs + this.#ttlMs - leaseMarginOf(this.#ttlMs);
  }

  /** When the client sent the last one that is known to have arrived. */
  get sentMs(): number {
    return this.#sentMs;
  }

  /** A keep-alive was acknowledged. Answers may come in any order. */
  acknowledged(sentMs: number, ttlMs: number, nowMs: number): void {
    if (this.isOver(nowMs) || sentMs <= this.#sentMs) return;
    this.#sentMs = sentMs;
    this.#ttlMs = ttlMs;
  }

  /** The nodes have said that there is no such lease, or its holder has given it up. */
  end(): void {
    this.#isOver = true;
  }

  isOver(nowMs: number): boolean {
    if (nowMs >= this.endMs) this.#isOver = true;
    return this.#isOver;
  }
}
