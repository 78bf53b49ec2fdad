/** The Disk port over one directory of the real file system. */
import fs from "node:fs";
import { dirname, join } from "node:path";
import { DiskFullError, type Disk, type DiskCallback, type DiskFile } from "../ports/disk.ts";

export class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  list(directory: string): readonly string[] {
    const path = this.#path(directory);
    return fs.existsSync(path) ? fs.readdirSync(path).sort() : [];
  }

  exists(path: string): boolean {
    return fs.existsSync(this.#path(path));
  }

  size(path: string): number {
    return fs.statSync(this.#path(path)).size;
  }

  read(path: string, position: number, length: number): Uint8Array {
    const fd = fs.openSync(this.#path(path), "r");
    try {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const count = fs.readSync(fd, bytes, filled, length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } finally {
      fs.closeSync(fd);
    }
  }

  makeDirectory(path: string): void {
    fs.mkdirSync(this.#path(path), { recursive: true });
    this.syncDirectory(dirname(path));
  }

  open(path: string): DiskFile {
    return new NodeDiskFile(this.#path(path));
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.#path(from), this.#path(to));
  }

  remove(path: string): void {
    fs.rmSync(this.#path(path), { force: true });
  }

  syncDirectory(path: string): void {
    const fd = fs.openSync(this.#path(path), "r");
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  replace(path: string, bytes: Uint8Array): void {
    const beside = this.#path(`${path}.new`);
    fs.writeFileSync(beside, bytes, { flush: true });
    fs.renameSync(beside, this.#path(path));
    this.syncDirectory(dirname(path));
  }

  #path(path: string): string {
    return join(this.#root, path);
  }
}

type Operation = (done: DiskCallback) => void;

class NodeDiskFile implements DiskFile {
  readonly #path: string;
  readonly #fd: number;
  /** A second descriptor whose writes return when they are durable: one trip to the thread pool instead of two. */
  #durableFd: number | null = null;
  readonly #queue: { readonly run: Operation; readonly done: DiskCallback }[] = [];
  #busy = false;

  constructor(path: string) {
    this.#path = path;
    this.#fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  }

  write(position: number, bytes: Uint8Array, done: DiskCallback): void {
    this.#enqueue((finished) => writeAll(this.#fd, bytes, 0, position, finished), done);
  }

  writeDurably(position: number, bytes: Uint8Array, done: DiskCallback): void {
    this.#enqueue((finished) => {
      try {
        const { O_RDWR, O_DSYNC } = fs.constants;
        this.#durableFd ??= fs.openSync(this.#path, O_RDWR | O_DSYNC);
      } catch (error) {
        return process.nextTick(finished, translate(error as NodeJS.ErrnoException));
      }
      writeAll(this.#durableFd, bytes, 0, position, finished);
    }, done);
  }

  sync(done: DiskCallback): void {
    this.#enqueue((finished) => fs.fdatasync(this.#fd, finished), done);
  }

  truncate(length: number, done: DiskCallback): void {
    this.#enqueue((finished) => fs.ftruncate(this.#fd, length, finished), done);
  }

  close(done: DiskCallback): void {
    this.#enqueue((finished) => {
      const durableFd = this.#durableFd;
      if (durableFd === null) return fs.close(this.#fd, finished);
      fs.close(durableFd, (error) => {
        fs.close(this.#fd, (second) => finished(error ?? second ?? null));
      });
    }, done);
  }

  #enqueue(run: Operation, done: DiskCallback): void {
    this.#queue.push({ run, done });
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const operation = this.#queue.shift();
    this.#busy = operation !== undefined;
    operation?.run((error) => {
      const { done } = operation;
      this.#next();
      done(error === null || error === undefined ? null : translate(error));
    });
  }
}

/** A write may be cut short; the rest follows. */
function writeAll(
  fd: number,
  bytes: Uint8Array,
  offset: number,
  position: number,
  done: DiskCallback,
): void {
  fs.write(fd, bytes, offset, bytes.length - offset, position + offset, (error, written) => {
    if (error !== null) done(error);
    else if (offset + written < bytes.length) writeAll(fd, bytes, offset + written, position, done);
    else done(null);
  });
}

function translate(error: NodeJS.ErrnoException): Error {
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") return error;
  return new DiskFullError(error.message, { cause: error });
}
