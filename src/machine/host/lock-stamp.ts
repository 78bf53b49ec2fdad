/**
 * The content of a lock file. It decides where the kernel's locks do not reach: between containers without the `flock` tool, and on file
 * systems without locks.
 *
 * The holder writes a stamp into the file, and looks at it every BEAT_MS: where it finds another one it writes its own again. A process that
 * finds a stamp, and does not know from the kernel that the holder has ended, writes its own stamp and waits. If another one stands there
 * afterwards, the holder lives. So the holder keeps the directory, unless it stands still for as long as the other one waits.
 *
 *     stamp := pid " " random " " ("locked" | "unlocked") "\n"      locked: the kernel says that nobody else has the directory
 *
 * A holder that ends in good order leaves the file empty. Versions before wrote the pid only, and looked at nothing.
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

export class LockStamp {
  readonly #descriptor: number;
  readonly #stamp: string;
  readonly #timer: NodeJS.Timeout;

  /**
   * Resolves when nobody else has the directory, with what is to be released; or null: another process has it.
   * @param isLocked the kernel says that nobody else has it who asked the kernel
   * @param onHad called once it is known that nobody else has it: before anything is written, where the kernel says so
   */
  static async take(
    descriptor: number,
    isLocked: boolean,
    onHad: () => void = () => {},
  ): Promise<LockStamp | null> {
    const found = contentOf(descriptor);
    const word = isLocked ? "locked" : "unlocked";
    const stamp = `${process.pid} ${randomBytes(8).toString("hex")} ${word}\n`;
    // A holder of a lock of the kernel would have been noticed by whoever has one.
    const mayBeHeld = isLocked ? found.endsWith(" unlocked\n") : found !== "";
    const isHad = isLocked && !mayBeHeld;
    if (isHad) onHad();
    put(descriptor, stamp);
    if (!isHad) {
      await pause(mayBeHeld ? WAIT_MS : WAIT_FOR_RIVALS_MS);
      if (contentOf(descriptor) !== stamp) return null;
      onHad();
    }
    return new LockStamp(descriptor, stamp);
  }

  private constructor(descriptor: number, stamp: string) {
    this.#descriptor = descriptor;
    this.#stamp = stamp;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  /** Before the descriptor is closed. */
  release(): void {
    clearInterval(this.#timer);
    if (contentOf(this.#descriptor) === this.#stamp) ftruncateSync(this.#descriptor, 0);
  }

  /** By this thread: a call of another one could meet another file under the number of this descriptor, once it is closed. */
  #beat(): void {
    try {
      if (contentOf(this.#descriptor) !== this.#stamp) put(this.#descriptor, this.#stamp);
    } catch {
      // A file that cannot be read or written does so for other processes, too: they do not begin.
    }
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
