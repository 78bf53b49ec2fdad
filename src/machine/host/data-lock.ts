/**
 * One process per data directory.
 *
 * A lock must vanish with its process, however that ends, without a file that another process has to judge stale and remove:
 * it may judge wrongly, and two that judge at once both win. So the kernel keeps the lock:
 *
 *   Linux    flock on the directory itself and on a file in it, through the `flock` tool when there is one. The locks
 *            belong to the open files, which the tool shares with us and we keep. A lock on the file alone fails when the file is removed,
 *            because a new one is free; the directory cannot be replaced so, because its files are its data. Versions before lock the
 *            file only. For systems without the tool, also a socket in the abstract name space, named after device and inode of the
 *            directory, so that two paths to the same directory meet, and after a word that only the owner can read: otherwise any
 *            user could bind that name, and so keep a server from its data.
 *   macOS    O_EXLOCK: flock taken by open itself.
 *   Windows  a named pipe.
 *
 * Where none of these reaches, what stands in the file decides (lock-stamp.ts).
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { createHash, randomBytes } from "node:crypto";
import { StorageError } from "../../base/index.ts";
import { fileIdentity } from "./directory-watch.ts";
import { diskError } from "./disk-error.ts";
import { LockStamp } from "./lock-stamp.ts";
import { makePrivateDirectory, PRIVATE_FILE } from "./private-files.ts";

/** open(2) of macOS: take an exclusive flock. Node does not name it. */
const O_EXLOCK = 0x20;
/** None on Windows, which has no such links in the same sense. */
const NO_FOLLOW = process.platform === "win32" ? 0 : constants.O_NOFOLLOW;
export const LOCK_FILE = "lock";
/** Part of the socket's name. */
const WORD_FILE = "lock.name";
/** Exit status of `flock -n` when another process holds the lock. */
const FLOCK_HELD = 1;

/** What a file with two names means. */
const LINKED =
  "another directory has the same file, as after a copy with links (cp -al, rsync --link-dest), and what is written to the one is written to " +
  "the other. Make a copy with files of its own (cp -a DIR NEW), and use that";

export interface DataLockOptions {
  /** Called when this process has the directory, and before the lock needs room on the disk where that can be. */
  readonly onHad?: () => void;
  /** Called once when another process has it: this one stood still for seconds, where the kernel's locks do not reach. It must stop at once. */
  readonly onTaken?: (error: StorageError) => void;
}

export class DataLock {
  /** `fileIdentity` of the locked file: as long as it is the one in the directory, no other process has the lock. */
  readonly identity: string;
  readonly #server: Server | null;
  readonly #stamp: LockStamp;
  /** The descriptors of the file, and of the directory where that is locked too. */
  readonly #descriptors: readonly number[];

  private constructor(
    server: Server | null,
    stamp: LockStamp,
    file: number,
    directory: number | null,
  ) {
    this.identity = fileIdentity(fstatSync(file, { bigint: true }));
    this.#server = server;
    this.#stamp = stamp;
    this.#descriptors = directory === null ? [file] : [file, directory];
  }

  /**
   * Resolves when this process alone may use the directory, until `release` or the end of the process. Creates the
   * directory when it is missing.
   * @throws StorageError LOCKED, DIRECTORY_UNUSABLE, DISK_FAILED; DiskFullError
   */
  static async acquire(directory: string, options: DataLockOptions = {}): Promise<DataLock> {
    makePrivateDirectory(directory);
    try {
      return await DataLock.#acquire(realpathSync(directory), options);
    } catch (error) {
      throw diskError(error, "write", join(directory, LOCK_FILE));
    }
  }

  static async #acquire(path: string, { onHad, onTaken }: DataLockOptions): Promise<DataLock> {
    const file = join(path, LOCK_FILE);
    // First: a process that is refused here has not touched anything.
    const directory = lockDirectory(path, file);
    let descriptor: number | null = null;
    let server: Server | null = null;
    try {
      const opened = openLocked(file);
      descriptor = opened.descriptor;
      const locked = opened.locked || directory !== null;
      if (process.platform !== "darwin") server = await listen(path, file, locked);
      const isLocked = locked || process.platform === "win32";
      const stamp = await LockStamp.take(descriptor, {
        isLocked,
        ...(onHad === undefined ? {} : { onHad }),
        onTaken: (by) => onTaken?.(taken(path, by)),
      });
      if (stamp === null) throw heldBy(file);
      return new DataLock(server, stamp, descriptor, directory);
    } catch (error) {
      server?.close();
      if (descriptor !== null) closeSync(descriptor);
      if (directory !== null) closeSync(directory);
      throw error;
    }
  }

  /** Another process may use the directory from now on. */
  release(): void {
    this.#stamp.release();
    for (const descriptor of this.#descriptors) closeSync(descriptor);
    this.#server?.close();
  }
}

function socketName(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  if (process.platform === "linux") return `\0omnikv/${dev}/${ino}/${ownWord(path)}`;
  const hash = createHash("sha256").update(path.toLowerCase()).digest("hex");
  return `\\\\.\\pipe\\omnikv-${hash.slice(0, 32)}`;
}

/** In a file of the directory, made once. */
function ownWord(directory: string): string {
  const path = join(directory, WORD_FILE);
  const known = readWord(path);
  if (known !== null) return known;
  const beside = `${path}.${randomBytes(8).toString("hex")}`;
  writeFileSync(beside, randomBytes(16).toString("hex"), { flag: "wx", mode: PRIVATE_FILE });
  try {
    // When several processes do this at once, one makes the file, and it is whole from the beginning.
    linkSync(beside, path);
    rmSync(beside);
  } catch (error) {
    if (readWord(path) === null) renameSync(beside, path);
    else rmSync(beside);
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  return readWord(path) ?? "";
}

/** @returns null when there is none, or not all of one */
function readWord(path: string): string | null {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW);
    try {
      const text = readFileSync(descriptor, "utf8");
      return /^[0-9a-f]{32}$/.test(text) ? text : null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}

/** @param hasFlock no other process can hold the directory, so a stranger has bound the name */
function listen(path: string, file: string, hasFlock: boolean): Promise<Server> {
  const name = socketName(path);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") reject(error);
      else reject(hasFlock ? squatted(path, name) : heldBy(file));
    });
    server.listen({ path: name, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

interface LockFile {
  readonly descriptor: number;
  /** No other process has the lock; false: that cannot be told here. */
  readonly locked: boolean;
}

/** @throws StorageError LOCKED, also when the file is not one of ours: it is written to */
function openLocked(file: string): LockFile {
  const descriptor = openLockFile(file);
  const found = fstatSync(descriptor);
  if (!found.isFile() || found.nlink > 1) {
    closeSync(descriptor);
    throw found.isFile() ? linked(file) : notOurs(file, "is no file of its own");
  }
  if (process.platform !== "linux") {
    return { descriptor, locked: process.platform === "darwin" };
  }
  const status = flock(descriptor);
  if (status === FLOCK_HELD) {
    closeSync(descriptor);
    throw heldBy(file);
  }
  // Any other outcome (no such tool, a file system without locks): the socket alone must do.
  return { descriptor, locked: status === 0 };
}

/** @returns null where that cannot be done. @throws StorageError LOCKED */
function lockDirectory(path: string, file: string): number | null {
  if (process.platform !== "linux") return null;
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const status = flock(descriptor);
  if (status === 0) return descriptor;
  closeSync(descriptor);
  if (status === FLOCK_HELD) throw heldBy(file);
  return null;
}

/** @returns 0: the lock is ours; FLOCK_HELD: another process has it; otherwise it cannot be told */
function flock(descriptor: number): number | null {
  return spawnSync("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", descriptor] })
    .status;
}

function openLockFile(file: string): number {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  const exclusive = process.platform === "darwin" ? O_EXLOCK : 0;
  try {
    return openSync(file, O_RDWR | O_CREAT | O_NONBLOCK | NO_FOLLOW | exclusive, PRIVATE_FILE);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EAGAIN") throw heldBy(file);
    if (code === "ELOOP") throw notOurs(file, "is a symbolic link");
    throw error;
  }
}

/** LOCKED, by a process that is known to use the directory. The way out is the one of a server. */
export class DirectoryInUse extends StorageError {
  /** Which directory, and which process uses it. */
  readonly fact: string;

  constructor(fact: string) {
    super("LOCKED", `${fact}: stop it, or give this server another --data-dir`);
    this.fact = fact;
  }
}

/** Another directory has this file, too. */
export function linked(file: string): StorageError {
  return new StorageError("LOCKED", `${file} is a hard link: ${LINKED}`);
}

function notOurs(file: string, what: string): StorageError {
  return new StorageError(
    "LOCKED",
    `${file} ${what}, and what it leads to would be written to: see who made it, and remove it`,
  );
}

function taken(path: string, by: number): StorageError {
  return new StorageError(
    "LOCKED",
    `process ${by} has ${path} now: this one stood still for seconds, and no lock of the kernel reaches from one to the other here. ` +
      "See that one server alone uses the directory. Where the two are containers, put the tool `flock` (util-linux, busybox) into both",
  );
}

function squatted(path: string, name: string): StorageError {
  const shown = name.replace("\0", "@");
  return new StorageError(
    "LOCKED",
    `nobody has locked ${join(path, "lock")}, but some process holds the socket ${shown} that goes with it, which is not a ` +
      `server on this directory: \`ss -xlp\` (as root) shows whose it is; end it, or remove ${join(path, WORD_FILE)} to have another name`,
  );
}

function heldBy(file: string): StorageError {
  const holder = holderOf(file);
  const who = holder === null ? "another process" : `process ${holder}`;
  return new DirectoryInUse(`${dirname(file)} is in use by ${who}`);
}

function holderOf(file: string): string | null {
  try {
    return /^\d+/.exec(readFileSync(file, "utf8"))?.[0] ?? null;
  } catch {
    // Only the text of the message depends on it.
    return null;
  }
}
