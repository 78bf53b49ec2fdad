/**
 * How much of something a listener begins in a time. What comes too fast waits for its turn.
 *
 * Invariants:
 *   ADDRESSPACE-1. Addresses take turns, and what comes from one address is begun in the order in which it came: so a stranger makes
 *       those wait who come from where he does.
 *   ADDRESSPACE-2. No more than `together` is begun in one go, so that others are served in between.
 */

import { addressOf } from "../../base/index.ts";

export interface PaceClock {
  /** Milliseconds, monotonic. */
  now(): number;
  after(ms: number, callback: () => void): void;
}

export const NODE_CLOCK: PaceClock = {
  now: () => performance.now(),
  after: (ms, callback) => void setTimeout(callback, ms).unref(),
};

export interface PaceOptions {
  readonly perSecond: number;
  /** After a rest. */
  readonly atOnce: number;
  /** ADDRESSPACE-2. Default: all that may be begun. */
  readonly together?: number;
}

/** Those that wait are looked at so often; sooner when they wait only for others to be served. */
const WAIT_MS = 5;
const SOON_MS = 1;

export class AddressPace<T> {
  readonly #perSecond: number;
  readonly #atOnce: number;
  readonly #together: number;
  readonly #begin: (item: T) => number;
  readonly #clock: PaceClock;
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, T[]>();
  #left: number;
  #begun = 0;
  #lookedMs: number;
  #isTimed = false;

  /** @param begin returns how much it was: 1, or 0 when nobody waits for it any more */
  constructor(options: PaceOptions, begin: (item: T) => number, clock: PaceClock) {
    this.#perSecond = options.perSecond;
    this.#atOnce = options.atOnce;
    this.#together = options.together ?? Infinity;
    this.#begin = begin;
    this.#clock = clock;
    this.#left = options.atOnce;
    this.#lookedMs = clock.now();
  }

  /** @param from of IPv6 its network of 64 bits counts, because one machine may have all its addresses */
  add(from: string, item: T): void {
    const address = addressOf(`${from}:0`);
    const others = this.#waiting.get(address);
    if (others === undefined) this.#waiting.set(address, [item]);
    else others.push(item);
    this.#goOn();
  }

  /** What was begun turned out to be so much more. */
  spend(more: number): void {
    this.#left -= more;
  }

  #goOn(): void {
    const nowMs = this.#clock.now();
    const earned = ((nowMs - this.#lookedMs) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#atOnce, this.#left + earned);
    this.#lookedMs = nowMs;
    // An address that has had its turn comes last: a map is walked through to what is put in meanwhile.
    for (const [address, items] of this.#waiting) {
      if (this.#left <= 0 || this.#begun >= this.#together) break;
      const item = items.shift();
      this.#waiting.delete(address);
      if (items.length > 0) this.#waiting.set(address, items);
      if (item === undefined) continue;
      const cost = this.#begin(item);
      this.#left -= cost;
      this.#begun += cost;
    }
    const mustLook = this.#waiting.size > 0 || this.#together < Infinity;
    if (!mustLook || this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(this.#left > 0 ? SOON_MS : WAIT_MS, () => {
      this.#isTimed = false;
      this.#begun = 0;
      if (this.#waiting.size > 0) this.#goOn();
    });
  }
}
