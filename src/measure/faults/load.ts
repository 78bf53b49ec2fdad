/** The load of an experiment: a closed loop on every writer, and when each of its writes was acknowledged. */
import type { Clock } from "../../machine/ports/index.ts";
import { startClosedLoop } from "../workloads/closed-loop.ts";
import { settle } from "../workloads/target.ts";
import { Acknowledgements } from "./gaps.ts";
import type { Writer } from "./subject.ts";

export interface LoadOptions {
  /** Writes under way at once, of each writer. */
  readonly concurrency: number;
  readonly valueBytes: number;
}

export interface Load {
  /** The acknowledgements of all writers. */
  readonly all: Acknowledgements;
  /** The acknowledgements of each writer. */
  readonly each: readonly Acknowledgements[];
  /** Ends the writers with it. Resolves when no write is under way. */
  stop(): Promise<void>;
}

const KEYS = 1000;

export function startLoad(writers: readonly Writer[], options: LoadOptions, clock: Clock): Load {
  const { concurrency, valueBytes } = options;
  const all = new Acknowledgements();
  const each = writers.map(() => new Acknowledgements());
  const value = "x".repeat(valueBytes);
  let next = 0;
  const loop = startClosedLoop({
    callers: concurrency * writers.length,
    clock,
    ask: (caller, done) => {
      const writer = writers[caller % writers.length];
      if (writer === undefined) return false;
      settle(writer.write(`lab/${next++ % KEYS}`, value), done);
      return true;
    },
    answered: (caller, error) => {
      if (error !== null) return;
      const nowMs = clock.now();
      all.add(nowMs);
      each[caller % writers.length]?.add(nowMs);
    },
  });
  return {
    all,
    each,
    async stop() {
      const ended = loop.stop();
      for (const writer of writers) writer.close();
      await ended;
    },
  };
}
