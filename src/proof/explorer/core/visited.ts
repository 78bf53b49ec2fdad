/**
 * Which worlds were seen, by a hash of 64 bits, and how each was reached first. Two worlds of one hash would be taken for
 * one, and something might be missed then, never reported wrongly: of a hundred million worlds that happens to one pair with
 * a probability of 1 in 3,700.
 */
const GROWTH = 1.5;

export class Visited {
  #hashes = new Int32Array(2 * 1024);
  #parents = new Int32Array(1024);
  #moves = new Uint16Array(1024);
  /** Open addressing: position + 1; 0: free. */
  #table = new Int32Array(4096);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns its number, or -1 when it was here before */
  add(low: number, high: number, parent: number, move: number): number {
    if (this.#size * 2 >= this.#table.length) this.#rehash();
    const mask = this.#table.length - 1;
    let slot = low & mask;
    for (let at = this.#table[slot]; at !== 0 && at !== undefined; at = this.#table[slot]) {
      const i = 2 * (at - 1);
      if (this.#hashes[i] === low && this.#hashes[i + 1] === high) return -1;
      slot = (slot + 1) & mask;
    }
    const number = this.#size++;
    if (number >= this.#parents.length) this.#grow();
    this.#hashes[2 * number] = low;
    this.#hashes[2 * number + 1] = high;
    this.#parents[number] = parent;
    this.#moves[number] = move;
    this.#table[slot] = number + 1;
    return number;
  }

  /** The moves, by position, that lead from the first world to this one. */
  path(number: number): number[] {
    const path: number[] = [];
    for (let at = number; at > 0; at = this.#parents[at] ?? 0) path.push(this.#moves[at] ?? 0);
    return path.toReversed();
  }

  #grow(): void {
    const length = Math.ceil(this.#parents.length * GROWTH);
    const hashes = new Int32Array(2 * length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const parents = new Int32Array(length);
    parents.set(this.#parents);
    this.#parents = parents;
    const moves = new Uint16Array(length);
    moves.set(this.#moves);
    this.#moves = moves;
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[2 * number] ?? 0) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = number + 1;
    }
    this.#table = table;
  }
}
