import type { DiskFile } from "../machine/ports/index.ts";
import type { KnownSegment } from "./recovery.ts";

export interface ListedSegment {
  readonly path: string;
  readonly segment: number;
  /** End of the log where it begins; infinite while its beginning is not durable. */
  startIdx: number;
  /** The lowest index at which a durable append in it begins. */
  lowestAppend: number;
  /** Written so far, a seal not counted. */
  bytes: number;
  /** The checksum of its last batch. */
  crc: number;
  /** What its checksums begin with. */
  salt: number;
  /** The log goes on in another one. */
  sealed: boolean;
  /** Null: nothing is or will be written to it. */
  file: DiskFile | null;
}

/** The segments that make up the log, oldest first. */
export class SegmentList {
  readonly #segments: ListedSegment[];

  constructor(known: readonly KnownSegment[]) {
    this.#segments = known.map((segment) => ({
      ...segment,
      crc: 0,
      salt: 0,
      sealed: true,
      file: null,
    }));
  }

  get newest(): ListedSegment | undefined {
    return this.#segments.at(-1);
  }

  get length(): number {
    return this.#segments.length;
  }

  get bytes(): number {
    let bytes = 0;
    for (const segment of this.#segments) bytes += segment.bytes;
    return bytes;
  }

  get open(): readonly ListedSegment[] {
    return this.#segments.filter((segment) => segment.file !== null);
  }

  /** Those whose beginning is durable. */
  get durable(): readonly ListedSegment[] {
    return this.#segments.filter((segment) => segment.startIdx !== Number.POSITIVE_INFINITY);
  }

  push(segment: ListedSegment): void {
    this.#segments.push(segment);
  }

  /**
   * Takes out the segments that hold no entry at or above compactedIdx, and answers their files. What recovery will ask,
   * from the newest segment back: do all entries still needed stand here or later? Then nothing older is needed.
   * @param compactedIdx durable
   */
  drop(compactedIdx: number): readonly string[] {
    let oldestNeeded = this.#segments.length - 1;
    let lowestAppend = Number.POSITIVE_INFINITY;
    for (; oldestNeeded > 0; oldestNeeded--) {
      const segment = this.#segments[oldestNeeded];
      if (segment === undefined) return [];
      lowestAppend = Math.min(lowestAppend, segment.lowestAppend);
      if (Math.min(segment.startIdx, lowestAppend) <= compactedIdx) break;
    }
    let count = 0;
    while (count < oldestNeeded && this.#segments[count]?.file === null) count += 1;
    return this.#segments.splice(0, count).map((segment) => segment.path);
  }
}
