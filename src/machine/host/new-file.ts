/** A file that is there with all of its content or not at all, for its owner only. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { KvError, systemCode } from "../../base/index.ts";
import { PRIVATE_FILE } from "./private-files.ts";

/** Systems that do not know hard links say one of these. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK"];

export class NewFile {
  readonly path: string;
  readonly #force: boolean;
  readonly #file: FileHandle;

  /**
   * Begins it as PATH.tmp.
   * @param force a file that is there is replaced in the end, and what an interrupted attempt has left at once
   * @throws KvError BAD_REQUEST when either is there and not to be replaced, or is no file; errors of the system
   */
  static async begin(path: string, force: boolean): Promise<NewFile> {
    if (path === "") throw new KvError("BAD_REQUEST", "the file has no name: give one");
    try {
      const isThere = isFileThere(path);
      if (isThere && !force) throw exists(path);
      // A link goes on leading to it: links like /dev/stdout are the whole machine's.
      const target = isThere ? realpathSync(path) : path;
      const beside = `${target}.tmp`;
      if (force && isFileThere(beside)) rmSync(beside);
      return new NewFile(target, force, await open(beside, "wx", PRIVATE_FILE));
    } catch (error) {
      throw cannotBegin(path, error);
    }
  }

  private constructor(path: string, force: boolean, file: FileHandle) {
    this.path = path;
    this.#force = force;
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      written += (await this.#file.write(bytes, written)).bytesWritten;
    }
  }

  /**
   * Durable when it resolves.
   * @param check of the file under its preliminary name: if it throws, the file does not get its name
   * @throws KvError BAD_REQUEST when another program has made the file meanwhile
   */
  async finish(check?: (path: string) => Promise<void>): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    const beside = `${this.path}.tmp`;
    await check?.(beside);
    if (this.#force && isFileThere(this.path)) renameSync(beside, this.path);
    else giveName(beside, this.path);
    syncDirectory(dirname(this.path));
  }

  /** Removes the unfinished file. */
  async giveUp(): Promise<void> {
    await this.#file.close().catch(() => {});
    rmSync(`${this.path}.tmp`, { force: true });
  }
}

/**
 * Whether there is a file of that name. A new file never replaces anything else: a device belongs to the whole machine, and the reader of
 * a pipe waits for what is written to it.
 * @throws KvError BAD_REQUEST when something else has the name
 */
function isFileThere(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isFile() === true) return true;
  if (there === undefined) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
    throw new KvError("BAD_REQUEST", `${path} is a symbolic link that leads to nothing: remove it`);
  }
  const text = there.isDirectory()
    ? "is a directory: name a file in it"
    : "is no regular file, and is not replaced by one: - is the standard output, for a pipe or a device";
  throw new KvError("BAD_REQUEST", `${path} ${text}`);
}

/** The system's error about PATH.tmp, in words about the file that the user named. */
function cannotBegin(path: string, cause: unknown): unknown {
  switch (systemCode(cause)) {
    case "EEXIST": {
      const text = `${path}.tmp is there already: another command writes it, or one was interrupted; remove it, or give --force`;
      return new KvError("BAD_REQUEST", text, { cause });
    }
    case "ENOENT":
    case "ENOTDIR": {
      const missing = path.endsWith("/") ? path : dirname(path);
      const text = `cannot write ${path}: there is no directory ${missing}, make it first`;
      return new KvError("BAD_REQUEST", text, { cause });
    }
    default:
      return cause;
  }
}

/** Unlike a rename, a link never replaces an existing file. */
function giveName(from: string, to: string): void {
  try {
    linkSync(from, to);
    rmSync(from);
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (!NO_LINKS.includes(code)) {
      throw code === "EEXIST" ? exists(to) : error;
    }
    if (existsSync(to)) throw exists(to);
    renameSync(from, to);
  }
}

/** The names in it are durable when this returns. */
export function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function exists(path: string): KvError {
  return new KvError("BAD_REQUEST", `${path} exists: give another name, or --force to replace it`);
}
