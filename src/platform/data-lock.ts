/**
 * One process per data directory.
 *
 * A lock must vanish with its process, however that ends, without a file that somebody has to judge stale and remove:
 * whoever judges may be wrong, and two who judge at once both win. So the kernel keeps it:
 *
 *   Linux    a socket in the abstract name space, named after device and inode of the directory, so that two paths to
 *            the same directory meet; and flock on a file, through the `flock` tool when there is one, because
 *            containers that share a directory do not share socket names. The lock belongs to the open file, which the
 *            tool shares with us and we keep.
 *   macOS    O_EXLOCK: flock taken by open itself.
 *   Windows  a named pipe.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  writeSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { createHash } from "node:crypto";
import { StorageError } from "../base/storage-error.ts";
import { diskError } from "./disk-error.ts";
import { makeDirectoryNow } from "./node-disk.ts";

/** open(2) of macOS: take an exclusive flock. Node does not name it. */
const O_EXLOCK = 0x20;
/** Exit status of `flock -n` when somebody else holds the lock. */
const FLOCK_HELD = 1;

export class DataLock {
  readonly #server: Server | null;
  readonly #descriptor: number;

  private constructor(server: Server | null, descriptor: number) {
    this.#server = server;
    this.#descriptor = descriptor;
  }

  /**
   * Resolves when this process alone may use the directory, until `release` or the end of the process. Creates the
   * directory when it is missing.
   * @throws StorageError LOCKED, DIRECTORY_UNUSABLE, DISK_FAILED; DiskFullError
   */
  static async acquire(directory: string): Promise<DataLock> {
    makeDirectoryNow(directory);
    try {
      return await DataLock.#acquire(realpathSync(directory));
    } catch (error) {
      throw diskError(error, "write", join(directory, "lock"));
    }
  }

  static async #acquire(path: string): Promise<DataLock> {
    const file = join(path, "lock");
    const server = process.platform === "darwin" ? null : await listen(socketName(path), file);
    try {
      const descriptor = openLocked(file);
      // For people only: who holds it. Nothing is decided by it.
      ftruncateSync(descriptor, 0);
      writeSync(descriptor, `${process.pid}\n`, 0);
      return new DataLock(server, descriptor);
    } catch (error) {
      server?.close();
      throw error;
    }
  }

  /** Another process may use the directory from now on. */
  release(): void {
    closeSync(this.#descriptor);
    this.#server?.close();
  }
}

function socketName(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  if (process.platform === "linux") return `\0omnikv/${dev}/${ino}`;
  const hash = createHash("sha256").update(path.toLowerCase()).digest("hex");
  return `\\\\.\\pipe\\omnikv-${hash.slice(0, 32)}`;
}

function listen(name: string, file: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? locked(file) : error),
    );
    server.listen({ path: name, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function openLocked(file: string): number {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  if (process.platform === "darwin") {
    try {
      return openSync(file, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600);
    } catch (error) {
      throw error instanceof Error && "code" in error && error.code === "EAGAIN"
        ? locked(file)
        : error;
    }
  }
  const descriptor = openSync(file, O_RDWR | O_CREAT, 0o600);
  if (process.platform === "linux") {
    const tool = spawnSync("flock", ["-n", "3"], {
      stdio: ["ignore", "ignore", "ignore", descriptor],
    });
    // Any other outcome (no such tool, a file system without locks): the socket alone must do.
    if (tool.status === FLOCK_HELD) {
      closeSync(descriptor);
      throw locked(file);
    }
  }
  return descriptor;
}

function locked(file: string): StorageError {
  const holder = holderOf(file);
  const who = holder === null ? "another process" : `process ${holder}`;
  return new StorageError(
    "LOCKED",
    `${dirname(file)} is in use by ${who}: stop it, or give this server another --data-dir`,
  );
}

function holderOf(file: string): string | null {
  try {
    return /^\d+/.exec(readFileSync(file, "utf8"))?.[0] ?? null;
  } catch {
    // Only the text of the message depends on it.
    return null;
  }
}
