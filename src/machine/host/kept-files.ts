/**
 * Values from files that change while the program runs: certificates, keys, secrets. The program reads them once at the start, and again
 * when the files have changed and have then stayed unchanged for a moment: an operator replaces them one by one.
 *
 * Invariants:
 *   KEPT-1. The value always comes from files that could be read whole. Unusable files are reported, and the value before them stays.
 *   KEPT-2. Unusable files are tried again when they change, and each minute: what was wrong may have been no matter of the files, as
 *   when the process had no descriptor left. What is wrong with the same files is reported once, until it is something else.
 */
import { stat } from "node:fs/promises";

export interface KeptFilesOptions<T> {
  readonly paths: readonly string[];
  /** Reads all files together. @throws Error with a sentence when they cannot be used */
  readonly read: () => T;
  readonly onRead: (value: T) => void;
  readonly onTrouble: (error: Error) => void;
}

const LOOK_MS = 1000;
/** Looks from one trial of unusable files to the next, which is a minute. */
const LOOKS_UNTIL_TRIED = 60;

export class KeptFiles<T> {
  readonly #options: KeptFilesOptions<T>;
  #value: T;
  /** Of the files: as they were when they were last read, and when they were last looked at. */
  #readAs: string | null = null;
  #seenAs: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking = false;
  /** What is wrong with the files as they were last read; null: nothing. */
  #trouble: string | null = null;
  #looksSinceTried = 0;

  /** @throws what `read` throws */
  constructor(options: KeptFilesOptions<T>) {
    this.#options = options;
    this.#value = options.read();
  }

  get value(): T {
    return this.#value;
  }

  /** From now on. Keeps no process alive. */
  watch(intervalMs = LOOK_MS): void {
    this.#timer ??= setInterval(() => void this.#look(), intervalMs).unref();
    void this.#look();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    // A file system that hangs is asked once.
    if (this.#looking) return;
    this.#looking = true;
    const look = (await Promise.all(this.#options.paths.map(lookAt))).join("\n");
    this.#looking = false;
    if (this.#timer === null) return;
    // They were read a moment before the first look, and may have changed in between.
    const isSettled = look === this.#seenAs || this.#readAs === null;
    this.#seenAs = look;
    this.#looksSinceTried += 1;
    const haveChanged = look !== this.#readAs;
    const isTriedAgain = this.#trouble !== null && this.#looksSinceTried >= LOOKS_UNTIL_TRIED;
    if (!isSettled || (!haveChanged && !isTriedAgain)) return;
    const isFirst = this.#readAs === null;
    this.#readAs = look;
    this.#looksSinceTried = 0;
    let value: T;
    try {
      value = this.#options.read();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const isSaid = !haveChanged && error.message === this.#trouble;
      this.#trouble = error.message;
      if (!isSaid) this.#options.onTrouble(error);
      return;
    }
    this.#trouble = null;
    if (isFirst && JSON.stringify(value) === JSON.stringify(this.#value)) return;
    this.#value = value;
    this.#options.onRead(value);
  }
}

/** A text that changes when a file does, also behind a symbolic link. */
async function lookAt(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
