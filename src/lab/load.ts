/** A closed loop on every writer: so many writes under way, the next one when one is acknowledged. */
import type { Clock } from "../ports/clock.ts";
import { Acknowledgements } from "./gaps.ts";
import type { Writer } from "./subject.ts";

export interface LoadOptions {
  /** Writes under way at once, of each writer. */
  readonly concurrency: number;
  readonly valueBytes: number;
}

export interface Load {
  /** Of all writers. */
  readonly all: Acknowledgements;
  /** Of each writer. */
  readonly each: readonly Acknowledgements[];
  readonly failed: () => number;
  /** Ends the writers with it. Resolves when no write is under way. */
  stop(): Promise<void>;
}

const KEYS = 1000;
/** What fails at once is tried again after this pause: the loop must not spin on refusals. */
const FAILURE_PAUSE_MS = 10;

export function startLoad(writers: readonly Writer[], options: LoadOptions, clock: Clock): Load {
  const { concurrency, valueBytes } = options;
  const all = new Acknowledgements();
  const each = writers.map(() => new Acknowledgements());
  const value = "x".repeat(valueBytes);
  let failed = 0;
  const stop = new AbortController();
  let next = 0;
  const run = async (writer: Writer, own: Acknowledgements): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await writer.write(`lab/${next++ % KEYS}`, value);
        const now = clock.now();
        all.add(now);
        own.add(now);
      } catch {
        // A refusal and a time-out mean the same here: not acknowledged. How long for is what is measured.
        failed += 1;
        await new Promise<void>((wake) => {
          clock.after(FAILURE_PAUSE_MS, wake);
        });
      }
    }
  };
  const running = writers.flatMap((writer, i) => {
    const own = each[i] ?? new Acknowledgements();
    return Array.from({ length: concurrency }, () => run(writer, own));
  });
  return {
    all,
    each,
    failed: () => failed,
    async stop() {
      stop.abort();
      for (const writer of writers) writer.close();
      await Promise.all(running);
    },
  };
}
