import type { WriteSeq, WriteGroup } from "../omnipaxos/index.ts";
import { ByteWriter } from "../base/index.ts";
import { FILE_HEADER_BYTES, finishFrame, FRAME_HEADER_BYTES, writeFileHeader } from "./frame.ts";
import type { LiveBytes } from "./live-bytes.ts";
import { advance, type LogScalars } from "./log-scalars.ts";
import { writeGroup, writeSeal, writeStart } from "./record.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";

const INITIAL_BYTES = 64 * 1024;

/** A segment that a frame comes behind. */
interface SegmentSoFar {
  readonly salt: number;
  /** Its number. */
  readonly segment: number;
  /** Written so far. */
  readonly bytes: number;
  /** The checksum of its last batch. */
  readonly crc: number;
}

interface FinishedFrame {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** Write groups that become durable together: the body of one frame, encoded as they come. */
export class Batch {
  readonly #out = frameWriter();
  readonly #live: LiveBytes;
  #before: LogScalars;
  #after: LogScalars;
  #groups = 0;
  #lastSeq: WriteSeq = 0;
  #lowestAppend = Number.POSITIVE_INFINITY;

  /** @param live is told of every write */
  constructor(before: LogScalars, live: LiveBytes) {
    this.#live = live;
    this.#before = before;
    this.#after = before;
  }

  /** Begins anew. The buffer stays, as the next batch will be of the same size. */
  reset(before: LogScalars): void {
    this.#out.clear();
    this.#out.zeros(FRAME_HEADER_BYTES);
    this.#before = before;
    this.#after = before;
    this.#groups = 0;
    this.#lowestAppend = Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#groups === 0;
  }
  get length(): number {
    return this.#out.length;
  }
  /** Memory held. */
  get capacity(): number {
    return this.#out.capacity;
  }
  /** The scalars before the first group. */
  get before(): LogScalars {
    return this.#before;
  }
  /** The scalars after the last group. */
  get after(): LogScalars {
    return this.#after;
  }
  get lastSeq(): WriteSeq {
    return this.#lastSeq;
  }
  get lowestAppend(): number {
    return this.#lowestAppend;
  }

  add(group: WriteGroup<Uint8Array, SnapshotName>): void {
    writeGroup(this.#out, group.writes);
    this.#groups += 1;
    this.#lastSeq = group.seq;
    for (const write of group.writes) {
      this.#after = advance(this.#after, write);
      if (write.kind === "append") {
        this.#lowestAppend = Math.min(this.#lowestAppend, write.fromIdx);
        this.#live.append(write.fromIdx, write.entries);
      } else if (write.kind === "compact") {
        this.#live.compact(write.idx);
      }
    }
  }

  /** The frame at a place within a segment; a view, valid until `reset`. */
  finish({ salt, segment, bytes: position, crc: previousCrc }: SegmentSoFar): FinishedFrame {
    const place = { salt, segment, position, previousCrc, groups: this.#groups };
    const crc = finishFrame(this.#out, 0, place);
    return { bytes: this.#out.peek(), crc };
  }

  /**
   * The beginning of a segment with this batch in its first frame.
   * @param owner of the log
   * @param salt drawn for this segment; not 0
   * @param carried entries of the log to write once more, so that older segments are not needed for them
   */
  finishFirst(
    owner: number,
    salt: number,
    segment: number,
    previousEnd: number,
    previousCrc: number,
    carried: readonly Uint8Array[] | null,
  ): FinishedFrame {
    const out = new ByteWriter(INITIAL_BYTES);
    writeFileHeader(out, salt);
    out.zeros(FRAME_HEADER_BYTES);
    writeStart(out, { owner, previousEnd, previousCrc, scalars: this.#before });
    if (carried !== null) {
      const fromIdx = this.#before.compactedIdx;
      writeGroup(out, [{ kind: "append", fromIdx, entries: carried }]);
    }
    out.bytes(this.#out.peek().subarray(FRAME_HEADER_BYTES));
    const position = FILE_HEADER_BYTES;
    const place = { salt, segment, position, previousCrc: 0, groups: this.#groups };
    const crc = finishFrame(out, FILE_HEADER_BYTES, place);
    return { bytes: out.peek(), crc };
  }
}

/** With room for the header of a frame in front. The writer keeps the buffer it has grown: its owner decides when to drop it. */
function frameWriter(): ByteWriter {
  const out = new ByteWriter(INITIAL_BYTES, Number.POSITIVE_INFINITY);
  out.zeros(FRAME_HEADER_BYTES);
  return out;
}

/** The last frame of a segment. */
export function sealFrame(
  { salt, segment, bytes: position, crc: previousCrc }: SegmentSoFar,
  nextFile: number,
): Uint8Array {
  const out = frameWriter();
  writeSeal(out, nextFile);
  finishFrame(out, 0, { salt, segment, position, previousCrc, groups: 0 });
  return out.peek();
}

/** Length of a seal: its number takes at most eight bytes. */
export const SEAL_BYTES_MAX = FRAME_HEADER_BYTES + 16;
