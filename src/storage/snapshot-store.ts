/**
 * Snapshot files. A snapshot's name is its index, length and checksum; nodes that have applied the same log write the same
 * bytes, so a name stands for one content on every node.
 *
 * Invariants:
 *   SNAPSHOT-1. A file has its final name only when all of it is durable and its checksum was computed over what was
 *       written.
 *   SNAPSHOT-2. No sync of a snapshot, written or received, has more than SNAPSHOT_SYNC_BYTES to write, give or take a piece:
 *       the log's own syncs, of this node and of others that share the disk, wait for no longer than that takes.
 *   SNAPSHOT-3. After `stop` has called back, nothing here touches the disk any more: the directory may be another process's. No
 *       two processes give their part files the same name, so one that dies late spoils nothing for the next.
 */
import { crc32c } from "@node-rs/crc32";
import { SNAPSHOT_SYNC_BYTES, wayOutSentence } from "../base/index.ts";
import { type Disk, type DiskFile, DiskFullError, type Logger } from "../machine/ports/index.ts";
import { sameSnapshot, type SnapshotName } from "../protocol/messages/index.ts";
import { StorageError } from "./storage-error.ts";

const READ_BYTES = 1024 * 1024;

type Done = (error: Error | null) => void;

/** A file that is to become a snapshot. */
export interface PartFile {
  readonly path: string;
  readonly file: DiskFile;
}

/** Thrown by the maker of a snapshot's pieces when it gives the snapshot up. */
export class SnapshotGivenUp extends Error {
  override readonly name = "SnapshotGivenUp";
}

export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #bootId: number;
  /** Ascending by index. */
  #names: readonly SnapshotName[];
  #writes = 0;
  /** Part files that nobody has begun to close. */
  readonly #open = new Set<PartFile>();
  /** Part files that are being closed. */
  #closing = 0;
  /** Null: it has not been asked to stop. */
  #onStopped: (() => void) | null = null;
  #stopped = false;

  /**
   * Removes unfinished files.
   * @param bootId of this process, where it may meet another one's files
   */
  static open(disk: Disk, directory: string, logger: Logger, bootId = 0): SnapshotStore {
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
    return new SnapshotStore(disk, directory, logger, bootId, names);
  }

  private constructor(
    disk: Disk,
    directory: string,
    logger: Logger,
    bootId: number,
    names: readonly SnapshotName[],
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logger = logger;
    this.#bootId = bootId;
    this.#names = names;
  }

  has(name: SnapshotName): boolean {
    return this.#names.some((known) => sameSnapshot(known, name));
  }

  /**
   * Writes a snapshot piece by piece; the next piece is asked for when the one before is written.
   * @param chunks may throw SnapshotGivenUp: then there will be none
   * @param done with the name when all of it is durable; at once, with DiskFullError, when no file can be made; never after `stop`
   * @param pause between one piece and the next, which takes processor time to make; told how much is written
   */
  write(
    idx: number,
    chunks: Iterator<Uint8Array>,
    done: (error: Error | null, name?: SnapshotName) => void,
    pause: (goOn: () => void, writtenBytes: number) => void = (goOn) => goOn(),
  ): void {
    const part = this.newPart("writing");
    if (part instanceof DiskFullError) return done(part);
    const { file } = part;
    let bytes = 0;
    let crc = 0;
    let unsyncedBytes = 0;
    const written = (error: Error | null): void => {
      if (!this.#open.has(part)) return;
      if (error === null) pause(next, bytes);
      else this.abandon(part, () => done(error));
    };
    const next = (): void => {
      if (!this.#open.has(part)) return;
      const chunk = nextOf(chunks);
      if (chunk instanceof SnapshotGivenUp) return this.abandon(part, () => done(chunk));
      if (chunk.done === true) {
        const name = { idx, bytes, crc };
        return this.install(part, name, (failure) =>
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
      if (unsyncedBytes < SNAPSHOT_SYNC_BYTES) return file.write(position, chunk.value, written);
      unsyncedBytes = 0;
      file.write(position, chunk.value, (error) =>
        error === null && this.#open.has(part) ? file.sync(written) : written(error),
      );
    };
    next();
  }

  /** Bytes of the file, to stream to a peer. Null: this snapshot is not here (any more). */
  readRaw(name: SnapshotName, offset: number, length: number): Uint8Array | null {
    if (!this.has(name)) return null;
    return this.#disk.read(this.pathOf(name), offset, length);
  }

  /**
   * All of it, in pieces of `pieceBytes`. Only when the generator has come to its end is the checksum known to be right.
   * @throws StorageError SNAPSHOT_DAMAGED
   */
  *chunks(name: SnapshotName, pieceBytes = READ_BYTES): Generator<Uint8Array, void, undefined> {
    const path = this.pathOf(name);
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
    return new StorageError(code, `${this.pathOf(name)}: ${what}. ${help}`);
  }

  /**
   * Deletes all but these and the newest two.
   * @returns the snapshots that are not here any more
   */
  retain(needed: readonly SnapshotName[]): readonly SnapshotName[] {
    const kept = this.#names.slice(-2);
    for (const name of this.#names) {
      if (kept.includes(name) || needed.some((other) => sameSnapshot(other, name))) continue;
      this.#disk.remove(this.pathOf(name));
      this.#logger.debug("snapshot deleted", { idx: name.idx });
    }
    const isHere = (name: SnapshotName): boolean => this.#disk.exists(this.pathOf(name));
    const gone = this.#names.filter((name) => !isHere(name));
    this.#names = this.#names.filter((name) => !gone.includes(name));
    return gone;
  }

  /** @param who the part of the program that makes it: part of the file's name */
  newPart(who: "writing" | "receiving"): PartFile | DiskFullError {
    const path = `${this.#directory}/${who}-${this.#bootId}-${++this.#writes}.part`;
    try {
      const part = { path, file: this.#disk.open(path) };
      this.#open.add(part);
      return part;
    } catch (error) {
      if (error instanceof DiskFullError) return error;
      throw error;
    }
  }

  /** Makes it a snapshot of this node: SNAPSHOT-1. After `stop` it does nothing and calls nothing. */
  install(part: PartFile, name: SnapshotName, done: Done): void {
    const { file, path } = part;
    if (!this.#open.has(part)) return;
    file.sync((error) => {
      if (!this.#open.has(part)) return;
      if (error !== null) return this.abandon(part, () => done(error));
      this.#close(part, (closeError) => {
        if (closeError !== null) return done(closeError);
        try {
          this.#disk.rename(path, this.pathOf(name));
          this.#disk.syncDirectory(this.#directory);
        } catch (failure) {
          return done(failure as Error);
        }
        this.#names = [...this.#names.filter((known) => !sameSnapshot(known, name)), name].sort(
          (a, b) => a.idx - b.idx,
        );
        done(null);
      });
    });
  }

  /** @param done when it is removed; never after `stop` */
  abandon(part: PartFile, done: () => void): void {
    if (!this.#open.has(part)) return;
    const { path } = part;
    this.#close(part, () => {
      if (this.#disk.exists(path)) this.#disk.remove(path);
      done();
    });
  }

  /** Gives up all part files, and calls none of those who wait for one. @param done when nothing is open any more: SNAPSHOT-3 */
  stop(done: () => void): void {
    this.#stopped = true;
    this.#onStopped = done;
    for (const part of this.#open) this.#close(part, () => {});
    this.#tellStopped();
  }

  /** @param closed not called when the store has been stopped meanwhile: then the file is removed */
  #close(part: PartFile, closed: (error: Error | null) => void): void {
    this.#open.delete(part);
    this.#closing += 1;
    part.file.close((error) => {
      this.#closing -= 1;
      if (!this.#stopped) return closed(error);
      this.#removeIfPossible(part.path);
      this.#tellStopped();
    });
  }

  /** The disk may be what stops the node: what stays is removed at the next start. */
  #removeIfPossible(path: string): void {
    try {
      if (this.#disk.exists(path)) this.#disk.remove(path);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#logger.debug("an unfinished snapshot stays", { path, reason: error.message });
    }
  }

  #tellStopped(): void {
    const done = this.#onStopped;
    if (done === null || this.#closing > 0) return;
    this.#onStopped = null;
    done();
  }

  /** On the disk. */
  pathOf(name: SnapshotName): string {
    return `${this.#directory}/${fileName(name)}`;
  }
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
