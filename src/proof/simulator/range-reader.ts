/**
 * A client that reads ranges, page by page as the library does, but in callbacks: nothing here waits for the end of a real
 * turn. It notes its answers; `checkRanges` checks them against the decided log when the run is over.
 *
 * Invariants:
 *   READER-1. All pages of a range are of one state of the store, that of the revision which they name: no key of it is missing,
 *       none is there twice, none is of another state.
 *   READER-2. A linearizable range is of no state older than any answer given before it was asked for, and no later request is
 *       answered from a state older than the range's.
 *   READER-3. A read refused for its revision named one that was compacted by then, or is yet to come.
 *   READER-4. A range with bounds on revisions, an order or a limit has exactly the keys that those select; and a range that must be
 *       no older than a revision is of no state before it.
 */
import { askedInOrder, FirstOfPages } from "../../client/keys/index.ts";
import type { Answer } from "../../client/core/index.ts";
import { RANGE_ORDERS, type RangeSelection } from "../../store/index.ts";
import type { RangeBytes } from "../../protocol/client/index.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { RangeRecord } from "./history.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";

export interface RangeReaderOptions extends AskerOptions {
  readonly keys: number;
  /** Whether this node hears of no leader now. */
  isCutOff(node: number): boolean;
}

const PAUSE_MS_MAX = 60;
const ALL = Number.MAX_SAFE_INTEGER;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Run {
  readonly record: Omit<RangeRecord, "back" | "revision" | "count">;
  /** The only node that is asked; null: any. */
  readonly node: number | null;
  readonly isCutOff: boolean;
  readonly keys: [string, string, number][];
  /** Of a range that is in no order of keys: its keys are told when all pages have come. */
  readonly first: FirstOfPages | null;
  count: number;
}

export class RangeReader extends Asker<RangeReaderOptions> {
  /** The latest revision that it was told. */
  #seen = 0;
  /** Apart, so that what is drawn for it changes nothing else of a run. */
  readonly #dice: SeededRandom;

  constructor(options: RangeReaderOptions) {
    super(options, "r", 150, PAUSE_MS_MAX);
    this.#dice = options.random.fork("selection");
  }

  protected ask(): void {
    const { random, keys, history, index } = this.options;
    const bounds = random.chance(0.5);
    const start = bounds ? `k${random.below(keys)}` : "";
    const end = bounds && random.chance(0.5) ? `k${random.below(keys + 1)}` : null;
    const [reverse, countOnly] = [random.chance(0.5), random.chance(0.2)];
    const isLocal = random.chance(0.2);
    // Now and then of what is yet to come.
    const asked = random.chance(0.4) ? random.between(1, this.#seen + 2) : 0;
    const atLeast = asked === 0 && this.#dice.chance(0.15) ? this.#revision() : 0;
    const local = isLocal || atLeast > 0;
    const select = this.#dice.chance(0.4) ? this.#selection(countOnly) : null;
    const order = select?.order ?? "key";
    const limit = order !== "key" || this.#dice.chance(0.1) ? this.#dice.between(1, 6) : ALL;
    const node = random.chance(0.5) ? null : random.pick(this.options.nodes).id;
    const record = {
      reader: index,
      start,
      end,
      reverse,
      countOnly,
      local,
      asked,
      limit,
      select,
      atLeast,
      call: history.mark(),
      keys: [],
    };
    const range: RangeBytes = {
      reverse,
      countOnly,
      keysOnly: false,
      limit,
      revision: asked,
      ...(select === null ? {} : { select }),
      start: start === "" ? NOTHING : encoder.encode(start),
      end: end === null ? null : encoder.encode(end),
    };
    const isCutOff = node !== null && this.options.isCutOff(node);
    this.#count("asked", isCutOff);
    if (select !== null) this.#count(`by ${order}`, isCutOff);
    if (order === "key") {
      return this.#ask({ record, node, isCutOff, keys: [], first: null, count: 0 }, range, true);
    }
    const first = new FirstOfPages(range, order);
    this.#ask(
      { record, node, isCutOff, keys: [], first, count: 0 },
      askedInOrder(range, order),
      true,
    );
  }

  #selection(countOnly: boolean): RangeSelection {
    const bound = (): number => (this.#dice.chance(0.25) ? this.#revision() : 0);
    return {
      order: countOnly ? "key" : this.#dice.pick(RANGE_ORDERS),
      createMin: bound(),
      createMax: bound(),
      modMin: bound(),
      modMax: bound(),
    };
  }

  /** Now and then one that is yet to come. */
  #revision(): number {
    return this.#dice.between(1, this.#seen + 2);
  }

  #ask(run: Run, range: RangeBytes, isFirst: boolean): void {
    const local = !isFirst || run.record.local;
    const atLeast = isFirst ? run.record.atLeast : 0;
    const { history } = this.options;
    this.core.submit(
      { kind: "range", range, local, atLeast },
      { node: run.node },
      (error, answer) => {
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
        } else if (code === "BAD_REQUEST")
          history.refusedRanges.push({ asked, call, oldest: null });
        this.start();
      },
    );
  }

  #page(run: Run, range: RangeBytes, isFirst: boolean, { page }: Answer): void {
    const { history } = this.options;
    if (page === null) throw new Error("a range was answered without a page");
    const { resume, revision } = page;
    const isOver = resume === null || (run.first === null && page.count >= range.limit);
    run.first?.add(page.items);
    const told = [...(run.first === null ? page.items : isOver ? run.first.items : [])];
    for (const { key, value, modRevision } of told) {
      run.keys.push([decoder.decode(key), decoder.decode(value ?? NOTHING), modRevision]);
    }
    run.count += run.first === null ? page.count : told.length;
    this.#seen = Math.max(this.#seen, revision);
    if (isOver) {
      this.#count(isFirst ? "whole" : "whole, of several pages", run.isCutOff);
      if (run.record.asked > 0) this.#count("whole, of an old revision", run.isCutOff);
      if (run.record.atLeast > 0) this.#count("no older than a revision", run.isCutOff);
      const { count, keys } = run;
      history.ranges.push({ ...run.record, keys, count, revision, back: history.mark() });
      return this.start();
    }
    const bound = Uint8Array.from(resume);
    const rest = range.reverse && run.first === null ? { end: bound } : { start: bound };
    const limit = run.first === null ? range.limit - page.count : range.limit;
    this.#ask(run, { ...range, ...rest, limit, revision }, false);
  }

  /** The outcome, counted apart for ranges asked of a node that no leader reaches. */
  #count(what: string, isCutOff: boolean): void {
    this.options.coverage.hit(`${isCutOff ? "range through a cut-off node:" : "range:"} ${what}`);
  }
}
