/**
 * A client that reads ranges, page by page as the library does, but in callbacks: nothing here waits for the end of a real
 * turn. What it was told is noted, and held against the decided log when the run is over (checkRanges).
 *
 * Invariants:
 *   G1. All pages of a range are of one state of the store, that of the revision which they name: no key of it is missing,
 *       none is there twice, none is of another state.
 *   G2. A linearizable range is of no state from before what anybody had been answered when it was asked for, and whoever
 *       asks after its end is answered from no state before it.
 *   G3. What is refused for its revision was compacted by then, or is yet to come.
 */
import type { Answer } from "../client/frames.ts";
import type { RangeBytes } from "../wire/client.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { RangeRecord } from "./history.ts";

export interface RangeReaderOptions extends AskerOptions {
  readonly keys: number;
  /** Whether this node hears of no leader now. */
  isCutOff(node: number): boolean;
}

const PAUSE_MS_MAX = 60;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Run {
  readonly record: Omit<RangeRecord, "back" | "revision" | "count">;
  /** The only node that is asked; null: any. */
  readonly node: number | null;
  readonly isCutOff: boolean;
  readonly keys: [string, string, number][];
  count: number;
}

export class RangeReader extends Asker<RangeReaderOptions> {
  /** The latest revision that it was told. */
  #seen = 0;

  constructor(options: RangeReaderOptions) {
    super(options, "r", 150, PAUSE_MS_MAX);
  }

  protected ask(): void {
    const { random, keys, history, index } = this.options;
    const bounds = random.chance(0.5);
    const start = bounds ? `k${random.below(keys)}` : "";
    const end = bounds && random.chance(0.5) ? `k${random.below(keys + 1)}` : null;
    const [reverse, countOnly] = [random.chance(0.5), random.chance(0.2)];
    const local = random.chance(0.2);
    // Now and then of what is yet to come.
    const asked = random.chance(0.4) ? random.between(1, this.#seen + 2) : 0;
    const node = random.chance(0.5) ? null : random.pick(this.options.nodes).id;
    const record = {
      reader: index,
      start,
      end,
      reverse,
      countOnly,
      local,
      asked,
      call: history.mark(),
      keys: [],
    };
    const range: RangeBytes = {
      reverse,
      countOnly,
      keysOnly: false,
      limit: Number.MAX_SAFE_INTEGER,
      revision: asked,
      start: start === "" ? NOTHING : encoder.encode(start),
      end: end === null ? null : encoder.encode(end),
    };
    const isCutOff = node !== null && this.options.isCutOff(node);
    this.#count("asked", isCutOff);
    this.#ask({ record, node, isCutOff, keys: [], count: 0 }, range, true);
  }

  #ask(run: Run, range: RangeBytes, isFirst: boolean): void {
    const local = !isFirst || run.record.local;
    const { history } = this.options;
    this.core.submit({ kind: "range", range, local }, { node: run.node }, (error, answer) => {
      if (answer !== null) return this.#page(run, range, isFirst, answer);
      const code = error?.code ?? "no error";
      this.#count(isFirst ? code : `${code} after the first page`, run.isCutOff);
      const { asked, call } = run.record;
      if (code === "COMPACTED") {
        history.refusedRanges.push({
          asked: range.revision,
          call,
          oldest: error?.oldestRevision ?? 0,
        });
      } else if (code === "BAD_REQUEST") history.refusedRanges.push({ asked, call, oldest: null });
      this.start();
    });
  }

  #page(run: Run, range: RangeBytes, isFirst: boolean, { page }: Answer): void {
    const { history } = this.options;
    if (page === null) throw new Error("a range was answered without a page");
    run.count += page.count;
    for (const { key, value, modRevision } of page.items) {
      run.keys.push([decoder.decode(key), decoder.decode(value ?? NOTHING), modRevision]);
    }
    const { resume, revision } = page;
    this.#seen = Math.max(this.#seen, revision);
    if (resume === null) {
      this.#count(isFirst ? "whole" : "whole, of several pages", run.isCutOff);
      if (run.record.asked > 0) this.#count("whole, of an old revision", run.isCutOff);
      const { count, keys } = run;
      history.ranges.push({ ...run.record, keys, count, revision, back: history.mark() });
      return this.start();
    }
    const bound = Uint8Array.from(resume);
    const rest = range.reverse ? { end: bound } : { start: bound };
    this.#ask(run, { ...range, ...rest, revision }, false);
  }

  /** What came of it, apart for ranges that were asked of a node that nobody feeds. */
  #count(what: string, isCutOff: boolean): void {
    this.options.coverage.hit(`${isCutOff ? "range through a cut-off node:" : "range:"} ${what}`);
  }
}
