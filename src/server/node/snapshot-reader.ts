import { SnapshotDecoder, SnapshotError, type KvState, type PlaceSeed } from "../../store/index.ts";
import type { SnapshotStore } from "../../storage/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";

/** Bytes read from disk at a time; each read blocks. */
const PIECE_BYTES = 256 * 1024;

/** Makes the state of one snapshot file, at once or a little at a time. */
export class SnapshotReader {
  readonly name: SnapshotName;
  readonly #snapshots: SnapshotStore;
  readonly #pieces: Iterator<Uint8Array>;
  readonly #decoder: SnapshotDecoder;

  /** @param seed of the places of keys in the index */
  constructor(snapshots: SnapshotStore, name: SnapshotName, seed: PlaceSeed) {
    this.#decoder = new SnapshotDecoder(seed);
    this.name = name;
    this.#snapshots = snapshots;
    this.#pieces = snapshots.chunks(name, PIECE_BYTES);
  }

  /**
   * Reads a piece when there is nothing left to decode, and decodes about `bytes` of it.
   * @returns the state when all of the file was read, and its checksum and hash are right; null: go on
   * @throws StorageError SNAPSHOT_DAMAGED, UNKNOWN_FORMAT
   */
  step(bytes: number): KvState | null {
    try {
      if (this.#decoder.step(bytes)) return null;
      const piece = this.#pieces.next();
      if (piece.done === true) return this.#finish();
      this.#decoder.push(piece.value);
      return null;
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      const { message, isOfOtherVersion } = error;
      throw this.#snapshots.unusable(
        isOfOtherVersion ? "UNKNOWN_FORMAT" : "SNAPSHOT_DAMAGED",
        this.name,
        message,
      );
    }
  }

  #finish(): KvState {
    const state = this.#decoder.finish();
    if (state.appliedIdx === this.name.idx) return state;
    throw new SnapshotError(`its state is that at index ${state.appliedIdx}`);
  }

  /** @throws StorageError SNAPSHOT_DAMAGED, UNKNOWN_FORMAT */
  all(): KvState {
    for (;;) {
      const state = this.step(PIECE_BYTES);
      if (state !== null) return state;
    }
  }
}
