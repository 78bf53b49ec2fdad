/** The configurations a search has been in: which operations were linearized, and the state they led to. */

const CHUNK_WORDS = 1 << 18;

/**
 * A set of (bitset, state) pairs. The hash of a bitset is kept up to date by the caller, one exclusive-or a bit, and the
 * bitset itself is compared only on a hit; so a lookup costs next to nothing and never confuses two configurations.
 */
export class Configurations {
  readonly #words: number;
  readonly #max: number;
  #chunks: Uint32Array[] = [];
  #size = 0;
  /** Open addressing: position + 1 of the configuration, 0: free. */
  #table = new Uint32Array(1 << 12);
  #hashes = new Uint32Array(1 << 12);
  #states = new Uint32Array(1 << 11);

  /** @param bits of a bitset @param max configurations that are remembered */
  constructor(bits: number, max: number) {
    this.#words = Math.max(1, Math.ceil(bits / 32));
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#size >= this.#max;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns false when it was there already */
  add(bits: Uint32Array, hash: number, state: number): boolean {
    const mixed = (hash ^ Math.imul(state + 1, 0x9e3779b1)) >>> 0;
    const mask = this.#table.length - 1;
    let slot = mixed & mask;
    for (;;) {
      const entry = this.#table[slot] ?? 0;
      if (entry === 0) break;
      if (this.#hashes[slot] === mixed && this.#equals(entry - 1, bits, state)) return false;
      slot = (slot + 1) & mask;
    }
    this.#table[slot] = this.#size + 1;
    this.#hashes[slot] = mixed;
    this.#store(bits, state);
    if (this.#size * 2 > this.#table.length) this.#grow();
    return true;
  }

  #equals(index: number, bits: Uint32Array, state: number): boolean {
    if (this.#states[index] !== state) return false;
    const [chunk, offset] = this.#place(index);
    for (let word = 0; word < this.#words; word++) {
      if (chunk[offset + word] !== bits[word]) return false;
    }
    return true;
  }

  #store(bits: Uint32Array, state: number): void {
    const index = this.#size++;
    if (index >= this.#states.length) {
      const larger = new Uint32Array(this.#states.length * 2);
      larger.set(this.#states);
      this.#states = larger;
    }
    this.#states[index] = state;
    const [chunk, offset] = this.#place(index);
    chunk.set(bits, offset);
  }

  #place(index: number): [Uint32Array, number] {
    const perChunk = Math.max(1, Math.floor(CHUNK_WORDS / this.#words));
    const number = Math.floor(index / perChunk);
    const chunk = (this.#chunks[number] ??= new Uint32Array(perChunk * this.#words));
    return [chunk, (index % perChunk) * this.#words];
  }

  #grow(): void {
    const table = this.#table;
    const hashes = this.#hashes;
    this.#table = new Uint32Array(table.length * 2);
    this.#hashes = new Uint32Array(table.length * 2);
    const mask = this.#table.length - 1;
    for (let old = 0; old < table.length; old++) {
      const entry = table[old] ?? 0;
      if (entry === 0) continue;
      const hash = hashes[old] ?? 0;
      let slot = hash & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = entry;
      this.#hashes[slot] = hash;
    }
  }
}
