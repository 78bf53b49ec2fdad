/**
 * The content of a lock file. It decides where the kernel's locks do not reach: between containers without the `flock` tool, and on file
 * systems without locks.
 *
 * The holder writes a stamp into the file, and looks at it every BEAT_MS. A process that finds a stamp, and does not know from the
 * kernel that the holder has ended, writes a stamp that asks, and waits. Where another one stands afterwards, the holder lives. Else it writes
 * that it has the directory.
 *
 *     stamp := pid " " random " " ("asks" | "has") " " ("locked" | "unlocked") "\n"     locked: the kernel says that nobody else has it
 *
 * Invariants:
 *   STAMP-1. A holder that finds a stamp which asks, or what is no stamp, writes its own again: it keeps the directory.
 *   STAMP-2. A holder that finds a stamp which has stops: it stood still for as long as the other one waited. It looks before anything else
 *       when it goes on, as its timer is overdue.
 *
 * A holder that ends in good order leaves the file empty. Versions before wrote the pid only, and looked at nothing; or nothing between the
 * random and the last word, whether they asked or had.
 */
import { randomBytes } from "node:crypto";
import { ftruncateSync, readSync, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const BEAT_MS = 1000;
/** Two beats, and what a busy machine takes. */
const WAIT_MS = 2500;
/** Nobody holds the directory, but two processes may begin at once: the stamp that was written last stays. */
const WAIT_FOR_RIVALS_MS = 300;
const STAMP_BYTES_MAX = 128;
const HAS = /^(\d+) [0-9a-f]{16} has (?:un)?locked\n$/;

export interface StampOptions {
  /** The kernel says that nobody else has it who asked the kernel. */
  readonly isLocked: boolean;
  /** Called once it is known that nobody else has it: before anything is written, where the kernel says so. */
  readonly onHad?: () => void;
  /** Called once, with the number of the process that has it now. */
  readonly onTaken?: (by: number) => void;
}

export class LockStamp {
  readonly #descriptor: number;
  readonly #stamp: string;
  readonly #timer: NodeJS.Timeout;
  readonly #onTaken: (by: number) => void;

  /** Resolves when nobody else has the directory, with what is to be released; or null: another process has it. */
  static async take(
    descriptor: number,
    { isLocked, onHad = () => {}, onTaken = () => {} }: StampOptions,
  ): Promise<LockStamp | null> {
    const found = contentOf(descriptor);
    const name = `${process.pid} ${randomBytes(8).toString("hex")}`;
    const word = isLocked ? "locked" : "unlocked";
    const asks = `${name} asks ${word}\n`;
    const has = `${name} has ${word}\n`;
    // A holder of a lock of the kernel would have been noticed by whoever has one.
    const mayBeHeld = isLocked ? found.endsWith(" unlocked\n") : found !== "";
    const isHad = isLocked && !mayBeHeld;
    if (!isHad) {
      put(descriptor, asks);
      await pause(mayBeHeld ? WAIT_MS : WAIT_FOR_RIVALS_MS);
      if (contentOf(descriptor) !== asks) return null;
    }
    onHad();
    put(descriptor, has);
    return new LockStamp(descriptor, has, onTaken);
  }

  private constructor(descriptor: number, stamp: string, onTaken: (by: number) => void) {
    this.#descriptor = descriptor;
    this.#stamp = stamp;
    this.#onTaken = onTaken;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  /** Before the descriptor is closed. */
  release(): void {
    clearInterval(this.#timer);
    if (contentOf(this.#descriptor) === this.#stamp) ftruncateSync(this.#descriptor, 0);
  }

  /** By this thread: a call of another one could meet another file under the number of this descriptor, once it is closed. */
  #beat(): void {
    let found: string;
    try {
      found = contentOf(this.#descriptor);
      if (found === this.#stamp) return;
      if (!HAS.test(found)) return put(this.#descriptor, this.#stamp);
    } catch {
      // A file that cannot be read or written does so for other processes, too: they do not begin.
      return;
    }
    clearInterval(this.#timer);
    this.#onTaken(Number(HAS.exec(found)?.[1]));
  }
}

function put(descriptor: number, stamp: string): void {
  writeSync(descriptor, stamp, 0);
  ftruncateSync(descriptor, stamp.length);
}

function contentOf(descriptor: number): string {
  const content = Buffer.alloc(STAMP_BYTES_MAX);
  return content.toString("latin1", 0, readSync(descriptor, content, 0, content.length, 0));
}
