/**
 * What this node's state was at earlier indexes, as hashes: at every one of the last few thousand, and further back at
 * every 256th. Each index costs two or four stores and nothing is allocated: it is kept for every entry applied.
 *
 * Invariant H1: `has(idx)` implies that the hash stands for the state that this node applies to now, or for one it came
 * from by applying entries: what was before a snapshot took its place is forgotten.
 */
import type { StateCheckpoint } from "../wire/host-message.ts";

/** Every index is known so far back. A power of two, like the others: bit operations keep the lowest bits of any index. */
export const RECENT = 4096;
/** Further back only multiples of this are. */
export const SPACING = 256;
const SPACED = 4096;
const RECENT_MASK = 2 * RECENT - 1;

export class HashHistory {
  readonly #recent = new Uint32Array(2 * RECENT);
  readonly #spaced = new Uint32Array(2 * SPACED);
  #first = 0;
  #last = -1;

  /** The last index put; -1: none yet. */
  get last(): number {
    return this.#last;
  }

  /** Forgets everything, and begins with the state for [0, idx). */
  begin(idx: number, content: number, history: number): void {
    this.#first = idx;
    this.put(idx, content, history);
  }

  /** @param idx the one after `last` */
  put(idx: number, content: number, history: number): void {
    this.#last = idx;
    const at = (2 * idx) & RECENT_MASK;
    this.#recent[at] = content;
    this.#recent[at + 1] = history;
    if ((idx & (SPACING - 1)) !== 0) return;
    const place = 2 * ((idx / SPACING) & (SPACED - 1));
    this.#spaced[place] = content;
    this.#spaced[place + 1] = history;
  }

  has(idx: number): boolean {
    const age = this.#last - idx;
    if (idx < this.#first || age < 0) return false;
    return age < RECENT || (idx % SPACING === 0 && age < SPACING * SPACED);
  }

  /** Undefined: not known. */
  at(idx: number): StateCheckpoint | undefined {
    if (!this.has(idx)) return undefined;
    const isRecent = this.#last - idx < RECENT;
    const hashes = isRecent ? this.#recent : this.#spaced;
    const at = isRecent ? (2 * idx) & RECENT_MASK : 2 * ((idx / SPACING) & (SPACED - 1));
    return { idx, content: hashes[at] ?? 0, history: hashes[at + 1] ?? 0 };
  }
}
