import type { CancelTimer, Clock } from "../ports/clock.ts";

/** A process's clock whose process can be stopped and continued (SIGSTOP): what falls due meanwhile happens afterwards. */
export class PausableClock implements Clock {
  readonly #clock: Clock;
  #held: (() => void)[] | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, callback: () => void): CancelTimer {
    let cancelled = false;
    const cancel = this.#clock.after(ms, () =>
      this.#run(() => {
        if (!cancelled) callback();
      }),
    );
    return () => {
      cancelled = true;
      cancel();
    };
  }

  endOfTurn(callback: () => void): void {
    this.#clock.endOfTurn(() => this.#run(callback));
  }

  pause(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held;
    this.#held = null;
    for (const callback of held ?? []) this.#clock.after(0, () => this.#run(callback));
  }

  #run(callback: () => void): void {
    if (this.#held === null) callback();
    else this.#held.push(callback);
  }
}
