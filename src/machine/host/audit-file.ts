/**
 * The audit log: JSON lines in a file that is set aside when it has grown large. A write never waits, and no caller waits for it: when the
 * disk takes no more, records are left out, counted, and this is said once; when the file can be written again, their count is the first line.
 *
 * Invariant: a record goes into the file of that name. When the file was removed, moved away or cut short, the log notices before the
 * next record, and says so in the log and in the file that it begins in its place.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  renameSync,
  rmSync,
  statSync,
  write,
} from "node:fs";
import type { Audit, AuditRecord, Logger } from "../ports/index.ts";
import { StorageError, systemCode } from "../../base/index.ts";
import { openPrivateLog } from "./private-files.ts";

/** Lines that wait for the disk take at most so many bytes. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/**
 * What is refused to clients that have not signed in takes so many bytes at once, and then so many a second: anybody can ask to be refused,
 * and must not push out what users did. At this rate it takes five days to fill the files of the usual size.
 */
const STRANGERS_AT_ONCE_BYTES = 1024 * 1024;
const STRANGERS_BYTES_EACH_SECOND = 1024;
/** After a write that failed, when nothing else is to be written. */
const RETRY_MS = 1000;
/** Files set aside: FILE.1 is the youngest. */
const KEPT_FILES = 5;

export interface AuditFileOptions {
  readonly path: string;
  readonly logger: Logger;
  /** The file is set aside when it has so many. */
  readonly bytesMax: number;
  readonly wallMs: () => number;
}

export class AuditFile implements Audit {
  readonly #options: AuditFileOptions;
  #descriptor: number | null;
  #bytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  /** Records that were left out, of which the file does not tell yet. */
  #lost = 0;
  /** What became of the file that this one stands in the place of, as long as it does not tell that. */
  #missed: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isClosed = false;
  #isTold = false;
  /** Bytes that strangers may still have, as of this time. */
  #strangersBytes = STRANGERS_AT_ONCE_BYTES;
  #strangersMs = 0;
  /** Records of strangers that were left out, in number of requests, since the file last said so. */
  #leftOut = 0;

  /** @throws StorageError when the file cannot be opened, or is no regular file */
  static open(options: AuditFileOptions): AuditFile {
    try {
      const descriptor = openFile(options.path);
      return new AuditFile(options, descriptor, fstatSync(descriptor).size);
    } catch (error) {
      const code = systemCode(error);
      if (code === null) throw error;
      const missing = code === "ENOENT" ? ": its directory is not there, make it first" : "";
      const text = `--audit-log: cannot write ${options.path} (${code})${missing}`;
      throw new StorageError("DIRECTORY_UNUSABLE", text, { cause: error });
    }
  }

  private constructor(options: AuditFileOptions, descriptor: number, bytes: number) {
    this.#options = options;
    this.#descriptor = descriptor;
    this.#bytes = bytes;
  }

  record({ user, from, operation, keys, allowed, isClaim, times }: AuditRecord): void {
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      this.#lost += 1;
      this.#tell("the disk is too slow for it");
      return;
    }
    const nowMs = this.#options.wallMs();
    const time = new Date(nowMs).toISOString();
    const line = lineOf({ time, user, from, operation, keys, allowed, times });
    const isOfStranger = !allowed && (user === null || isClaim === true);
    if (isOfStranger && !this.#hasRoomForStranger(line, nowMs)) {
      this.#leftOut += times ?? 1;
      return;
    }
    this.#tellLeftOut(time);
    this.#pushLine(line);
    this.#flush();
  }

  #hasRoomForStranger({ length }: string, nowMs: number): boolean {
    // The clock of the wall may go back.
    const ms = Math.max(0, nowMs - this.#strangersMs);
    this.#strangersMs = nowMs;
    const paid = this.#strangersBytes + (ms * STRANGERS_BYTES_EACH_SECOND) / 1000;
    this.#strangersBytes = Math.min(STRANGERS_AT_ONCE_BYTES, paid);
    if (this.#strangersBytes < length) return false;
    this.#strangersBytes -= length;
    return true;
  }

  #tellLeftOut(time: string): void {
    if (this.#leftOut === 0) return;
    this.#push({ time, leftOut: this.#leftOut });
    this.#leftOut = 0;
  }

  /** Writes the waiting lines as far as that goes; later records are dropped. */
  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#isClosed = true;
    if (this.#leftOut > 0) this.#tellLeftOut(this.#time());
    this.#flush();
    if (this.#isWriting || this.#descriptor === null) return;
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #time(): string {
    return new Date(this.#options.wallMs()).toISOString();
  }

  #push(line: object): void {
    this.#pushLine(lineOf(line));
  }

  #pushLine(text: string): void {
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
  }

  #flush(): void {
    if (this.#isWriting || (this.#waiting.length === 0 && this.#lost === 0)) return;
    const descriptor = this.#open();
    if (descriptor === null) return;
    const lines = this.#waiting;
    const [missed, lost] = [this.#missed, this.#lost];
    const time = this.#time();
    const notes = [
      ...(missed === null ? [] : [lineOf({ time, before: missed })]),
      ...(lost === 0 ? [] : [lineOf({ time, lost })]),
    ];
    const batch = [...notes, ...lines].map((line) => Buffer.from(line));
    this.#waiting = [];
    this.#isWriting = true;
    this.#writeAll(descriptor, Buffer.concat(batch), 0, (error, bytes) => {
      this.#isWriting = false;
      this.#waitingBytes = this.#waiting.reduce((sum, line) => sum + line.length, 0);
      const whole = wholeLines(batch, bytes);
      this.#bytes += whole.bytes;
      if (whole.bytes < bytes) this.#cut(descriptor);
      if (missed !== null && whole.lines > 0) this.#missed = null;
      if (whole.lines >= notes.length) this.#lost -= lost;
      if (error === null) this.#written();
      else this.#failed(error, lines.length - Math.max(0, whole.lines - notes.length));
    });
  }

  #writeAll(
    descriptor: number,
    bytes: Buffer,
    before: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    write(descriptor, bytes, 0, bytes.length, null, (error, count) => {
      if (error !== null) return done(error, before);
      const written = before + count;
      if (count === bytes.length) return done(null, written);
      this.#writeAll(descriptor, bytes.subarray(count), written, done);
    });
  }

  /** A disk takes the beginning of a line when it has room for no more. The next line is to begin at the beginning of a line. */
  #cut(descriptor: number): void {
    try {
      ftruncateSync(descriptor, this.#bytes);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  #written(): void {
    if (this.#isTold) this.#options.logger.info("the audit log can be written again");
    this.#isTold = false;
    this.#flush();
  }

  #failed(error: Error, lines: number): void {
    this.#lost += lines;
    this.#tell(error.message);
    if (this.#waiting.length > 0) return this.#flush();
    // When there is room again the file says how many are missing, also where nothing more is to be taken down.
    if (this.#isClosed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#flush();
    }, RETRY_MS).unref();
  }

  #tell(reason: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#options.logger.error(
      "the audit log cannot be written: records are left out until it can",
      {
        path: this.#options.path,
        reason,
      },
    );
  }

  /** Checks that the file is still the one that is written, with everything that was written. A check takes some microseconds. */
  #missFile(): void {
    if (this.#descriptor === null) return;
    const { path, logger } = this.#options;
    const own = fstatSync(this.#descriptor);
    const there = statSync(path, { throwIfNoEntry: false });
    const isSame = there !== undefined && there.ino === own.ino && there.dev === own.dev;
    if (isSame && own.size >= this.#bytes) return;
    const what = isSame ? "cut short" : own.nlink === 0 ? "removed" : "moved away";
    if (isSame) this.#bytes = own.size;
    else {
      closeSync(this.#descriptor);
      this.#descriptor = null;
    }
    logger.error("the audit log was taken away while it was written: another one begins", {
      path,
      what,
    });
    this.#missed = what;
  }

  /** The file to write to, another one when it is time. @returns null: there is none now */
  #open(): number | null {
    const { path, bytesMax } = this.#options;
    try {
      this.#missFile();
      if (this.#descriptor !== null && this.#bytes >= bytesMax) {
        closeSync(this.#descriptor);
        this.#descriptor = null;
        rotate(path);
      }
      if (this.#descriptor === null) {
        this.#descriptor = openFile(path);
        this.#bytes = fstatSync(this.#descriptor).size;
      }
      return this.#descriptor;
    } catch (error) {
      const lines = this.#waiting.length;
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.#failed(error instanceof Error ? error : new Error(String(error)), lines);
      return null;
    }
  }
}

/** How many lines are whole in so many bytes, and how many bytes those have. */
function wholeLines(
  lines: readonly Buffer[],
  bytes: number,
): { readonly lines: number; readonly bytes: number } {
  let [count, end] = [0, 0];
  for (const { length } of lines) {
    if (end + length > bytes) break;
    end += length;
    count += 1;
  }
  return { lines: count, bytes: end };
}

function lineOf(line: object): string {
  return `${JSON.stringify(line)}\n`;
}

/** @throws StorageError when it is no regular file: it would be set aside like one, and a device belongs to the whole machine */
function openFile(path: string): number {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || (there.isFile() && !isOfMachine(path))) return openPrivateLog(path);
  const text = `--audit-log: ${path} is no regular file: it is set aside when it has grown, as a directory, a pipe or a device cannot be`;
  throw new StorageError("DIRECTORY_UNUSABLE", text);
}

/** Like /dev/stdout: such a name leads to the stream that a process was started with, sometimes a file, and must not be moved. */
function isOfMachine(path: string): boolean {
  return /^\/(?:dev|proc)\//.test(path) && lstatSync(path).isSymbolicLink();
}

function rotate(path: string): void {
  rmSync(`${path}.${KEPT_FILES}`, { force: true });
  for (let n = KEPT_FILES - 1; n >= 1; n--) renameIfThere(`${path}.${n}`, `${path}.${n + 1}`);
  renameIfThere(path, `${path}.1`);
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
