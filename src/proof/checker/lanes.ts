/**
 * Calls and answers of the completed operations as doubly linked lists, one a lane. Within a lane, an operation that was
 * answered before another was called comes first in every order; between lanes nothing is known. One lane for all
 * operations asks for linearizability; one a session asks for sequential consistency.
 *
 * Positions number the operations in the order of their calls. Node 2p is the call of p, node 2p + 1 its answer.
 */

export const END = -1;

export class Lanes {
  readonly count: number;
  readonly laneOf: Int32Array;
  readonly #ends: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #firstHead: number;

  /** @param ends Infinity for operations of unknown outcome: they are in no list */
  constructor(calls: Float64Array, ends: Float64Array, laneOf: Int32Array, count: number) {
    this.count = count;
    this.laneOf = laneOf;
    this.#ends = ends;
    this.#firstHead = 2 * calls.length;
    this.#next = new Int32Array(this.#firstHead + count).fill(END);
    this.#previous = new Int32Array(this.#firstHead + count).fill(END);
    const tails = Int32Array.from({ length: count }, (_, lane) => this.#firstHead + lane);
    const append = (node: number): void => {
      const lane = laneOf[node >>> 1] as number;
      const tail = tails[lane] as number;
      this.#next[tail] = node;
      this.#previous[node] = tail;
      tails[lane] = node;
    };
    const answered: number[] = [];
    ends.forEach((end, position) => {
      if (end !== Number.POSITIVE_INFINITY) answered.push(position);
    });
    answered.sort((a, b) => (ends[a] as number) - (ends[b] as number) || a - b);
    let answer = 0;
    for (let position = 0; position < calls.length; position++) {
      const call = calls[position] as number;
      // Intervals are closed: an answer at the time of a call comes after it.
      while (answer < answered.length && (ends[answered[answer] as number] as number) < call) {
        append(2 * (answered[answer++] as number) + 1);
      }
      if (ends[position] !== Number.POSITIVE_INFINITY) append(2 * position);
    }
    while (answer < answered.length) append(2 * (answered[answer++] as number) + 1);
  }

  first(lane: number): number {
    return this.#next[this.#firstHead + lane] as number;
  }

  after(node: number): number {
    return this.#next[node] as number;
  }

  /** The operation whose answer comes first among those that are left; END when none is left. */
  firstAnswered(lane: number): number {
    let node = this.first(lane);
    while (node !== END && (node & 1) === 0) node = this.#next[node] as number;
    return node === END ? END : node >>> 1;
  }

  /** When the first answer that is left came; Infinity when none is left. */
  firstAnswerTime(lane: number): number {
    const position = this.firstAnswered(lane);
    return position === END ? Number.POSITIVE_INFINITY : (this.#ends[position] as number);
  }

  answerTime(position: number): number {
    return this.#ends[position] as number;
  }

  remove(position: number): void {
    this.#unlink(2 * position);
    this.#unlink(2 * position + 1);
  }

  /** Undoes the last remove that was not undone yet, which was of this operation. */
  restore(position: number): void {
    this.#relink(2 * position + 1);
    this.#relink(2 * position);
  }

  #unlink(node: number): void {
    const next = this.#next[node] as number;
    const previous = this.#previous[node] as number;
    this.#next[previous] = next;
    if (next !== END) this.#previous[next] = previous;
  }

  #relink(node: number): void {
    const next = this.#next[node] as number;
    this.#next[this.#previous[node] as number] = node;
    if (next !== END) this.#previous[next] = node;
  }
}
