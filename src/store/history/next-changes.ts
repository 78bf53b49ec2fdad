/**
 * For each of many revisions, the revision that changed the same key next: made in one pass over the history, a part at a time.
 * Without it, a reader finds the version after an old change only by going back from the present version through all between: with
 * few keys that change often, once for each piece of the past that it reads.
 */
import type { ByteString } from "../../base/index.ts";
import type { HistoryView } from "./history.ts";

/** Beside as many as are kept. */
const FORGOTTEN_MAX = 50_000;

export class NextChanges {
  readonly #history: HistoryView;
  /** The first revision that is known of. */
  readonly first: number;
  /** By revision - first. 0: not changed again, as far as is known; or several keys were changed there. */
  readonly #next: number[] = [];
  /** Of revisions that changed several keys, by key. */
  readonly #ofSeveral = new Map<number, Map<ByteString, number>>();

  /** @param first above the oldest revision */
  constructor(history: HistoryView, first: number) {
    this.#history = history;
    this.first = first;
  }

  /** The last revision that is known of. */
  get last(): number {
    return this.first + this.#next.length - 1;
  }

  /** Whether it is of this history, knows of `from`, and is not mostly about revisions that are not kept any more. */
  mayGoOn(history: HistoryView, from: number): boolean {
    const { oldest, last } = history;
    const isOfPast = oldest - this.first > FORGOTTEN_MAX + last - oldest;
    return history === this.#history && this.first <= from && this.last >= oldest && !isOfPast;
  }

  /**
   * Goes on to the history's end.
   * @param most changes that may be looked at, and the rest of one revision
   * @returns how many were
   */
  extend(most: number): number {
    const history = this.#history;
    let looked = 0;
    while (this.last < history.last && looked < most) {
      const revision = this.last + 1;
      const keys = history.keysAt(revision);
      looked += keys.length;
      this.#next.push(0);
      if (keys.length > 1) this.#ofSeveral.set(revision, new Map());
      for (const key of keys) this.#follows(history.modBefore(revision, key), key, revision);
    }
    return looked;
  }

  /** @param revision at which this key was changed @returns 0: it was not changed again up to `last` */
  after(revision: number, key: ByteString): number {
    const several = this.#ofSeveral.get(revision);
    return several === undefined
      ? (this.#next[revision - this.first] ?? 0)
      : (several.get(key) ?? 0);
  }

  #follows(before: number, key: ByteString, revision: number): void {
    if (before < this.first) return;
    const several = this.#ofSeveral.get(before);
    if (several === undefined) this.#next[before - this.first] = revision;
    else several.set(key, revision);
  }
}
