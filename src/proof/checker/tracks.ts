/**
 * Calls and answers of the completed operations as doubly linked lists, one a track. Within a track, an operation that was
 * answered before another was called comes first in every order; between tracks nothing is known. One track for all
 * operations asks for linearizability; one a session asks for sequential consistency.
 *
 * Positions number the operations in the order of their calls. Node 2p is the call of p, node 2p + 1 its answer.
 */

export const END = -1;

export class Tracks {
  readonly count: number;
  readonly trackOf: Int32Array;
  readonly #ends: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #firstHead: number;

  /** @param ends Infinity for operations of unknown outcome: they are in no list */
  constructor(calls: Float64Array, ends: Float64Array, trackOf: Int32Array, count: number) {
    this.count = count;
    this.trackOf = trackOf;
    this.#ends = ends;
    this.#firstHead = 2 * calls.length;
    this.#next = new Int32Array(this.#firstHead + count).fill(END);
    this.#previous = new Int32Array(this.#firstHead + count).fill(END);
    const tails = Int32Array.from({ length: count }, (_, track) => this.#firstHead + track);
    const append = (node: number): void => {
      const track = trackOf[node >>> 1] as number;
      const tail = tails[track] as number;
      this.#next[tail] = node;
      this.#previous[node] = tail;
      tails[track] = node;
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

  first(track: number): number {
    return this.#next[this.#firstHead + track] as number;
  }

  after(node: number): number {
    return this.#next[node] as number;
  }

  /** The operation whose answer comes first among those that are left; END when none is left. */
  firstAnswered(track: number): number {
    let node = this.first(track);
    while (node !== END && (node & 1) === 0) node = this.#next[node] as number;
    return node === END ? END : node >>> 1;
  }

  /** When the first answer that is left came; Infinity when none is left. */
  firstAnswerTime(track: number): number {
    const position = this.firstAnswered(track);
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
