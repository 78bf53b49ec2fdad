/**
 * Makes the state of a snapshot that came from a peer, a slice a turn: at a few microseconds a key a large one takes
 * seconds, in which the node has heartbeats to send and entries to accept.
 *
 * Invariants:
 *   LOADER-1. A slice ends after `sliceMs` or `sliceBytes`, whichever is first, give or take a record and the read of a piece.
 *   LOADER-2. The node sees no state before the loader has read all of the snapshot and found its checksum and hash right.
 *   LOADER-3. At most one snapshot is being loaded: the one wanted last.
 */
import { InvariantError } from "../../base/index.ts";
import type { KvState, PlaceSeed } from "../../store/index.ts";
import {
  type CancelTimer,
  type Clock,
  DiskFullError,
  type Logger,
} from "../../machine/ports/index.ts";
import type { SnapshotStore } from "../../storage/index.ts";
import { sameSnapshot, type SnapshotName } from "../../protocol/messages/index.ts";
import type { LoadPace } from "./options.ts";
import { SnapshotReader } from "./snapshot-reader.ts";

/** Decoded between two looks at the clock: a fraction of a millisecond. */
const STEP_BYTES = 16 * 1024;
/** A read that failed for want of a file descriptor is tried again after so many milliseconds. */
const RETRY_MS = 500;

export interface SnapshotLoaderOptions {
  readonly snapshots: SnapshotStore;
  /** The seed for the places of keys in the index. */
  readonly placeSeed: PlaceSeed;
  readonly pace: LoadPace;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Never called from within `want`. */
  readonly onLoaded: (state: KvState) => void;
  /** The snapshot cannot be read or is damaged; it is not loaded again unless it is wanted anew. */
  readonly onError: (error: Error) => void;
}

interface Load {
  readonly reader: SnapshotReader;
  readonly begunMs: number;
  slices: number;
}

export class SnapshotLoader {
  readonly #options: SnapshotLoaderOptions;
  #load: Load | null = null;
  #cancel: CancelTimer = () => {};

  constructor(options: SnapshotLoaderOptions) {
    this.#options = options;
  }

  /** The snapshot being loaded: its file must stay. */
  get loading(): SnapshotName | null {
    return this.#load?.reader.name ?? null;
  }

  /** Begins to load this snapshot, goes on if that is under way, and drops any other; null: nothing is to be loaded. */
  want(name: SnapshotName | null): void {
    const load = this.#load;
    if (load !== null && name !== null && sameSnapshot(load.reader.name, name)) return;
    if (load !== null) this.#drop(load);
    if (name === null) return;
    this.#begin(name, 0);
  }

  #begin(name: SnapshotName, afterMs: number): void {
    const { snapshots, clock, placeSeed } = this.#options;
    const begun: Load = {
      reader: new SnapshotReader(snapshots, name, placeSeed),
      begunMs: clock.now(),
      slices: 0,
    };
    this.#load = begun;
    this.#goOn(begun, afterMs);
  }

  #drop({ reader, slices }: Load): void {
    const { idx } = reader.name;
    this.#options.logger.debug("the loading of a snapshot is called off", { idx, slices });
    this.#cancel();
    this.#load = null;
  }

  #goOn(load: Load, afterMs: number): void {
    this.#cancel = this.#options.clock.after(afterMs, () => {
      let state: KvState | null;
      try {
        state = this.#slice(load);
      } catch (error) {
        // No file can be opened now.
        if (error instanceof DiskFullError) return this.#begin(load.reader.name, RETRY_MS);
        this.#load = null;
        if (!(error instanceof Error) || error instanceof InvariantError) throw error;
        this.#options.onError(error);
        return;
      }
      if (state === null) this.#goOn(load, this.#options.pace.pauseMs);
      else this.#loaded(load, state);
    });
  }

  /** @returns the state when it is complete */
  #slice(load: Load): KvState | null {
    const { clock, pace } = this.#options;
    const endMs = clock.now() + pace.sliceMs;
    const stepBytes = Math.min(STEP_BYTES, pace.sliceBytes);
    load.slices += 1;
    for (let bytes = 0; bytes < pace.sliceBytes; bytes += stepBytes) {
      const state = load.reader.step(stepBytes);
      if (state !== null) return state;
      if (clock.now() >= endMs) break;
    }
    return null;
  }

  #loaded({ reader, begunMs, slices }: Load, state: KvState): void {
    const { idx, bytes } = reader.name;
    const { clock, logger, onLoaded } = this.#options;
    this.#load = null;
    logger.info("a snapshot from a peer is loaded", {
      idx,
      bytes,
      keys: state.size,
      ms: Math.round(clock.now() - begunMs),
      slices,
    });
    onLoaded(state);
  }
}
