/**
 * Writes down the pieces of a snapshot as they come from a peer, and makes it one of this node's when all of it is durable.
 *
 * Invariants:
 *   RECEIVER-1. What is being received keeps its pieces across connections, not across restarts.
 *   RECEIVER-2. An attempt ends with one call: `onWhole` when its bytes are durable and have the checksum of its name, else
 *       `onFailed`. An attempt that another one replaces, or that `stop` ends, ends without a call.
 *   RECEIVER-3. As many bytes wait here for the disk as the caller hands over before `onKept` tells it that there is room. No
 *       more than SNAPSHOT_SYNC_BYTES wait without a sync under way, give or take a piece, so `onKept` always comes.
 */
import { crc32c } from "@node-rs/crc32";
import { SNAPSHOT_SYNC_BYTES } from "../base/index.ts";
import { DiskFullError, type Logger } from "../machine/ports/index.ts";
import { sameSnapshot, type SnapshotName } from "../protocol/messages/index.ts";
import type { PartFile, SnapshotStore } from "./snapshot-store.ts";

export interface ReceiverEvents {
  /** The first `bytes` bytes are durable. */
  onKept(name: SnapshotName, bytes: number): void;
  /** It is in the store. */
  onWhole(name: SnapshotName): void;
  /** Nothing of it is kept. May be called from within `receive`. */
  onFailed(name: SnapshotName, error: Error): void;
}

interface Receiving {
  readonly name: SnapshotName;
  readonly part: PartFile;
  bytes: number;
  crc: number;
  /** A sync was asked for so many of them. */
  askedBytes: number;
  error: Error | null;
}

export class SnapshotReceiver {
  readonly #store: SnapshotStore;
  readonly #logger: Logger;
  readonly #events: ReceiverEvents;
  #receiving: Receiving | null = null;
  /** Why the last attempt could not be kept; null: it could. */
  #trouble: Error | null = null;

  constructor(store: SnapshotStore, logger: Logger, events: ReceiverEvents) {
    this.#store = store;
    this.#logger = logger;
    this.#events = events;
  }

  /** The lack of room that keeps a snapshot from being stored; null: none, or another trouble. */
  get lack(): DiskFullError | null {
    return this.#trouble instanceof DiskFullError ? this.#trouble : null;
  }

  /** @param offset 0 begins anew. A piece that does not go on where the last one ended is of an attempt that failed. */
  receive(name: SnapshotName, offset: number, bytes: Uint8Array): void {
    const receiving = offset === 0 ? this.#begin(name) : this.#receiving;
    if (receiving === null || !sameSnapshot(receiving.name, name)) return;
    if (receiving.bytes !== offset) return;
    // The piece is a view of a frame that holds more.
    const piece = Buffer.from(bytes);
    receiving.crc = crc32c(piece, receiving.crc);
    receiving.bytes += piece.length;
    receiving.part.file.write(offset, piece, (error) => {
      if (error !== null) this.#fail(receiving, error);
    });
    if (receiving.bytes >= name.bytes) return this.#finish(receiving);
    if (receiving.bytes - receiving.askedBytes >= SNAPSHOT_SYNC_BYTES) this.#sync(receiving);
  }

  /** Before the store stops, which gives the pieces up. No call comes after it. */
  stop(): void {
    this.#receiving = null;
  }

  /** Null: the disk has no room for another file. */
  #begin(name: SnapshotName): Receiving | null {
    const { part } = this.#receiving ?? {};
    this.#receiving = null;
    if (part !== undefined) this.#store.abandon(part, () => {});
    const file = this.#store.newPart("receiving");
    if (file instanceof DiskFullError) {
      this.#failed(name, file);
      return null;
    }
    this.#receiving = { name, part: file, bytes: 0, crc: 0, askedBytes: 0, error: null };
    return this.#receiving;
  }

  #sync(receiving: Receiving): void {
    const { name, bytes } = receiving;
    receiving.askedBytes = bytes;
    receiving.part.file.sync((error) => {
      if (error !== null) this.#fail(receiving, error);
      else if (this.#receiving === receiving) this.#events.onKept(name, bytes);
    });
  }

  /** Drops a snapshot whose bytes do not fit its name, all of it. */
  #finish(receiving: Receiving): void {
    const { name, part, bytes, crc } = receiving;
    this.#receiving = null;
    part.file.sync((error) => {
      const failure = receiving.error ?? error ?? mismatch(name, bytes, crc);
      if (failure !== null) {
        return this.#store.abandon(part, () => this.#failed(name, failure));
      }
      this.#store.install(part, name, (failed) => {
        if (failed === null) this.#whole(name);
        else this.#failed(name, failed);
      });
    });
  }

  /** An attempt with more pieces to come ends here, and its file is removed; a complete one ends when its last sync has called back. */
  #fail(receiving: Receiving, error: Error): void {
    receiving.error ??= error;
    if (this.#receiving !== receiving) return;
    this.#receiving = null;
    this.#store.abandon(receiving.part, () => {});
    this.#failed(receiving.name, error);
  }

  #whole(name: SnapshotName): void {
    if (this.#trouble !== null)
      this.#logger.info("snapshots from peers can be kept again", { idx: name.idx });
    this.#trouble = null;
    this.#events.onWhole(name);
  }

  /** The replica tries again several times a second: log a trouble once, and again only when it is another one. */
  #failed(name: SnapshotName, error: Error): void {
    const isNews = this.#trouble?.name !== error.name;
    this.#trouble = error;
    if (isNews) {
      const text = "a snapshot from a peer cannot be kept; it is asked for again until it can";
      this.#logger.warn(text, { idx: name.idx, reason: error.message });
    }
    this.#events.onFailed(name, error);
  }
}

function mismatch(name: SnapshotName, bytes: number, crc: number): Error | null {
  if (bytes === name.bytes && crc === name.crc) return null;
  return new Error(`${bytes} bytes with checksum ${crc}, expected ${name.bytes} with ${name.crc}`);
}
