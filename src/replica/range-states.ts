/**
 * The states that clients page through. The first page of a range is from the newest state; when it does not hold all that
 * was asked for, the keys as they are then are kept for the pages that follow: together they are one state.
 *
 * Invariants:
 *   G1. What is kept is bounded: in number, in the time since it was asked for last, and in time altogether; it goes with the
 *       last page of the last range that is read from it. Whoever asks too late is told so (COMPACTED), and never gets pages of
 *       two states.
 *   G2. Keys are frozen FREEZES_MAX times in FREEZE_TICKS at most, as each key that is changed afterwards is copied first.
 *   G3. One asker has a part of the places, and a state that nobody has asked for in a while makes way for a new one: whoever
 *       begins ranges and leaves them keeps nobody from theirs for long.
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

const KEPT_MAX = 16;
const KEPT_FOR_ONE_MAX = 4;
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
  /** For whom it was frozen. */
  readonly asker: number;
  usedTick: number;
  /** Ranges begun from it whose last page was not read. */
  ranges: number;
}

export class RangeStates {
  readonly #state: () => KvState;
  readonly #isShortOfMemory: () => boolean;
  readonly #limits: RangeLimits;
  /** In the order in which they were frozen. */
  #kept: Kept[] = [];
  #freezes: number[] = [];
  #tick = 0;
  /** Who asks now: the id of a route. */
  asker = 0;

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
    const kept =
      revision === 0 ? undefined : this.#kept.find((other) => other.revision === revision);
    if (kept !== undefined) return this.#later(kept, request);
    if (revision === 0 || revision === state.revision) {
      const page = state.readPage(request, this.#limits.pageKeys);
      if (isCut(page, request) && !this.#keep(state)) return new KvError("OVERLOADED", BUSY_TEXT);
      return page;
    }
    if (revision < state.revision) {
      return new KvError("COMPACTED", goneText(revision, state.revision));
    }
    const text = `this node has not come to revision ${revision} yet, it is at ${state.revision}: begin the range again`;
    return new KvError("COMPACTED", text);
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

  #later(kept: Kept, request: RangeRequest): RangePage {
    kept.usedTick = this.#tick;
    const page = readPage(kept.keys, kept.revision, request, this.#limits.pageKeys);
    if (isCut(page, request)) return page;
    kept.ranges -= 1;
    if (kept.ranges <= 0) this.#kept = this.#kept.filter((other) => other !== kept);
    return page;
  }

  /** @returns false when it cannot be kept (G1, G2, G3) */
  #keep(state: KvState): boolean {
    const { revision } = state;
    const known = this.#kept.find((other) => other.revision === revision);
    if (known !== undefined) {
      known.usedTick = this.#tick;
      known.ranges += 1;
      return true;
    }
    this.#freezes = this.#freezes.filter((tick) => this.#tick - tick < this.#limits.freezeTicks);
    if (this.#freezes.length >= FREEZES_MAX || this.#isShortOfMemory()) return false;
    const { asker } = this;
    const own = this.#kept.filter((other) => other.asker === asker);
    if (own.length >= KEPT_FOR_ONE_MAX && !this.#makeRoom(own)) return false;
    if (this.#kept.length >= KEPT_MAX && !this.#makeRoom(this.#kept)) return false;
    this.#freezes.push(this.#tick);
    const [sinceTick, usedTick] = [this.#tick, this.#tick];
    this.#kept.push({ revision, keys: state.freezeKeys(), sinceTick, usedTick, asker, ranges: 1 });
    return true;
  }

  /** G3. @returns false when all of them were asked for of late */
  #makeRoom(among: readonly Kept[]): boolean {
    const [oldest] = among.toSorted((a, b) => a.usedTick - b.usedTick);
    if (oldest === undefined || this.#tick - oldest.usedTick < this.#limits.freezeTicks)
      return false;
    this.#kept = this.#kept.filter((other) => other !== oldest);
    return true;
  }
}

const BUSY_TEXT = "this node pages through too many ranges at once";

function goneText(revision: number, now: number): string {
  return `the keys as of revision ${revision} are not kept by this node any more, which is at ${now}: begin the range again`;
}
