/** One line on a terminal that tells how far something is; without a terminal nothing is written. */
import { nodeClock } from "../../machine/runtime/index.ts";

const EVERY_MS = 200;

/** The words for a count and for a count a second. */
interface Unit {
  readonly amount: (count: number) => string;
  readonly rate: (count: number) => string;
}

const BYTES: Unit = { amount: sizeText, rate: sizeText };
export const KEYS: Unit = {
  amount: (count) => (count === 1 ? "1 key" : `${count.toLocaleString("en-US")} keys`),
  rate: (count) => Math.round(count).toLocaleString("en-US"),
};

export class Progress {
  readonly #what: string;
  readonly #unit: Unit;
  readonly #begunMs = nodeClock.now();
  #shownMs = 0;

  constructor(what: string, unit = BYTES) {
    this.#what = what;
    this.#unit = unit;
  }

  /** @param count so far */
  at(count: number): void {
    const nowMs = nodeClock.now();
    if (!process.stderr.isTTY || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    process.stderr.write(`\r\x1b[K${this.text(count)}`);
  }

  /** The line is free again. */
  end(): void {
    if (process.stderr.isTTY && this.#shownMs > 0) process.stderr.write("\r\x1b[K");
  }

  /** "import: 5,000 keys, 40,000 a second" */
  text(count: number): string {
    const seconds = Math.max(1, nodeClock.now() - this.#begunMs) / 1000;
    const { amount, rate } = this.#unit;
    return `${this.#what}: ${amount(count)}, ${rate(count / seconds)} a second`;
  }
}

/** "832 bytes", "12.3 MB": decimal, as disks and networks are measured. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let size = bytes / 1000;
  let unit = 0;
  for (; size >= 999.95 && unit < units.length - 1; unit++) size /= 1000;
  return `${size.toFixed(1)} ${units[unit] ?? ""}`;
}
