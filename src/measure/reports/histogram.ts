/**
 * Latencies in buckets that grow with the value, so that a run of any length takes the same memory. A bucket is at most
 * 1/64 (1.6 %) of the values in it wide; the greatest value is kept exactly.
 */
const SUB_BUCKETS = 64;
const SUB_BITS = 6;
/** About 19 hours in microseconds: what is longer counts as this long. */
const VALUE_MAX = 2 ** 36;
const BUCKETS = SUB_BUCKETS * (36 - SUB_BITS + 2);

/** Bucket, count, bucket, count and so on; then the greatest value. As JSON carries it between processes. */
export interface HistogramData {
  readonly counts: readonly number[];
  readonly maxUs: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #maxUs = 0;

  /** All of them together. */
  static of(parts: readonly HistogramData[]): LatencyHistogram {
    const histogram = new LatencyHistogram();
    for (const part of parts) histogram.add(part);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  get maxUs(): number {
    return this.#maxUs;
  }

  record(us: number): void {
    const index = bucketOf(us);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** @param fraction 0.99 for p99. @returns microseconds, the middle of the bucket; 0 when nothing was recorded */
  quantileUs(fraction: number): number {
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#counts[i] ?? 0;
      if (seen >= rank) return Math.min(middleOf(i), this.#maxUs);
    }
    return this.#maxUs;
  }

  add(data: HistogramData): void {
    for (let i = 0; i + 1 < data.counts.length; i += 2) {
      const bucket = data.counts[i] ?? 0;
      const count = data.counts[i + 1] ?? 0;
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#count += count;
    }
    this.#maxUs = Math.max(this.#maxUs, data.maxUs);
  }

  toData(): HistogramData {
    const counts: number[] = [];
    for (let i = 0; i < BUCKETS; i++) {
      const count = this.#counts[i] ?? 0;
      if (count > 0) counts.push(i, count);
    }
    return { counts, maxUs: this.#maxUs };
  }
}

/** Values below SUB_BUCKETS have a bucket each; above, each power of two is cut into SUB_BUCKETS. */
function bucketOf(us: number): number {
  const value = Math.min(Math.max(0, Math.floor(us)), VALUE_MAX);
  if (value < SUB_BUCKETS) return value;
  const power = Math.floor(Math.log2(value));
  const sub = Math.floor(value / 2 ** (power - SUB_BITS)) - SUB_BUCKETS;
  return SUB_BUCKETS * (power - SUB_BITS + 1) + sub;
}

function middleOf(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const power = Math.floor(index / SUB_BUCKETS) - 1;
  const low = (SUB_BUCKETS + (index % SUB_BUCKETS)) * 2 ** power;
  return low + 2 ** power / 2;
}
