/**
 * Keeps the heap below its limit, at which the process would end at once: says when what makes it grow is to be refused.
 *
 * What lives on the heap is known after each full collection only; in between, the state tells by how much it grew or shrank.
 * Near the limit collections come often, so that all else that grows is seen soon enough.
 *
 * Half of the limit is left for what comes and goes: while a snapshot is written, all keys may be overwritten, and old and new
 * values are there; while one is loaded, the old state and the new one.
 */
import type { MemoryLevel } from "../../replica/index.ts";
import type { Memory } from "../../machine/ports/index.ts";

/** Of the limit: what the state may take before it is not to grow any more. */
const STATE_SHARE = 0.4;
/** Of the limit: all that lives, likewise. */
const LIVE_SHARE = 0.7;
/** Beyond it nothing is written at all, and a snapshot under way is given up. */
const CRITICAL_SHARE = 0.85;
/** A level ends when its bound is undercut by so much. */
const HYSTERESIS = 0.95;
/** A node without any state, until its first full collection. */
const BASE_BYTES = 24 * 1024 * 1024;

export class HeapGuard {
  readonly #memory: Memory;
  readonly #stateBytes: () => number;
  #level: MemoryLevel = "enough";
  #collections = 0;
  #liveBytes: number;
  /** What the state took when `liveBytes` was measured. */
  #stateThen: number;

  constructor(memory: Memory, stateBytes: () => number) {
    this.#memory = memory;
    this.#stateBytes = stateBytes;
    this.#stateThen = stateBytes();
    this.#liveBytes = BASE_BYTES + this.#stateThen;
  }

  get limitBytes(): number {
    return this.#memory.read().limitBytes;
  }

  /** What the state may take. */
  get stateBytesMax(): number {
    return STATE_SHARE * this.limitBytes;
  }

  /** To be called some ten times a second. */
  sample(): MemoryLevel {
    const { limitBytes, liveBytes, collections } = this.#memory.read();
    const state = this.#stateBytes();
    if (collections !== this.#collections && liveBytes !== null) {
      this.#collections = collections;
      this.#liveBytes = liveBytes;
      this.#stateThen = state;
    }
    const live = (this.#liveBytes + state - this.#stateThen) / limitBytes;
    const isAbove = (share: number, bound: number, holds: boolean): boolean =>
      share > (holds ? HYSTERESIS * bound : bound);
    const holds = this.#level;
    if (isAbove(live, CRITICAL_SHARE, holds === "critical")) this.#level = "critical";
    else if (
      isAbove(live, LIVE_SHARE, holds !== "enough") ||
      isAbove(state / limitBytes, STATE_SHARE, holds !== "enough")
    ) {
      this.#level = "short";
    } else this.#level = "enough";
    return this.#level;
  }
}
