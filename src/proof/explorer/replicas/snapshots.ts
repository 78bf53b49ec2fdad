/** A node's snapshots in memory: durable as soon as they are complete. */
import { assert } from "../../../base/index.ts";
import { SnapshotDecoder, type FrozenState, type KvState } from "../../../store/index.ts";
import type { ReceivedPiece, WantedPiece } from "../../../replica/index.ts";
import type { ReplicaMessage, SnapshotName } from "../../../protocol/messages/index.ts";

/** Small, so that a snapshot takes several messages. */
const CHUNK_BYTES = 96;

export class MemorySnapshots {
  readonly #complete = new Map<string, Uint8Array>();
  #receiving: { readonly name: SnapshotName; readonly pieces: Uint8Array[]; bytes: number } | null =
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

  serve({ snapshot, offset }: WantedPiece): ReplicaMessage {
    const bytes = this.#complete.get(nameOf(snapshot));
    if (bytes === undefined) return { type: "snapshotGone", snapshot };
    const piece = bytes.slice(offset, offset + CHUNK_BYTES);
    return { type: "snapshotChunk", snapshot, offset, bytes: piece };
  }

  /** The process ends: what was not complete is gone. */
  crash(): void {
    this.#receiving = null;
  }

  receive({ snapshot, offset, bytes }: ReceivedPiece): void {
    if (offset === 0) this.#receiving = { name: snapshot, pieces: [], bytes: 0 };
    const receiving = this.#receiving;
    assert(
      receiving?.bytes === offset && nameOf(receiving.name) === nameOf(snapshot),
      "pieces come in order, without gaps",
    );
    receiving.pieces.push(bytes);
    receiving.bytes += bytes.length;
  }

  /** All of a snapshot is here, and not durable yet. */
  get isFinishing(): boolean {
    const receiving = this.#receiving;
    return receiving !== null && receiving.bytes === receiving.name.bytes;
  }

  /** What has been received is durable. Null: something is missing. */
  finishReceived(): { readonly name: SnapshotName; readonly isSound: boolean } | null {
    const receiving = this.#receiving;
    if (receiving === null || !this.isFinishing) return null;
    this.#receiving = null;
    const { name } = receiving;
    const bytes = joined(receiving.pieces);
    const isSound = sumOf(bytes) === name.crc;
    if (isSound) this.#complete.set(nameOf(name), bytes);
    return { name, isSound };
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
