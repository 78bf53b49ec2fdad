/**
 * Simulated time: a queue of events, carried out one after the other. Nothing happens between events, and time passes
 * only from one to the next, so a run is a function of what was scheduled.
 *
 * Invariants:
 *   SIMCLOCK-1. Events run in order of (time, phase, order of scheduling). Two runs that schedule the same run the same.
 *   SIMCLOCK-2. End-of-turn callbacks of an instant run after its ordinary events, those scheduled meanwhile included.
 */
import { assert, popHeap, pushHeap } from "../../base/index.ts";
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";

interface Event {
  readonly time: number;
  readonly phase: 0 | 1;
  readonly order: number;
  /** Null: cancelled. */
  callback: (() => void) | null;
}

export class SimClock implements Clock {
  readonly #heap: Event[] = [];
  #now = 0;
  #nextOrder = 0;
  #pending = 0;

  now(): number {
    return this.#now;
  }

  /** Events scheduled and not cancelled. */
  get pending(): number {
    return this.#pending;
  }

  after(ms: number, callback: () => void): CancelTimer {
    assert(ms >= 0, "time does not go back");
    return this.#schedule(this.#now + ms, 0, callback);
  }

  endOfTurn(callback: () => void): void {
    this.#schedule(this.#now, 1, callback);
  }

  /** When the next event is due; null when nothing is left. */
  nextTime(): number | null {
    this.#dropCancelled();
    return this.#heap[0]?.time ?? null;
  }

  /** Carries out the next event. @returns false when there is none */
  step(): boolean {
    this.#dropCancelled();
    const event = popHeap(this.#heap, before);
    if (event === undefined) return false;
    const { callback } = event;
    assert(callback !== null && event.time >= this.#now, "events run once, in order");
    this.#now = event.time;
    this.#pending -= 1;
    event.callback = null;
    callback();
    return true;
  }

  /** Carries out everything due within `ms`; then it is `ms` later. */
  run(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.nextTime(); next !== null && next <= end; next = this.nextTime()) {
      this.step();
    }
    this.#now = end;
  }

  /** Carries out events until the condition holds. @returns false when it did not within `ms` */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.#now + ms;
    while (!condition()) {
      const next = this.nextTime();
      if (next === null || next > end) {
        this.#now = end;
        return condition();
      }
      this.step();
    }
    return true;
  }

  /** The clock of one process, which can die and take its timers along. `skew` scales its time: 2 = twice as fast. */
  fork(skew = 1): ProcessClock {
    return new ProcessClock(this, skew);
  }

  #schedule(time: number, phase: 0 | 1, callback: () => void): CancelTimer {
    const event: Event = { time, phase, order: this.#nextOrder++, callback };
    pushHeap(this.#heap, event, before);
    this.#pending += 1;
    return () => {
      if (event.callback === null) return;
      event.callback = null;
      this.#pending -= 1;
    };
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.callback === null) popHeap(this.#heap, before);
  }
}

/** A view of the simulated clock for one process. */
export class ProcessClock implements Clock {
  readonly #clock: SimClock;
  readonly #skew: number;
  readonly #origin: number;
  readonly #timers = new Set<CancelTimer>();
  #alive = true;

  constructor(clock: SimClock, skew: number) {
    assert(skew > 0, "time passes forward");
    this.#clock = clock;
    this.#skew = skew;
    this.#origin = clock.now();
  }

  now(): number {
    return this.#origin + (this.#clock.now() - this.#origin) * this.#skew;
  }

  after(ms: number, callback: () => void): CancelTimer {
    if (!this.#alive) return () => {};
    const cancel = this.#clock.after(ms / this.#skew, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  endOfTurn(callback: () => void): void {
    if (!this.#alive) return;
    this.#clock.endOfTurn(() => {
      if (this.#alive) callback();
    });
  }

  /** The process died: none of its callbacks runs any more. */
  stop(): void {
    this.#alive = false;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

function before(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.phase !== b.phase ? a.phase < b.phase : a.order < b.order;
}
