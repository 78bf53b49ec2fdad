/**
 * Log lines about the faults of strangers and clients. They choose how often, and what the lines say: so a line of each kind is
 * written now and then, and the others are summed up.
 */
import { printable } from "../../base/index.ts";
import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

/** At most so many lines of one kind are logged in one period. */
const LINES_MAX = 5;
const PERIOD_MS = 10_000;
const TEXT_LENGTH_MAX = 200;

interface Kind {
  lines: number;
  suppressed: number;
}

export class StrangerLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By message: these are ours, so there are few. */
  readonly #kinds = new Map<string, Kind>();
  #periodEndsMs = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @param message ours, the same for all of a kind; texts of others are among the fields */
  warn(message: string, fields: LogFields): void {
    const nowMs = this.#clock.now();
    if (nowMs >= this.#periodEndsMs) {
      this.#sumUp();
      this.#periodEndsMs = nowMs + PERIOD_MS;
    }
    const kind = this.#kinds.get(message) ?? { lines: 0, suppressed: 0 };
    this.#kinds.set(message, kind);
    if (kind.lines >= LINES_MAX) {
      kind.suppressed += 1;
      return;
    }
    kind.lines += 1;
    this.#logger.warn(message, shortened(fields));
  }

  /** Time passes: when a period is over without another fault, the log tells how many lines were left out. */
  tick(): void {
    if (this.#kinds.size === 0 || this.#clock.now() < this.#periodEndsMs) return;
    this.#sumUp();
  }

  #sumUp(): void {
    for (const [message, { suppressed }] of this.#kinds) {
      if (suppressed === 0) continue;
      this.#logger.warn(`${message}: … and ${suppressed.toLocaleString("en-US")} more like it`);
    }
    this.#kinds.clear();
  }
}

function shortened(fields: LogFields): LogFields {
  const entries = Object.entries(fields).map(([key, value]) => {
    if (typeof value !== "string") return [key, value] as const;
    const text = printable(value.slice(0, TEXT_LENGTH_MAX));
    const short = text.length > TEXT_LENGTH_MAX || value.length > TEXT_LENGTH_MAX;
    return [key, short ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text] as const;
  });
  return Object.fromEntries(entries);
}
