/** Writes at a steady rate, made by the page and by the prompt: only under load does a broken link break anything. */
import { KvError } from "../../base/index.ts";
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";

/** What a steady load has come to. */
export interface LoadView {
  /** 0: it is off. */
  readonly perSecond: number;
  /** Since it was last turned on. */
  readonly answered: number;
  readonly failed: number;
  /** Writes that were not begun, since too many had no answer yet. */
  readonly heldBack: number;
  readonly waiting: number;
  /** Why the last write that ended has failed; null: it has not. */
  readonly trouble: string | null;
}

export interface LoadOptions {
  readonly clock: Pick<Clock, "now" | "after">;
  readonly write: (key: string, value: string) => Promise<unknown>;
}

/** Its keys are load/0 to load/49: they are written over and over, so that nothing grows. */
export const LOAD_KEYS = 50;
/** A cluster without a leader answers no write, so the number of waiting writes is bounded. */
const WAITING_MAX = 64;
const TICK_MS = 20;

/**
 * Invariants:
 *   STEADYLOAD-1. At most WAITING_MAX writes wait for an answer.
 *   STEADYLOAD-2. Writes that began before the load was last turned on or off count no more.
 */
export class Load {
  readonly #options: LoadOptions;
  #perSecond = 0;
  #from = 0;
  #due = 0;
  #answered = 0;
  #failed = 0;
  #heldBack = 0;
  #waiting = 0;
  #trouble: string | null = null;
  #run = 0;
  #cancelTick: CancelTimer = () => {};

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get view(): LoadView {
    return {
      perSecond: this.#perSecond,
      answered: this.#answered,
      failed: this.#failed,
      heldBack: this.#heldBack,
      waiting: this.#waiting,
      trouble: this.#trouble,
    };
  }

  /** @param perSecond 0 turns it off; what it counted stays readable */
  set(perSecond: number): void {
    this.#cancelTick();
    this.#perSecond = perSecond;
    this.#run += 1;
    this.#waiting = 0;
    if (perSecond === 0) return;
    this.#answered = 0;
    this.#failed = 0;
    this.#heldBack = 0;
    this.#trouble = null;
    this.#due = 0;
    this.#from = this.#options.clock.now();
    this.#tickLater();
  }

  #tickLater(): void {
    const ms = Math.max(TICK_MS, 1000 / this.#perSecond);
    this.#cancelTick = this.#options.clock.after(ms, () => {
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    const elapsed = this.#options.clock.now() - this.#from;
    const due = Math.floor((elapsed * this.#perSecond) / 1000);
    // A tab that was hidden or asleep does not make up for hours.
    this.#due = Math.max(this.#due, due - this.#perSecond);
    for (; this.#due < due; this.#due++) this.#begin(this.#due);
  }

  #begin(count: number): void {
    if (this.#waiting >= WAITING_MAX) {
      this.#heldBack += 1;
      return;
    }
    const run = this.#run;
    this.#waiting += 1;
    const end = (trouble: string | null): void => {
      if (run !== this.#run) return;
      this.#waiting -= 1;
      if (trouble === null) this.#answered += 1;
      else this.#failed += 1;
      this.#trouble = trouble;
    };
    this.#options.write(`load/${count % LOAD_KEYS}`, `write ${count}`).then(
      () => end(null),
      (error: unknown) => end(error instanceof KvError ? error.message : String(error)),
    );
  }
}
