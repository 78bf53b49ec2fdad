/** A closed loop: so many callers, each with one request under way, the next one when its answer is there. */
import type { Clock } from "../../machine/ports/index.ts";
import type { Finished } from "./target.ts";

export interface ClosedLoopOptions {
  readonly callers: number;
  readonly clock: Clock;
  /**
   * Asks one request; `done` is called once, and never from within.
   * @returns false when there is nothing to ask any more: the caller ends, and `done` is not called
   */
  readonly ask: (caller: number, done: Finished) => boolean;
  /** @param startedMs when it was asked */
  readonly answered: (caller: number, error: string | null, startedMs: number) => void;
}

export interface ClosedLoop {
  /** Every caller has ended, with its last request answered. */
  readonly ended: Promise<void>;
  /** Asks nothing more. @returns `ended` */
  stop(): Promise<void>;
}

/** What fails at once is asked again after this pause: a closed loop must not spin on refusals. */
const ERROR_PAUSE_MS = 10;

export function startClosedLoop(options: ClosedLoopOptions): ClosedLoop {
  const { callers, clock, ask, answered } = options;
  let stopping = false;
  let running = callers;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const open = (caller: number): void => {
    let startedMs = 0;
    const issue = (): void => {
      startedMs = clock.now();
      if (!stopping && ask(caller, done)) return;
      running -= 1;
      if (running === 0) end();
    };
    // One for all requests of the caller: there is never more than one under way.
    const done = (error: string | null): void => {
      answered(caller, error, startedMs);
      if (error === null) issue();
      else clock.after(ERROR_PAUSE_MS, issue);
    };
    issue();
  };
  for (let caller = 0; caller < callers; caller++) open(caller);
  if (callers === 0) end();
  return {
    ended,
    stop() {
      stopping = true;
      return ended;
    },
  };
}
