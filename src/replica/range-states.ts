/**
 * The states that clients page through. The first page of a range is from the newest state; when it does not hold all that
 * was asked for, the keys as they are then are kept for the pages that follow: together they are one state.
 *
 * Invariants:
 *   G1. What is kept is bounded: in number, in the time since it was asked for last, and in time altogether. Whoever asks too
 *       late is told so (COMPACTED), and never gets pages of two states.
 *   G2. Keys are frozen FREEZES_MAX times in FREEZE_TICKS at most, as each key that is changed afterwards is copied first.
 */
import { KvError } from "../base/errors.ts";
import {
  isCut,
  readPage,
  type ByteString,
  type KvState,
  type RangePage,
  type RangeRequest,
  type RangeSource,
  type StoredValue,
} from "../kv/index.ts";

const KEPT_MAX = 8;
const FREEZES_MAX = 8;

export interface RangeLimits {
  /** Keys in one page. */
  readonly pageKeys: number;
  /** Without a page asked for. */
  readonly idleTicks: number;
  readonly keptTicks: number;
  readonly freezeTicks: number;
}

interface Kept {
  readonly revision: number;
  readonly keys: RangeSource;
  readonly sinceTick: number;
  usedTick: number;
}

export class RangeStates {
  readonly #state: () => KvState;
  readonly #isShortOfMemory: () => boolean;
  readonly #limits: RangeLimits;
  /** In the order in which they were frozen. */
  #kept: Kept[] = [];
  #freezes: number[] = [];
  #tick = 0;

  constructor(state: () => KvState, isShortOfMemory: () => boolean, limits: RangeLimits) {
    this.#state = state;
    this.#isShortOfMemory = isShortOfMemory;
    this.#limits = limits;
  }

  get origin(): number {
    return this.#state().origin;
  }

  get revision(): number {
    return this.#state().revision;
  }

  /** States kept for pages to come. */
  get kept(): number {
    return this.#kept.length;
  }

  read(key: ByteString): StoredValue | undefined {
    return this.#state().read(key);
  }

  /** The page, or why there is none: COMPACTED or OVERLOADED. */
  page(request: RangeRequest): RangePage | KvError {
    const state = this.#state();
    const { revision } = request;
    if (revision === 0 || revision === state.revision) {
      const page = state.readPage(request, this.#limits.pageKeys);
      if (isCut(page, request) && !this.#keep(state)) return new KvError("OVERLOADED", BUSY_TEXT);
      return page;
    }
    if (revision > state.revision) {
      const text = `this node has not come to revision ${revision} yet, it is at ${state.revision}: begin the range again`;
      return new KvError("COMPACTED", text);
    }
    const kept = this.#kept.find((other) => other.revision === revision);
    if (kept === undefined) return new KvError("COMPACTED", goneText(revision, state.revision));
    kept.usedTick = this.#tick;
    return readPage(kept.keys, revision, request, this.#limits.pageKeys);
  }

  tick(): void {
    this.#tick += 1;
    if (this.#kept.length === 0) return;
    const { idleTicks, keptTicks } = this.#limits;
    const isShort = this.#isShortOfMemory();
    this.#kept = this.#kept.filter(
      ({ sinceTick, usedTick }) =>
        !isShort && this.#tick - usedTick <= idleTicks && this.#tick - sinceTick <= keptTicks,
    );
  }

  /** @returns false when it cannot be kept (G1, G2) */
  #keep(state: KvState): boolean {
    const { revision } = state;
    const known = this.#kept.find((other) => other.revision === revision);
    if (known !== undefined) {
      known.usedTick = this.#tick;
      return true;
    }
    this.#freezes = this.#freezes.filter((tick) => this.#tick - tick < this.#limits.freezeTicks);
    const isFull = this.#kept.length >= KEPT_MAX || this.#freezes.length >= FREEZES_MAX;
    if (isFull || this.#isShortOfMemory()) return false;
    this.#freezes.push(this.#tick);
    const keys = state.freezeKeys();
    this.#kept.push({ revision, keys, sinceTick: this.#tick, usedTick: this.#tick });
    return true;
  }
}

const BUSY_TEXT = "this node pages through too many ranges at once";

function goneText(revision: number, now: number): string {
  return `the keys as of revision ${revision} are not kept by this node any more, which is at ${now}: begin the range again`;
}
