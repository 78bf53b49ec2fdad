/** One line on a terminal that tells how far something is; nothing where nobody looks on. */
import { nodeClock } from "../platform/node-clock.ts";

const EVERY_MS = 200;

export class Progress {
  readonly #what: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #begunMs = nodeClock.now();
  #shownMs = 0;

  constructor(what: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#what = what;
    this.#stream = stream;
  }

  /** @param bytes so far */
  at(bytes: number): void {
    const nowMs = nodeClock.now();
    if (!this.#stream.isTTY || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    const rate = bytes / Math.max(1, nowMs - this.#begunMs);
    this.#stream.write(
      `\r\x1b[K${this.#what}: ${sizeText(bytes)}, ${sizeText(1000 * rate)} a second`,
    );
  }

  /** The line is free again. */
  end(): void {
    if (this.#stream.isTTY && this.#shownMs > 0) this.#stream.write("\r\x1b[K");
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
