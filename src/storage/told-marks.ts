/**
 * Marks prove to a peer that a node's disk is the one it ran on last, however its log has grown since: numbers that the node has
 * told that peer, each durable before it was told.
 *
 * A mark is a number, counted on over all processes of a directory, and the id of the process that made it. The marks that one
 * process has told a peer are one *run* of numbers, which takes the same room however long the process ran. A copy of the
 * directory that is started goes on with the same numbers under another process's id, and the original with numbers beyond those
 * of the copy: either way the copy does not know a mark that was told after it was taken.
 *
 * Invariants:
 *   TOLD-1. No mark is told before it is durable.
 *   TOLD-2. A run is dropped only when its peer has durably met a later process. So the last mark that a peer has heard is in a run,
 *       unless the peer's own disk has gone back: then its number is below all of them. The first run of all with a peer
 *       begins at 1: no mark was told before, so that a copy from before the two met knows no mark that the peer remembers.
 *   TOLD-3. A process that has told a peer no mark leaves no run behind: starts that fail use up no room.
 */
import { z } from "zod";

/** What one process has told one peer: all numbers from the first to the last. */
export interface MarkRun {
  /** The process's random id. */
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

/**
 * At most so many runs for one peer: so many processes in a row began to talk to it, and none came to a session. Then the last run
 * stands, and the node tells that peer no new mark until there was a session and another start.
 */
export const RUNS_MAX = 16;

const count = z.int().nonnegative();
export const toldSchema = z.strictObject({
  /** The last number. */
  last: count,
  runs: z.record(z.string().regex(/^\d+$/), z.array(z.tuple([count, count, count])).max(RUNS_MAX)),
});
export type ToldContent = z.infer<typeof toldSchema>;

export const NOTHING_TOLD: ToldContent = { last: 0, runs: {} };

export class ToldMarks {
  readonly #boot: number;
  /** Drawn, and perhaps on its way to the disk. */
  #last: number;
  #durable: number;
  /** By peer. */
  readonly #runs: Map<number, readonly MarkRun[]>;

  /** @param content as it is on the disk, durably */
  constructor({ last, runs }: ToldContent, boot: number) {
    this.#boot = boot;
    this.#last = last;
    this.#durable = last;
    this.#runs = new Map(
      Object.entries(runs).map(([peer, told]) => [
        Number(peer),
        told.map(([id, from, to]) => ({ boot: id, from, to })),
      ]),
    );
  }

  /** A new mark. It may be told when `onDurable` has been called with what `last` is now. */
  draw(): void {
    this.#last += 1;
  }

  get last(): number {
    return this.#last;
  }

  onDurable(last: number): void {
    this.#durable = Math.max(this.#durable, last);
  }

  /** This process is going to talk to that peer. @returns whether the caller must make the marks durable before it does */
  introduce(peer: number): boolean {
    const runs = this.#of(peer);
    if (runs.at(-1)?.boot === this.#boot || runs.length >= RUNS_MAX) return false;
    this.draw();
    const from = this.#runs.has(peer) ? this.#last : 1;
    const run = { boot: this.#boot, from, to: this.#last };
    this.#runs.set(peer, [...runs, run]);
    return true;
  }

  /** A session began: the peer has the last run, durably. TOLD-2. @returns whether there is less to be kept now */
  met(peer: number): boolean {
    const runs = this.#of(peer);
    if (runs.length <= 1) return false;
    this.#runs.set(peer, runs.slice(-1));
    return true;
  }

  /** The runs that may be told: TOLD-1. Oldest first. */
  runs(peer: number): readonly MarkRun[] {
    return this.#upTo(peer, this.#durable);
  }

  /** The last mark that may be told that peer; 0: none. */
  lastFor(peer: number): number {
    return this.runs(peer).at(-1)?.to ?? 0;
  }

  /** As it is to be written. */
  content(): ToldContent {
    const runs: Record<string, [number, number, number][]> = {};
    for (const peer of this.#runs.keys()) {
      runs[peer] = this.#upTo(peer, this.#last).map(({ boot, from, to }) => [boot, from, to]);
    }
    return { last: this.#last, runs };
  }

  #upTo(peer: number, last: number): readonly MarkRun[] {
    return this.#of(peer).map((run) => (run.boot === this.#boot ? { ...run, to: last } : run));
  }

  #of(peer: number): readonly MarkRun[] {
    return this.#runs.get(peer) ?? [];
  }
}
