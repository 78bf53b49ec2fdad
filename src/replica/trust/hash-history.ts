/**
 * The hashes of this node's state at earlier indexes: at every one of the last few thousand, and further back at every 256th.
 * Each index costs four or eight stores and allocates nothing: the node keeps hashes for every entry it applies.
 *
 * Invariant HASHES-1: `has(idx)` implies that the hash stands for the state that this node applies to now, or for one it came
 * from by applying entries: when a snapshot takes the place of the state, the node forgets earlier hashes.
 */
import type { StateCheckpoint } from "../../protocol/messages/index.ts";

/** Every index is known so far back. A power of two, like the others: bit operations keep the lowest bits of any index. */
export const RECENT = 4096;
/** Further back only multiples of this are. */
export const SPACING = 256;
const SPACED = 4096;
/** One state has so many hashes. */
const HASHES = 3;

/** What is noted of a state. Hashes in 32 bits, signed or not. */
export interface HashedState {
  readonly contentHash: number;
  readonly historyHash: number;
  /** Of the versions of keys that it keeps, and how far back they go. */
  readonly kept: { readonly oldest: number; readonly hash: number };
}

export class HashHistory {
  readonly #recent = new Ring(RECENT);
  readonly #spaced = new Ring(SPACED);
  #first = 0;
  #last = -1;

  /** The last index put; -1: none yet. */
  get last(): number {
    return this.#last;
  }

  /** Forgets everything, and begins with the state for [0, idx). */
  begin(idx: number, state: HashedState): void {
    this.#first = idx;
    this.put(idx, state);
  }

  /** @param idx the one after `last` */
  put(idx: number, state: HashedState): void {
    this.#last = idx;
    this.#recent.put(idx & (RECENT - 1), state);
    if ((idx & (SPACING - 1)) === 0) this.#spaced.put((idx / SPACING) & (SPACED - 1), state);
  }

  has(idx: number): boolean {
    const age = this.#last - idx;
    if (idx < this.#first || age < 0) return false;
    return age < RECENT || (idx % SPACING === 0 && age < SPACING * SPACED);
  }

  /** Undefined: not known. */
  at(idx: number): StateCheckpoint | undefined {
    if (!this.has(idx)) return undefined;
    return this.#last - idx < RECENT
      ? this.#recent.at(idx & (RECENT - 1), idx)
      : this.#spaced.at((idx / SPACING) & (SPACED - 1), idx);
  }
}

/** Columns, so that nothing is allocated for a state. */
class Ring {
  readonly #hashes: Uint32Array;
  readonly #oldest: Float64Array;

  constructor(places: number) {
    this.#hashes = new Uint32Array(HASHES * places);
    this.#oldest = new Float64Array(places);
  }

  put(place: number, { contentHash, historyHash, kept }: HashedState): void {
    const at = HASHES * place;
    this.#hashes[at] = contentHash;
    this.#hashes[at + 1] = historyHash;
    this.#hashes[at + 2] = kept.hash;
    this.#oldest[place] = kept.oldest;
  }

  at(place: number, idx: number): StateCheckpoint {
    const [content = 0, history = 0, hash = 0] = this.#hashes.subarray(HASHES * place);
    return { idx, content, history, kept: { oldest: this.#oldest[place] ?? 0, hash } };
  }
}
