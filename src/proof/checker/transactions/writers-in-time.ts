/** A transaction that wrote a key for certain: its place, and when it was called and had ended. */
interface Writer {
  readonly at: number;
  readonly call: number;
  readonly end: number;
}

/** The writers of one key in real time: only those next to a moment are named, as all others are before or after one of them. */
export class WritersInTime {
  readonly #byCall: readonly Writer[];
  readonly #byEnd: readonly Writer[];

  constructor(writers: readonly Writer[]) {
    this.#byCall = writers.toSorted((a, b) => a.call - b.call);
    this.#byEnd = this.#byCall.toSorted((a, b) => a.end - b.end);
  }

  /** The first ones that began after `moment`: any transaction later than all of these comes after one of them in real time. */
  firstAfter(moment: number): number[] {
    const found: number[] = [];
    let firstEnd = Number.POSITIVE_INFINITY;
    for (let i = firstIndex(this.#byCall, ({ call }) => call > moment); ; i++) {
      const writer = this.#byCall[i];
      if (writer === undefined || writer.call > firstEnd) return found;
      firstEnd = Math.min(firstEnd, writer.end);
      found.push(writer.at);
    }
  }

  /** The last ones that had ended before `moment`. */
  lastBefore(moment: number): number[] {
    const found: number[] = [];
    let lastCall = Number.NEGATIVE_INFINITY;
    for (let i = firstIndex(this.#byEnd, ({ end }) => end >= moment) - 1; ; i--) {
      const writer = this.#byEnd[i];
      if (writer === undefined || writer.end < lastCall) return found;
      lastCall = Math.max(lastCall, writer.call);
      found.push(writer.at);
    }
  }
}

/** The first index from which on `holds`; the length: it holds nowhere. It must hold for all that come after one for which it holds. */
function firstIndex(writers: readonly Writer[], holds: (writer: Writer) => boolean): number {
  let start = 0;
  let stop = writers.length;
  while (start < stop) {
    const middle = (start + stop) >> 1;
    const writer = writers[middle];
    if (writer === undefined || holds(writer)) stop = middle;
    else start = middle + 1;
  }
  return start;
}
