/** A file that is there with all of its content or not at all, for its owner only. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
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
   * @throws KvError BAD_REQUEST when either is there; errors of the system
   */
  static async begin(path: string, force: boolean): Promise<NewFile> {
    if (!force && existsSync(path)) throw exists(path);
    const beside = `${path}.tmp`;
    if (force) rmSync(beside, { force: true });
    try {
      return new NewFile(path, force, await open(beside, "wx", PRIVATE_FILE));
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
      const text = `${beside} is there already: another command writes it, or one was interrupted; remove it, or give --force`;
      throw new KvError("BAD_REQUEST", text);
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
   * @param check of the file under its preliminary name: what it throws is thrown, and the file does not get its name
   * @throws KvError BAD_REQUEST when somebody else has made the file meanwhile
   */
  async finish(check?: (path: string) => Promise<void>): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    const beside = `${this.path}.tmp`;
    await check?.(beside);
    if (this.#force) renameSync(beside, this.path);
    else giveName(beside, this.path);
    syncDirectory(dirname(this.path));
  }

  /** Removes what there is of it. */
  async giveUp(): Promise<void> {
    await this.#file.close().catch(() => {});
    rmSync(`${this.path}.tmp`, { force: true });
  }
}

/** Unlike a rename, a link never replaces what is there. */
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
