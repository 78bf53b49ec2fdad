/**
 * The newest state of a few keys, again and again: watches say that something has changed, and a read says what there is now. The observer
 * skips writes that come faster than the program reads. Each state existed in the store, for all keys together.
 *
 * Invariants:
 *   OBSERVE-1. The watches hold before the first read begins, so they tell of every change that the read does not see.
 *   OBSERVE-2. A later read sees at least what the watch has told: the client counts the watch's revisions as seen.
 */
import { KvError } from "../base/index.ts";
import type { Clock } from "../machine/ports/index.ts";
import type { KvRequests } from "./key-requests.ts";
import {
  badArgument,
  type Bytes,
  type KeyValue,
  type RangeSelector,
  type Revision,
  type Snapshot,
} from "./terms/index.ts";
import {
  type ObserveOptions,
  type RangeState,
  type Watch,
  wrongObserveOptions,
} from "./watches/index.ts";

/** Keys of a range that is observed. */
const OBSERVED_KEYS_MAX = 1024;
/** Bytes of them and of their values. */
const OBSERVED_BYTES_MAX = 32 * 1024 * 1024;
const RETRY_MS = 250;

type Observed = Snapshot | RangeState;

export async function* observeOn(
  view: KvRequests,
  clock: Clock,
  what: readonly Bytes[] | RangeSelector,
  options: ObserveOptions,
): AsyncGenerator<Observed> {
  const wrong = wrongObserveOptions(options);
  if (wrong !== null) throw wrong;
  if (isKeys(what) && what.length === 0) throw badArgument("keys", "at least one key", what);
  const changes = new Changes(view, isKeys(what) ? what : [what], options);
  try {
    await changes.begun();
    let shown = await stateOf(view, what, options, "linearizable");
    yield shown;
    for (;;) {
      await changes.after(shown.revision);
      try {
        const state = await stateOf(view, what, options, "local");
        if (state.revision < shown.revision) continue;
        shown = state;
      } catch (error) {
        if (!isPassing(error)) throw error;
        changes.again();
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        continue;
      }
      yield shown;
    }
  } finally {
    changes.close();
  }
}

/** What the watches of an observer have told. */
class Changes {
  readonly #view: KvRequests;
  readonly #options: ObserveOptions;
  readonly #watches: Watch[];
  #newest = 0;
  #again = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(
    view: KvRequests,
    ranges: readonly (Bytes | RangeSelector)[],
    options: ObserveOptions,
  ) {
    this.#view = view;
    this.#options = options;
    this.#watches = [];
    try {
      for (const range of ranges) this.#watches.push(view.watch(range, options));
    } catch (error) {
      this.close();
      throw error;
    }
    for (const [i, range] of ranges.entries()) void this.#follow(i, range);
  }

  async begun(): Promise<void> {
    await Promise.all(this.#watches.map(({ created }) => created));
  }

  /** Makes the observer read the next state even if no watch tells of a change. */
  again(): void {
    this.#again = true;
    this.#wake?.();
  }

  /** Until there is something newer. */
  async after(revision: Revision): Promise<void> {
    while (!this.#again && this.#newest <= revision) {
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#error !== null) throw this.#error;
    this.#again = false;
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  async #follow(i: number, range: Bytes | RangeSelector): Promise<void> {
    for (;;) {
      const watch = this.#watches[i];
      if (watch === undefined) return;
      try {
        for await (const { revision } of watch) this.#saw(revision);
        return;
      } catch (error) {
        if (!(error instanceof KvError && error.code === "COMPACTED")) {
          this.#error = error;
          return this.#wake?.();
        }
        // The new watch holds before the next read, so that read sees what the old watch missed.
        const next = this.#view.watch(range, this.#options);
        this.#watches[i] = next;
        await next.created.then(
          () => this.again(),
          () => {},
        );
      }
    }
  }

  #saw(revision: Revision): void {
    this.#newest = Math.max(this.#newest, revision);
    this.#wake?.();
  }
}

async function stateOf(
  view: KvRequests,
  what: readonly Bytes[] | RangeSelector,
  options: ObserveOptions,
  consistency: "linearizable" | "local",
): Promise<Observed> {
  if (isKeys(what)) return view.snapshot(what, { ...options, consistency });
  const { count, revision } = await view.count(what, { ...options, consistency });
  if (count > OBSERVED_KEYS_MAX) throw tooMuch(`more than ${OBSERVED_KEYS_MAX} keys`);
  const items: KeyValue[] = [];
  // Before anything was written there is nothing to be read at a revision.
  if (count === 0) return { revision, items };
  let bytes = 0;
  for await (const item of view.range(what, { ...options, consistency: "local", revision })) {
    bytes += item.key.length + item.value.length;
    if (bytes > OBSERVED_BYTES_MAX) throw tooMuch(`more than ${OBSERVED_BYTES_MAX} bytes`);
    items.push(item);
  }
  return { revision, items };
}

/** The next read may succeed. A range that is too large stays too large, and the caller would never learn of it. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof KvError) || error.code === "OVERLOADED") return false;
  return error.retryable || error.code === "COMPACTED";
}

function tooMuch(what: string): KvError {
  return new KvError("OVERLOADED", `the range that is observed has ${what}: watch it instead`, {
    definite: true,
  });
}

function isKeys(what: readonly Bytes[] | RangeSelector): what is readonly Bytes[] {
  return Array.isArray(what);
}
