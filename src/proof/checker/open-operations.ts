/** Operations of unknown outcome: each may be used once, at any time after its call, or never. */

export class OpenOperations {
  /** Bits of those that are used. */
  readonly words: Int32Array;
  readonly #positions: Int32Array;
  readonly #calls: Float64Array;
  readonly #numberOf: Int32Array;
  readonly #classes: Int32Array;
  /** The one of the same class that was called before; -1: none. */
  readonly #equalBefore: Int32Array;

  constructor(
    calls: Float64Array,
    ends: Float64Array,
    trackOf: Int32Array,
    classOf: (position: number) => string,
  ) {
    const positions: number[] = [];
    ends.forEach((end, position) => {
      if (end === Number.POSITIVE_INFINITY) positions.push(position);
    });
    this.#positions = Int32Array.from(positions);
    this.#calls = Float64Array.from(positions, (position) => calls[position] as number);
    this.#numberOf = new Int32Array(positions.length === 0 ? 0 : calls.length).fill(-1);
    this.#classes = new Int32Array(positions.length);
    this.#equalBefore = new Int32Array(positions.length).fill(-1);
    this.words = new Int32Array((positions.length + 31) >>> 5);
    const lastOfClass = new Map<string, number>();
    positions.forEach((position, number) => {
      this.#numberOf[position] = number;
      const name = `${trackOf[position] ?? 0} ${classOf(position)}`;
      const before = lastOfClass.get(name);
      this.#classes[number] = before === undefined ? number : (this.#classes[before] as number);
      this.#equalBefore[number] = before ?? -1;
      lastOfClass.set(name, number);
    });
  }

  get count(): number {
    return this.#positions.length;
  }

  position(number: number): number {
    return this.#positions[number] as number;
  }

  numberOf(position: number): number {
    return this.#numberOf[position] as number;
  }

  call(number: number): number {
    return this.#calls[number] as number;
  }

  isUsed(number: number): boolean {
    return ((this.words[number >>> 5] as number) & (1 << (number & 31))) !== 0;
  }

  /** Not used, and all equal ones that were called before are. */
  isNext(number: number): boolean {
    const before = this.#equalBefore[number] as number;
    return !this.isUsed(number) && (before === -1 || this.isUsed(before));
  }

  /** Whether two that commute stand in the order that is kept of the two. */
  isOrdered(first: number, second: number): boolean {
    const a = this.#classes[this.numberOf(first)] as number;
    return a <= (this.#classes[this.numberOf(second)] as number);
  }

  use(position: number): void {
    const number = this.numberOf(position);
    const word = number >>> 5;
    this.words[word] = (this.words[word] as number) | (1 << (number & 31));
  }

  release(position: number): void {
    const number = this.numberOf(position);
    const word = number >>> 5;
    this.words[word] = (this.words[word] as number) & ~(1 << (number & 31));
  }
}
