import type { Clock } from "../../src/machine/ports/clock.ts";

/** A clock that stands until the test lets it run; what waits for a promise gets its turn behind each timer. */
export class HandClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  };

  readonly endOfTurn = (callback: () => void): void => {
    this.after(0, callback);
  };

  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.callback();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    this.#now = end;
  }

  /** Nothing runs, as in a tab that sleeps. */
  sleep(ms: number): void {
    this.#now += ms;
    this.#timers = this.#timers.map((timer) => ({ ...timer, at: Math.max(timer.at, this.#now) }));
  }
}
