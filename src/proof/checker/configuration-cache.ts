/**
 * The configurations that a search has been in. One is: which completed operations have been placed, which operations
 * of unknown outcome have been used, and the state. Only the words of the bit set that are neither wholly full at the
 * low end nor wholly empty at the high end are kept: their number follows the concurrency, not the length.
 *
 * Invariants:
 *   CACHE-1. A configuration is reported as seen only if one with the same placed operations, state and tag is stored that
 *       used the same operations of unknown outcome or fewer: every order that can follow the new one can follow that one.
 *   CACHE-2. Equality is decided on the whole configuration; the hash only finds candidates.
 */
import { assert } from "../../base/index.ts";

const CHUNK_WORDS = 1 << 18;
const FIRST_CHUNK_WORDS = 1 << 9;
const HEADER_WORDS = 5;
const TABLE_START = 1 << 8;
const BYTES_PER_SLOT = 8;

export interface Configuration {
  /** Which completed operations have been placed, as a bit set. */
  hash: number;
  state: number;
  /** The state before and the operation, when the last step was one of unknown outcome; -1 each otherwise. */
  tagState: number;
  tagOperation: number;
  /** First and one past the last word of `placed` that count; all words below `low` are full. */
  low: number;
  high: number;
}

export class ConfigurationCache {
  readonly #bytesMax: number;
  readonly #openWords: number;
  readonly #chunks: Int32Array[] = [];
  #chunkUsed = 0;
  #chunkBytes = 0;
  /** Address + 1 of an entry; 0: free. */
  #slots = new Int32Array(TABLE_START);
  #hashes = new Int32Array(TABLE_START);
  #size = 0;

  /** @param openWords words of the bit set of operations of unknown outcome */
  constructor(openWords: number, bytesMax: number) {
    this.#openWords = openWords;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#size;
  }

  /** About how many bytes the cache takes. */
  get bytes(): number {
    return this.#chunkBytes + this.#slots.length * BYTES_PER_SLOT;
  }

  get isFull(): boolean {
    return this.bytes > this.#bytesMax;
  }

  /** Adds the configuration. @returns false when it had been seen, see CACHE-1 */
  add(configuration: Configuration, placed: Int32Array, used: Int32Array): boolean {
    const hash = mix(configuration);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const address = this.#slots[slot] as number;
      if (address === 0) break;
      if (this.#hashes[slot] === hash && this.#covers(address - 1, configuration, placed, used)) {
        return false;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#store(configuration, placed, used) + 1;
    this.#hashes[slot] = hash;
    this.#size += 1;
    if (this.#size * 2 > this.#slots.length) this.#grow();
    return true;
  }

  #covers(address: number, wanted: Configuration, placed: Int32Array, used: Int32Array): boolean {
    const chunk = this.#chunks[Math.floor(address / CHUNK_WORDS)] as Int32Array;
    let at = address % CHUNK_WORDS;
    const { low, high } = wanted;
    if (
      chunk[at] !== wanted.state ||
      chunk[at + 1] !== wanted.tagState ||
      chunk[at + 2] !== wanted.tagOperation ||
      chunk[at + 3] !== low ||
      chunk[at + 4] !== high
    ) {
      return false;
    }
    at += HEADER_WORDS;
    for (let word = low; word < high; word++) if (chunk[at++] !== placed[word]) return false;
    for (let word = 0; word < this.#openWords; word++) {
      const stored = chunk[at++] as number;
      if ((stored & ~(used[word] as number)) !== 0) return false;
    }
    return true;
  }

  #store(configuration: Configuration, placed: Int32Array, used: Int32Array): number {
    const { low, high } = configuration;
    const words = HEADER_WORDS + (high - low) + this.#openWords;
    const chunk = this.#reserve(words);
    let at = this.#chunkUsed;
    const address = (this.#chunks.length - 1) * CHUNK_WORDS + at;
    chunk[at++] = configuration.state;
    chunk[at++] = configuration.tagState;
    chunk[at++] = configuration.tagOperation;
    chunk[at++] = low;
    chunk[at++] = high;
    for (let word = low; word < high; word++) chunk[at++] = placed[word] as number;
    for (let word = 0; word < this.#openWords; word++) chunk[at++] = used[word] as number;
    this.#chunkUsed = at;
    return address;
  }

  /** The chunk with room for that many words. Small histories, of which there are many, get by with a small one. */
  #reserve(words: number): Int32Array {
    const last = this.#chunks.at(-1);
    const needed = this.#chunkUsed + words;
    if (last !== undefined && needed <= last.length) return last;
    assert(words <= CHUNK_WORDS, `a configuration of ${words} words fits a chunk`);
    let chunk: Int32Array;
    if (this.#chunks.length <= 1 && needed <= CHUNK_WORDS) {
      let length = Math.max(FIRST_CHUNK_WORDS, (last?.length ?? 0) * 2);
      while (length < needed) length *= 2;
      chunk = new Int32Array(length);
      if (last !== undefined) chunk.set(last);
      this.#chunkBytes = length * 4;
      this.#chunks[0] = chunk;
    } else {
      chunk = new Int32Array(CHUNK_WORDS);
      this.#chunkBytes += CHUNK_WORDS * 4;
      this.#chunks.push(chunk);
      this.#chunkUsed = 0;
    }
    return chunk;
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const length = slots.length * 2;
    const mask = length - 1;
    this.#slots = new Int32Array(length);
    this.#hashes = new Int32Array(length);
    for (let old = 0; old < slots.length; old++) {
      if (slots[old] === 0) continue;
      let slot = (hashes[old] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = slots[old] as number;
      this.#hashes[slot] = hashes[old] as number;
    }
  }
}

function mix({ hash, state, tagState, tagOperation }: Configuration): number {
  let h = hash ^ Math.imul(state + 1, 0x9e37_79b1);
  h = Math.imul(h ^ (h >>> 15), 0x85eb_ca6b) ^ Math.imul(tagState + 1, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4_eb2f) ^ Math.imul(tagOperation + 1, 0x1656_67b1);
  return h ^ (h >>> 16);
}
