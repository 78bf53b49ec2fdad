/**
 * Keeps the heap below its limit, at which the process would end at once: says when the node must refuse what makes the heap grow.
 *
 * The live size of the heap is known only after each full collection; in between, the state tells by how much it grew or shrank.
 * Near the limit collections come often, so the guard sees all other growth soon enough.
 *
 * Half of the limit is left for temporary data: while the node writes a snapshot, clients may overwrite all keys, and old and new
 * values are both there; while it loads one, so are the old state and the new one.
 */
import type { MemoryLevel } from "../../replica/index.ts";
import type { Memory } from "../../machine/ports/index.ts";

/** Of the limit: beyond it the state must not grow any more. */
const STATE_SHARE = 0.4;
/** Of the limit: all live bytes, likewise. */
const LIVE_SHARE = 0.7;
/**
 * Beyond it the node writes nothing at all, and gives up a snapshot under way. Beyond four fifths V8 ends a process whose
 * collections free little, even when there is room left.
 */
const CRITICAL_SHARE = 0.75;
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
  /** The size of the state when `liveBytes` was measured. */
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

  /** The most that the state may take. */
  get stateBytesMax(): number {
    return STATE_SHARE * this.limitBytes;
  }

  /** The caller must call it often: some ten times a second at least. */
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
