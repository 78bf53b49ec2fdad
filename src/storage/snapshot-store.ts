/**
 * Snapshot files. A snapshot is named by its index, length and checksum; nodes that have applied the same log write the
 * same bytes, so a name stands for one content whoever wrote it.
 *
 * Invariants:
 *   SNAPSHOT-1. A file has its final name only when all of it is durable and its checksum was computed over what was
 *       written.
 *   SNAPSHOT-2. What is being received keeps its pieces across connections, not across restarts.
 *   SNAPSHOT-3. What was received and waits for the disk is bounded, however slow the disk.
 *   SNAPSHOT-4. No sync of a snapshot has more than SYNC_BYTES to write, give or take a piece: the log's own syncs, here and
 *       in whoever shares the disk, wait for no longer than that takes.
 */
import { crc32c } from "@node-rs/crc32";
import { assert, wayOutSentence } from "../base/index.ts";
import { type Disk, type DiskFile, DiskFullError, type Logger } from "../machine/ports/index.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";
import { StorageError } from "./storage-error.ts";

const READ_BYTES = 1024 * 1024;
const SYNC_BYTES = 1024 * 1024;
/** As much may wait for the disk, one part in a sync and one being filled. */
const UNSYNCED_BYTES_MAX = 2 * SYNC_BYTES;

type Done = (error: Error | null) => void;

interface Receiving {
  readonly name: SnapshotName;
  readonly path: string;
  readonly file: DiskFile;
  /** How many bytes have been received. */
  bytes: number;
  crc: number;
  /** How many of them were handed to the disk and are not synced yet. */
  unsyncedBytes: number;
  /** For how many of the unsynced ones no sync was asked yet. */
  unaskedBytes: number;
  error: Error | null;
}

/** Thrown by who makes the pieces of a snapshot, when there are to be no more of them. */
export class SnapshotGivenUp extends Error {
  override readonly name = "SnapshotGivenUp";
}

export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  /** Ascending by index. */
  #names: readonly SnapshotName[];
  #receiving: Receiving | null = null;
  /** Why what is received could not be kept the last time; null: it could. */
  #trouble: Error | null = null;
  #writes = 0;

  /** Removes what was never finished. */
  static open(disk: Disk, directory: string, logger: Logger): SnapshotStore {
    disk.makeDirectory(directory);
    // A process that died between a rename and its sync leaves a name that power can still take away.
    disk.syncDirectory(directory);
    const names: SnapshotName[] = [];
    for (const file of disk.list(directory)) {
      const name = parseFileName(file);
      if (name !== null && disk.size(`${directory}/${file}`) === name.bytes) names.push(name);
      else if (file.endsWith(".part") || name !== null) disk.remove(`${directory}/${file}`);
    }
    names.sort((a, b) => a.idx - b.idx);
    return new SnapshotStore(disk, directory, logger, names);
  }

  private constructor(
    disk: Disk,
    directory: string,
    logger: Logger,
    names: readonly SnapshotName[],
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logger = logger;
    this.#names = names;
  }

  has(name: SnapshotName): boolean {
    return this.#names.some((known) => same(known, name));
  }

  /**
   * Writes a snapshot piece by piece; the next piece is asked for when the one before is written.
   * @param chunks may throw SnapshotGivenUp: then there will be none
   * @param done with the name when all of it is durable; at once, with DiskFullError, when no file can be made
   * @param pause between one piece and the next, which takes processor time to make; told how much is written
   */
  write(
    idx: number,
    chunks: Iterator<Uint8Array>,
    done: (error: Error | null, name?: SnapshotName) => void,
    pause: (goOn: () => void, writtenBytes: number) => void = (goOn) => goOn(),
  ): void {
    const path = `${this.#directory}/writing-${++this.#writes}.part`;
    const file = this.#create(path);
    if (file instanceof DiskFullError) return done(file);
    let bytes = 0;
    let crc = 0;
    let unsyncedBytes = 0;
    const written = (error: Error | null): void =>
      error === null ? pause(next, bytes) : this.#abandon(file, path, error, done);
    const next = (): void => {
      const chunk = nextOf(chunks);
      if (chunk instanceof SnapshotGivenUp) return this.#abandon(file, path, chunk, done);
      if (chunk.done === true) {
        const name = { idx, bytes, crc };
        return this.#install(file, path, name, (failure) =>
          failure === null ? done(null, name) : done(failure),
        );
      }
      crc = crc32c(
        Buffer.from(chunk.value.buffer, chunk.value.byteOffset, chunk.value.length),
        crc,
      );
      const position = bytes;
      bytes += chunk.value.length;
      unsyncedBytes += chunk.value.length;
      if (unsyncedBytes < SYNC_BYTES) return file.write(position, chunk.value, written);
      unsyncedBytes = 0;
      file.write(position, chunk.value, (error) =>
        error === null ? file.sync(written) : written(error),
      );
    };
    next();
  }

  /** Bytes of the file, to stream to a peer. Null: this snapshot is not here (any more). */
  readRaw(name: SnapshotName, offset: number, length: number): Uint8Array | null {
    if (!this.has(name)) return null;
    return this.#disk.read(this.#path(name), offset, length);
  }

  /**
   * All of it, in pieces of `pieceBytes`. Only when the generator has come to its end is the checksum known to be right.
   * @throws StorageError SNAPSHOT_DAMAGED
   */
  *chunks(name: SnapshotName, pieceBytes = READ_BYTES): Generator<Uint8Array, void, undefined> {
    const path = this.#path(name);
    let crc = 0;
    for (let offset = 0; offset < name.bytes; offset += pieceBytes) {
      const length = Math.min(pieceBytes, name.bytes - offset);
      if (!this.#disk.exists(path)) {
        throw this.unusable("SNAPSHOT_DAMAGED", name, "the snapshot is missing");
      }
      const bytes = Buffer.from(this.#disk.read(path, offset, length));
      if (bytes.length !== length) {
        throw this.unusable("SNAPSHOT_DAMAGED", name, `it is cut short at byte ${offset}`);
      }
      crc = crc32c(bytes, crc);
      yield bytes;
    }
    if (crc !== name.crc)
      throw this.unusable("SNAPSHOT_DAMAGED", name, "the snapshot's checksum is wrong");
  }

  /** Names the file and the way out. */
  unusable(
    code: "SNAPSHOT_DAMAGED" | "UNKNOWN_FORMAT",
    name: SnapshotName,
    what: string,
  ): StorageError {
    const help =
      code === "UNKNOWN_FORMAT"
        ? "Start this node with the version of the program that the others run"
        : wayOutSentence();
    return new StorageError(code, `${this.#path(name)}: ${what}. ${help}`);
  }

  receivedBytes(name: SnapshotName): number {
    const receiving = this.#receiving;
    return receiving !== null && same(receiving.name, name) ? receiving.bytes : 0;
  }

  /** Whether the next piece may be asked for: SNAPSHOT-3. */
  hasRoom(name: SnapshotName): boolean {
    const receiving = this.#receiving;
    if (receiving === null || !same(receiving.name, name)) return true;
    return receiving.error !== null || receiving.unsyncedBytes < UNSYNCED_BYTES_MAX;
  }

  /** @returns false: it is not the piece that comes next, or the disk does not take it; ask `receivedBytes`, later */
  append(name: SnapshotName, offset: number, bytes: Uint8Array): boolean {
    if (bytes.length === 0 || offset + bytes.length > name.bytes) return false;
    if (offset !== this.receivedBytes(name)) return false;
    const receiving = this.#receive(name);
    if (receiving === null || !this.hasRoom(name)) return false;
    if (receiving.error !== null) {
      this.#cannotReceive(name, receiving.error);
      this.#forgetReceived(receiving);
      return false;
    }
    // The piece is a view of a frame that holds more.
    const piece = Buffer.from(bytes);
    receiving.crc = crc32c(piece, receiving.crc);
    receiving.bytes += piece.length;
    receiving.unsyncedBytes += piece.length;
    receiving.unaskedBytes += piece.length;
    receiving.file.write(offset, piece, (error) => {
      receiving.error ??= error;
    });
    if (receiving.unaskedBytes >= SYNC_BYTES) this.#syncReceived(receiving);
    return true;
  }

  /** Verifies what was received and makes it a snapshot of this node. If it is damaged, all of it is forgotten. */
  finish(name: SnapshotName, done: Done): void {
    const receiving = this.#receiving;
    assert(receiving !== null && same(receiving.name, name), "what is finished was received");
    this.#receiving = null;
    const { file, path, bytes, crc } = receiving;
    file.sync((error) => {
      const failure = receiving.error ?? error;
      if (failure !== null) {
        this.#cannotReceive(name, failure);
        return this.#abandon(file, path, failure, done);
      }
      if (bytes !== name.bytes || crc !== name.crc) {
        const text = `${bytes} bytes with checksum ${crc}, expected ${name.bytes} with ${name.crc}`;
        const failed = new Error(text);
        this.#cannotReceive(name, failed);
        return this.#abandon(file, path, failed, done);
      }
      this.#install(file, path, name, (failed) => {
        if (failed === null) this.#received(name);
        else this.#cannotReceive(name, failed);
        done(failed);
      });
    });
  }

  /** As long as something received cannot be kept because the disk has no room. */
  get receivesIntoFullDisk(): boolean {
    return this.receiveLack !== null;
  }

  /** What keeps what is received from being kept; null: nothing, or it is no lack of room. */
  get receiveLack(): DiskFullError | null {
    return this.#trouble instanceof DiskFullError ? this.#trouble : null;
  }

  #received({ idx }: SnapshotName): void {
    if (this.#trouble !== null)
      this.#logger.info("snapshots from peers can be kept again", { idx });
    this.#trouble = null;
  }

  /** It is tried again several times a second: said once, and again when the trouble is another one. */
  #cannotReceive(name: SnapshotName, error: Error): void {
    const isNews = this.#trouble?.name !== error.name;
    this.#trouble = error;
    if (!isNews) return;
    const text = "a snapshot from a peer cannot be kept; it is asked for again until it can";
    this.#logger.warn(text, { idx: name.idx, reason: error.message });
  }

  /** Deletes all but these and the newest two. */
  retain(needed: readonly SnapshotName[]): void {
    const kept = this.#names.slice(-2);
    for (const name of this.#names) {
      if (kept.includes(name) || needed.some((other) => same(other, name))) continue;
      this.#disk.remove(this.#path(name));
      this.#logger.debug("snapshot deleted", { idx: name.idx });
    }
    this.#names = this.#names.filter((name) => this.#disk.exists(this.#path(name)));
  }

  /** What is being received under this name, begun if need be; null when the disk has no room for another file. */
  #receive(name: SnapshotName): Receiving | null {
    const current = this.#receiving;
    if (current !== null && same(current.name, name)) return current;
    if (current !== null) this.#forgetReceived(current);
    const path = `${this.#directory}/receiving-${++this.#writes}.part`;
    const file = this.#create(path);
    if (file instanceof DiskFullError) {
      this.#cannotReceive(name, file);
      return null;
    }
    const counts = { bytes: 0, crc: 0, unsyncedBytes: 0, unaskedBytes: 0 };
    this.#receiving = { name, path, file, ...counts, error: null };
    return this.#receiving;
  }

  #syncReceived(receiving: Receiving): void {
    const bytes = receiving.unaskedBytes;
    receiving.unaskedBytes = 0;
    receiving.file.sync((error) => {
      receiving.unsyncedBytes -= bytes;
      receiving.error ??= error;
    });
  }

  #forgetReceived({ file, path }: Receiving): void {
    this.#receiving = null;
    this.#abandon(file, path, null, () => {});
  }

  #create(path: string): DiskFile | DiskFullError {
    try {
      return this.#disk.open(path);
    } catch (error) {
      if (error instanceof DiskFullError) return error;
      throw error;
    }
  }

  #install(file: DiskFile, path: string, name: SnapshotName, done: Done): void {
    file.sync((error) => {
      if (error !== null) return this.#abandon(file, path, error, done);
      file.close((closeError) => {
        if (closeError !== null) return done(closeError);
        try {
          this.#disk.rename(path, this.#path(name));
          this.#disk.syncDirectory(this.#directory);
        } catch (failure) {
          return done(failure as Error);
        }
        this.#names = [...this.#names.filter((known) => !same(known, name)), name].sort(
          (a, b) => a.idx - b.idx,
        );
        done(null);
      });
    });
  }

  #abandon(file: DiskFile, path: string, error: Error | null, done: Done): void {
    file.close(() => {
      if (this.#disk.exists(path)) this.#disk.remove(path);
      done(error);
    });
  }

  #path(name: SnapshotName): string {
    return `${this.#directory}/${fileName(name)}`;
  }
}

function same(a: SnapshotName, b: SnapshotName): boolean {
  return a.idx === b.idx && a.bytes === b.bytes && a.crc === b.crc;
}

function fileName({ idx, bytes, crc }: SnapshotName): string {
  return `${String(idx).padStart(16, "0")}-${bytes}-${crc.toString(16).padStart(8, "0")}.snapshot`;
}

function parseFileName(file: string): SnapshotName | null {
  const match = /^(\d{16})-(\d+)-([0-9a-f]{8})\.snapshot$/.exec(file);
  if (match === null) return null;
  const [, idx = "", bytes = "", crc = ""] = match;
  return { idx: Number(idx), bytes: Number(bytes), crc: parseInt(crc, 16) };
}

function nextOf(chunks: Iterator<Uint8Array>): IteratorResult<Uint8Array> | SnapshotGivenUp {
  try {
    return chunks.next();
  } catch (error) {
    if (error instanceof SnapshotGivenUp) return error;
    throw error;
  }
}
