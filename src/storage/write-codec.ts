/**
 * The body of a log record: a run of writes.
 *
 *     promise 1, acceptedRound 2   ballot (4 × f64)
 *     append 3                     f64 fromIdx · u32 count · (u32 length · bytes){count}
 *     decided 4                    f64 idx
 *     stopSign 5                   u8 0 (none) | u8 1 · u32 length · JSON · u32 length · metadata (length 2^32-1: none)
 *     compact 6                    f64 idx · u8 0 (no snapshot) | u8 1 · f64 idx · f64 bytes · u32 crc
 *     logEnd 7                     f64 idx: where the entries end; only in a checkpoint
 *
 * Integers are little-endian. A number is never given a second meaning.
 */
import { unreachable } from "../base/assert.ts";
import type { Ballot, ClusterConfig, StopSign, Write } from "../omnipaxos/index.ts";
import type { SnapshotName } from "../wire/host-message.ts";

export type LogWrite = Write<Uint8Array, SnapshotName>;
/** What stands in a record: writes, and in a checkpoint where the log ended. */
export type RecordItem = LogWrite | { readonly kind: "logEnd"; readonly idx: number };

const KIND = {
  promise: 1,
  acceptedRound: 2,
  append: 3,
  decided: 4,
  stopSign: 5,
  compact: 6,
  logEnd: 7,
} as const satisfies Record<RecordItem["kind"], number>;

const NO_METADATA = 2 ** 32 - 1;

/** A buffer that grows, with room reserved at its start for a record's header. */
export class RecordBuffer {
  #bytes: Buffer;
  #length: number;
  readonly #reserved: number;

  constructor(reserved: number, capacity = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#reserved = reserved;
    this.#length = reserved;
  }

  /** Bytes of the body. */
  get bodyLength(): number {
    return this.#length - this.#reserved;
  }

  /** Header and body: a view, valid until the buffer is used again. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = this.#reserved;
    // One huge batch must not pin its memory for ever.
    if (this.#bytes.length > 4 * 1024 * 1024) this.#bytes = Buffer.allocUnsafe(64 * 1024);
  }

  put(item: RecordItem): void {
    switch (item.kind) {
      case "promise":
        this.#u8(KIND.promise);
        this.#ballot(item.promise);
        break;
      case "acceptedRound":
        this.#u8(KIND.acceptedRound);
        this.#ballot(item.acceptedRound);
        break;
      case "append":
        this.#u8(KIND.append);
        this.#f64(item.fromIdx);
        this.#u32(item.entries.length);
        for (const entry of item.entries) this.#sized(entry);
        break;
      case "decided":
        this.#u8(KIND.decided);
        this.#f64(item.decidedIdx);
        break;
      case "stopSign":
        this.#u8(KIND.stopSign);
        this.#stopSign(item.stopSign);
        break;
      case "compact":
        this.#u8(KIND.compact);
        this.#f64(item.idx);
        this.#u8(item.snapshot === null ? 0 : 1);
        if (item.snapshot !== null) {
          const { idx, bytes, crc } = item.snapshot.value;
          this.#f64(idx);
          this.#f64(bytes);
          this.#u32(crc);
        }
        break;
      case "logEnd":
        this.#u8(KIND.logEnd);
        this.#f64(item.idx);
        break;
      default:
        unreachable(item, "write");
    }
  }

  /** Adds another buffer's body. */
  append(other: RecordBuffer): void {
    const body = other.view().subarray(other.#reserved);
    const offset = this.#reserve(body.length);
    body.copy(this.#bytes, offset);
  }

  #stopSign(stopSign: StopSign | null): void {
    this.#u8(stopSign === null ? 0 : 1);
    if (stopSign === null) return;
    this.#sized(Buffer.from(JSON.stringify(stopSign.nextConfig)));
    if (stopSign.metadata === null) this.#u32(NO_METADATA);
    else this.#sized(stopSign.metadata);
  }

  #ballot(ballot: Ballot): void {
    this.#f64(ballot.configId);
    this.#f64(ballot.n);
    this.#f64(ballot.priority);
    this.#f64(ballot.pid);
  }

  #u8(value: number): void {
    const offset = this.#reserve(1);
    this.#bytes[offset] = value;
  }

  #u32(value: number): void {
    const offset = this.#reserve(4);
    this.#bytes.writeUInt32LE(value, offset);
  }

  #f64(value: number): void {
    const offset = this.#reserve(8);
    this.#bytes.writeDoubleLE(value, offset);
  }

  #sized(bytes: Uint8Array): void {
    const offset = this.#reserve(4 + bytes.length);
    this.#bytes.writeUInt32LE(bytes.length, offset);
    this.#bytes.set(bytes, offset + 4);
  }

  #reserve(length: number): number {
    const offset = this.#length;
    const needed = offset + length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, offset);
      this.#bytes = larger;
    }
    this.#length = needed;
    return offset;
  }
}

/** The checksum was right, and yet this is no body: another version wrote it, or we did wrong. */
export class BodyError extends Error {
  override readonly name = "BodyError";
}

/**
 * Entries are views of `body`.
 * @throws BodyError
 */
export function* readBody(body: Buffer): Generator<RecordItem, void, undefined> {
  const reader = new BodyReader(body);
  while (!reader.atEnd) yield reader.item();
}

class BodyReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  item(): RecordItem {
    const kind = this.#u8();
    switch (kind) {
      case KIND.promise:
        return { kind: "promise", promise: this.#ballot() };
      case KIND.acceptedRound:
        return { kind: "acceptedRound", acceptedRound: this.#ballot() };
      case KIND.append: {
        const fromIdx = this.#f64();
        const count = this.#u32();
        const entries: Uint8Array[] = [];
        for (let i = 0; i < count; i++) entries.push(this.#sized());
        return { kind: "append", fromIdx, entries };
      }
      case KIND.decided:
        return { kind: "decided", decidedIdx: this.#f64() };
      case KIND.stopSign:
        return { kind: "stopSign", stopSign: this.#stopSign() };
      case KIND.compact: {
        const idx = this.#f64();
        if (this.#u8() === 0) return { kind: "compact", idx, snapshot: null };
        const value = { idx: this.#f64(), bytes: this.#f64(), crc: this.#u32() };
        return { kind: "compact", idx, snapshot: { kind: "complete", idx: value.idx, value } };
      }
      case KIND.logEnd:
        return { kind: "logEnd", idx: this.#f64() };
      default:
        throw new BodyError(`unknown write ${kind}`);
    }
  }

  #stopSign(): StopSign | null {
    if (this.#u8() === 0) return null;
    const nextConfig = JSON.parse(this.#sized().toString("utf8")) as ClusterConfig;
    const length = this.#u32();
    if (length === NO_METADATA) return { nextConfig, metadata: null };
    return { nextConfig, metadata: this.#take(length) };
  }

  #ballot(): Ballot {
    return { configId: this.#f64(), n: this.#f64(), priority: this.#f64(), pid: this.#f64() };
  }

  #u8(): number {
    return this.#take(1)[0] ?? 0;
  }

  #u32(): number {
    return this.#take(4).readUInt32LE();
  }

  #f64(): number {
    return this.#take(8).readDoubleLE();
  }

  #sized(): Buffer {
    return this.#take(this.#u32());
  }

  #take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new BodyError("a write is cut short");
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}
