import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import type { Disk, DiskFile } from "../ports/index.ts";
import { systemCode } from "../../base/index.ts";
import { diskError, type DiskDeed } from "./disk-error.ts";
import { DiskPace } from "./disk-pace.ts";
import { NodeFile, PLATFORM_DURABLE_WRITES, type DurableWrites } from "./node-file.ts";

/** A directory of the file system as a disk. Files are readable by their owner only. */
export class NodeDisk implements Disk {
  readonly #root: string;
  readonly #durableWrites: DurableWrites;
  readonly #pace = new DiskPace();

  /**
   * @param root a directory that exists
   * @param durableWrites default: the fastest way that is safe on this platform
   */
  constructor(root: string, durableWrites: DurableWrites = PLATFORM_DURABLE_WRITES) {
    this.#root = resolve(root);
    this.#durableWrites = durableWrites;
  }

  /** Creates the directory when it is missing. @throws as the Disk port does */
  static open(root: string, durableWrites?: DurableWrites): NodeDisk {
    const disk = new NodeDisk(root, durableWrites);
    disk.makeDirectory("");
    return disk;
  }

  list(directory: string): readonly string[] {
    const path = this.#path(directory);
    return attempt("list", path, () => {
      if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort();
    });
  }

  exists(path: string): boolean {
    const target = this.#path(path);
    // Not existsSync, which also answers false when the process may not look.
    return attempt(
      "look at",
      target,
      () => statSync(target, { throwIfNoEntry: false }) !== undefined,
    );
  }

  size(path: string): number {
    const target = this.#path(path);
    return attempt("look at", target, () => statSync(target).size);
  }

  read(path: string, position: number, length: number): Uint8Array {
    return withFile("read", this.#path(path), "r", (descriptor) => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(descriptor, bytes, filled, length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled === length ? bytes : bytes.slice(0, filled);
    });
  }

  makeDirectory(path: string): void {
    makeDirectoryNow(this.#path(path));
  }

  writeNow(path: string, position: number, bytes: Uint8Array): void {
    withFile("write", this.#path(path), "r+", (descriptor) => {
      writeFully(descriptor, position, bytes);
      fdatasyncSync(descriptor);
    });
  }

  replace(path: string, bytes: Uint8Array): void {
    const target = this.#path(path);
    const beside = `${target}.new`;
    withFile("write", beside, "w", (descriptor) => {
      writeFully(descriptor, 0, bytes);
      fdatasyncSync(descriptor);
    });
    attempt("write", target, () => renameSync(beside, target));
    syncPath(dirname(target));
  }

  open(path: string): DiskFile {
    const target = this.#path(path);
    return attempt("open", target, () => new NodeFile(target, this.#durableWrites, this.#pace));
  }

  rename(from: string, to: string): void {
    const target = this.#path(to);
    attempt("rename", target, () => renameSync(this.#path(from), target));
  }

  remove(path: string): void {
    const target = this.#path(path);
    attempt("remove", target, () => rmSync(target, { force: true }));
  }

  syncDirectory(path: string): void {
    syncPath(this.#path(path));
  }

  #path(path: string): string {
    return join(this.#root, ...path.split(posix.sep));
  }
}

/** With its parents, durable. @throws as the Disk port does */
export function makeDirectoryNow(target: string): void {
  const missing: string[] = [];
  for (let path = target; !isDirectory(path); path = dirname(path)) {
    missing.push(path);
    if (dirname(path) === path) break;
  }
  // One after the other: asked for all at once, Node.js calls a read-only file system a missing directory, and below /proc it never returns.
  for (const path of missing.toReversed()) attempt("create", target, () => makeOne(path));
  // Each new directory is an entry in its parent.
  for (const path of missing) syncPath(dirname(path));
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (systemCode(error) !== "EEXIST" || !isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Whatever is wrong with it, making it says so.
    return false;
  }
}

function attempt<R>(deed: DiskDeed, path: string, body: () => R): R {
  try {
    return body();
  } catch (error) {
    throw diskError(error, deed, path);
  }
}

function withFile<R>(
  deed: DiskDeed,
  path: string,
  flags: string,
  body: (descriptor: number) => R,
): R {
  return attempt(deed, path, () => {
    const descriptor = openSync(path, flags, 0o600);
    try {
      return body(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

function writeFully(descriptor: number, position: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}

function syncPath(path: string): void {
  // Windows cannot open a directory; its file system keeps names in a journal of its own.
  if (process.platform === "win32") return;
  withFile("sync", path, "r", fsyncSync);
}
