/** How many keys are done, for whoever looks on. */
import { nodeClock } from "../platform/node-clock.ts";

const EVERY_MS = 200;

export class KeyProgress {
  readonly #what: string;
  readonly #begunMs = nodeClock.now();
  #shownMs = 0;

  constructor(what: string) {
    this.#what = what;
  }

  at(keys: number): void {
    const nowMs = nodeClock.now();
    if (!process.stderr.isTTY || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    process.stderr.write(`\r\x1b[K${this.#what}: ${this.#text(keys)}`);
  }

  /** The line is free again. */
  end(): void {
    if (process.stderr.isTTY && this.#shownMs > 0) process.stderr.write("\r\x1b[K");
  }

  /** The last word, beside the data. */
  done(keys: number, note: string): void {
    process.stderr.write(`${this.#what}: ${this.#text(keys)}${note}\n`);
  }

  #text(keys: number): string {
    const seconds = Math.max(0.001, (nodeClock.now() - this.#begunMs) / 1000);
    const rate = Math.round(keys / seconds).toLocaleString("en-US");
    const count = keys === 1 ? "1 key" : `${keys.toLocaleString("en-US")} keys`;
    return `${count}, ${rate} a second`;
  }
}
