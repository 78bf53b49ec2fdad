/**
 * A client that reads ranges, page by page as the library does, but in callbacks: nothing here waits for the end of a real
 * turn. What it was told is noted, and held against the decided log when the run is over (checkRanges).
 *
 * Invariants:
 *   G1. All pages of a range are of one state of the store, that of the revision which they name: no key of it is missing,
 *       none is there twice, none is of another state.
 *   G2. A linearizable range is of no state from before what anybody had been answered when it was asked for, and whoever
 *       asks after its end is answered from no state before it.
 */
import { ClientCore } from "../client/client-core.ts";
import type { Answer } from "../client/frames.ts";
import type { NodeAddress } from "../client/types.ts";
import type { RangeBytes } from "../wire/client.ts";
import type { Coverage } from "./coverage.ts";
import type { History, RangeRecord } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

export interface RangeReaderOptions {
  readonly index: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly coverage: Coverage;
  readonly history: History;
  readonly nodes: readonly NodeAddress[];
  readonly keys: number;
  readonly timeoutMs: number;
}

const PAUSE_MS_MAX = 60;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Run {
  readonly record: Omit<RangeRecord, "back" | "revision" | "count">;
  readonly keys: [string, string, number][];
  count: number;
}

export class RangeReader {
  readonly #options: RangeReaderOptions;
  readonly #core: ClientCore;
  #stopped = false;

  constructor(options: RangeReaderOptions) {
    const { index, clock, network, random, nodes, timeoutMs } = options;
    this.#options = options;
    this.#core = new ClientCore({
      nodes,
      clock: clock.fork(),
      random: random.fork("core"),
      network: network.host(`r${index}`),
      timeoutMs,
      connectTimeoutMs: 200,
      attemptTimeoutMs: 150,
    });
  }

  start(): void {
    const { clock, random } = this.#options;
    clock.after((random.uint32() / 2 ** 32) * PAUSE_MS_MAX, () => {
      if (!this.#stopped) this.#read();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#core.close();
  }

  #read(): void {
    const { random, keys, history, index } = this.#options;
    const bounds = random.chance(0.5);
    const start = bounds ? `k${random.below(keys)}` : "";
    const end = bounds && random.chance(0.5) ? `k${random.below(keys + 1)}` : null;
    const [reverse, countOnly] = [random.chance(0.5), random.chance(0.2)];
    const local = random.chance(0.2);
    const record = {
      reader: index,
      start,
      end,
      reverse,
      countOnly,
      local,
      call: history.mark(),
      keys: [],
    };
    const range: RangeBytes = {
      reverse,
      countOnly,
      keysOnly: false,
      limit: Number.MAX_SAFE_INTEGER,
      revision: 0,
      start: start === "" ? NOTHING : encoder.encode(start),
      end: end === null ? null : encoder.encode(end),
    };
    this.#ask({ record, keys: [], count: 0 }, range, null);
  }

  #ask(run: Run, range: RangeBytes, node: number | null): void {
    const local = node !== null || run.record.local;
    const { coverage } = this.#options;
    this.#core.submit({ kind: "range", range, local }, { node }, (error, answer) => {
      if (answer !== null) return this.#page(run, range, answer);
      coverage.hit(`range: ${error?.code ?? "no error"}`);
      this.start();
    });
  }

  #page(run: Run, range: RangeBytes, { node, page }: Answer): void {
    const { coverage, history } = this.#options;
    if (page === null) throw new Error("a range was answered without a page");
    run.count += page.count;
    for (const { key, value, modRevision } of page.items) {
      run.keys.push([decoder.decode(key), decoder.decode(value ?? NOTHING), modRevision]);
    }
    const { resume, revision } = page;
    if (resume === null) {
      coverage.hit(`range: whole${range.revision === 0 ? "" : ", of several pages"}`);
      const { count, keys } = run;
      history.ranges.push({ ...run.record, keys, count, revision, back: history.mark() });
      return this.start();
    }
    const bound = Uint8Array.from(resume);
    const rest = range.reverse ? { end: bound } : { start: bound };
    this.#ask(run, { ...range, ...rest, revision }, node);
  }
}
