/** A node's snapshots in memory: durable as soon as they are complete. */
import { assert } from "../../../base/index.ts";
import { SnapshotDecoder, type FrozenState, type KvState } from "../../../store/index.ts";
import type { SnapshotSink, WantedPiece } from "../../../replica/index.ts";
import type { ReplicaMessage, SnapshotName } from "../../../protocol/messages/index.ts";

/** Small, so that a snapshot takes several messages. */
const CHUNK_BYTES = 96;

export class MemorySnapshots implements SnapshotSink {
  readonly receivesIntoFullDisk = false;
  readonly #complete = new Map<string, Uint8Array>();
  #receiving: { readonly name: SnapshotName; readonly pieces: Uint8Array[]; bytes: number } | null =
    null;
  #finished: { readonly name: SnapshotName; readonly done: (error: Error | null) => void } | null =
    null;

  write(idx: number, state: FrozenState): SnapshotName {
    const bytes = joined([...state.encodeSnapshot(CHUNK_BYTES)]);
    const name = { idx, bytes: bytes.length, crc: sumOf(bytes) };
    this.#complete.set(nameOf(name), bytes);
    return name;
  }

  load(name: SnapshotName): KvState {
    const bytes = this.#complete.get(nameOf(name));
    assert(bytes !== undefined, `the snapshot at ${name.idx} is here`);
    const decoder = new SnapshotDecoder();
    decoder.push(bytes);
    while (decoder.step(CHUNK_BYTES)) continue;
    return decoder.finish();
  }

  readRaw(name: SnapshotName, offset: number, length: number): Uint8Array | null {
    return this.#complete.get(nameOf(name))?.slice(offset, offset + length) ?? null;
  }

  serve({ snapshot, offset }: WantedPiece): ReplicaMessage {
    const bytes = this.#complete.get(nameOf(snapshot));
    if (bytes === undefined) return { type: "snapshotGone", snapshot };
    const piece = bytes.slice(offset, offset + CHUNK_BYTES);
    return { type: "snapshotChunk", snapshot, offset, bytes: piece };
  }

  /** The process ends: what was not complete is gone. */
  crash(): void {
    this.#receiving = null;
    this.#finished = null;
  }

  get isFinishing(): boolean {
    return this.#finished !== null;
  }

  /** What has been received is durable. */
  finishReceived(): void {
    const finished = this.#finished;
    const receiving = this.#receiving;
    if (finished === null || receiving === null) return;
    this.#finished = null;
    this.#receiving = null;
    const bytes = joined(receiving.pieces);
    const sound = sumOf(bytes) === finished.name.crc;
    if (sound) this.#complete.set(nameOf(finished.name), bytes);
    finished.done(sound ? null : new Error("the pieces make another snapshot"));
  }

  has(snapshot: SnapshotName): boolean {
    return this.#complete.has(nameOf(snapshot));
  }

  receivedBytes(snapshot: SnapshotName): number {
    const receiving = this.#receiving;
    return receiving !== null && nameOf(receiving.name) === nameOf(snapshot) ? receiving.bytes : 0;
  }

  hasRoom(): boolean {
    return true;
  }

  append(snapshot: SnapshotName, offset: number, bytes: Uint8Array): boolean {
    if (offset !== this.receivedBytes(snapshot)) return false;
    if (offset === 0) this.#receiving = { name: snapshot, pieces: [], bytes: 0 };
    const receiving = this.#receiving;
    if (receiving === null) return false;
    receiving.pieces.push(bytes);
    receiving.bytes += bytes.length;
    return true;
  }

  finish(name: SnapshotName, done: (error: Error | null) => void): void {
    this.#finished = { name, done };
  }
}

function nameOf({ idx, bytes, crc }: SnapshotName): string {
  return `${idx}-${bytes}-${crc}`;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}
