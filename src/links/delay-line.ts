import type { Clock } from "../machine/ports/index.ts";

interface Item {
  readonly release: () => void;
  readonly bytes: number;
  readonly due: number;
}

/** A queue that releases each message at its time, in the order of arrival: a message that is due waits for those before it. */
export class DelayLine {
  readonly #clock: Clock;
  #items: Item[] = [];
  #bytes = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes of what waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is pushed with this delay is released at once. */
  passes(delayMs: number): boolean {
    return this.#items.length === 0 && delayMs === 0;
  }

  /** Calls `release` at once when nothing waits and there is no delay; otherwise later, after those before it. */
  push(delayMs: number, bytes: number, release: () => void): void {
    if (this.passes(delayMs)) return release();
    this.#items.push({ release, bytes, due: this.#clock.now() + delayMs });
    this.#bytes += bytes;
    this.#arm();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#items = [];
    this.#bytes = 0;
  }

  #arm(): void {
    const first = this.#items[0];
    if (this.#cancel !== null || first === undefined) return;
    this.#cancel = this.#clock.after(Math.max(0, first.due - this.#clock.now()), () => {
      this.#cancel = null;
      this.#release();
      this.#arm();
    });
  }

  /** One by one: a release may forget the rest, or add to it. */
  #release(): void {
    const now = this.#clock.now();
    for (;;) {
      const item = this.#items[0];
      if (item === undefined || item.due > now) return;
      this.#items.shift();
      this.#bytes -= item.bytes;
      item.release();
    }
  }
}
