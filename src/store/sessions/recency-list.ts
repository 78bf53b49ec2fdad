/** Items in order of last use, each in the list by a link of its own: all operations take constant time, also at its ends. */
export interface Link<T> {
  readonly item: T;
  older: Link<T> | null;
  newer: Link<T> | null;
}

export function linkOf<T>(item: T): Link<T> {
  return { item, older: null, newer: null };
}

export class RecencyList<T> {
  #oldest: Link<T> | null = null;
  #newest: Link<T> | null = null;

  get oldest(): T | undefined {
    return this.#oldest?.item;
  }

  /** A link that is in no list. */
  append(link: Link<T>): void {
    link.older = this.#newest;
    if (this.#newest === null) this.#oldest = link;
    else this.#newest.newer = link;
    this.#newest = link;
  }

  /** A link of this list. */
  remove(link: Link<T>): void {
    const { older, newer } = link;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    link.older = null;
    link.newer = null;
  }

  /** A link of this list. */
  moveToEnd(link: Link<T>): void {
    if (link === this.#newest) return;
    this.remove(link);
    this.append(link);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let link = this.#oldest; link !== null; link = link.newer) yield link.item;
  }
}
