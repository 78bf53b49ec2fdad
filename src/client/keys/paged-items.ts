import type { PageAnswer } from "../../protocol/client/index.ts";

type Item = PageAnswer["items"][number];

const NO_ITEMS: readonly Item[] = [];

/**
 * What pages hold, one after the other, as an async generator would hand it out. Such a generator takes a promise more and two
 * turns more of the queue of microtasks for each item, which together cost what all the rest of a range does.
 *
 * As with generators, calls of `next` that do not wait for each other are answered in order, and nothing is asked for before
 * the first of them.
 */
export class PagedItems<T> implements AsyncGenerator<T, void, undefined> {
  readonly #begin: () => AsyncGenerator<PageAnswer>;
  readonly #make: (item: Item) => T;
  #pages: AsyncGenerator<PageAnswer> | null = null;
  #items = NO_ITEMS;
  /** Of the item that comes next. */
  #at = 0;
  #isOver = false;
  /** The last of the calls that wait; null: none does. */
  #waiting: Promise<unknown> | null = null;

  /**
   * @param begin called once, when the first item is wanted; what it throws is what `next` rejects with
   * @param make of an item, whose bytes are views, what users get
   */
  constructor(begin: () => AsyncGenerator<PageAnswer>, make: (item: Item) => T) {
    this.#begin = begin;
    this.#make = make;
  }

  next(): Promise<IteratorResult<T, void>> {
    const item = this.#waiting === null ? this.#items[this.#at] : undefined;
    if (item === undefined) return this.#inTurn(() => this.#advance());
    this.#at += 1;
    return Promise.resolve({ done: false, value: this.#make(item) });
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#inTurn(async () => {
      await this.#end();
      return { done: true, value: undefined };
    });
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#inTurn(async () => {
      await this.#end();
      throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #advance(): Promise<IteratorResult<T, void>> {
    for (;;) {
      const item = this.#items[this.#at];
      if (item !== undefined) {
        this.#at += 1;
        return { done: false, value: this.#make(item) };
      }
      this.#items = NO_ITEMS;
      this.#at = 0;
      if (this.#isOver) return { done: true, value: undefined };
      try {
        this.#pages ??= this.#begin();
        const { done = false, value } = await this.#pages.next();
        if (done) this.#isOver = true;
        else this.#items = (value as PageAnswer).items;
      } catch (error) {
        this.#isOver = true;
        throw error;
      }
    }
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#items = NO_ITEMS;
    this.#at = 0;
    await this.#pages?.return(undefined);
  }

  /** After the calls before it, whatever became of them. */
  #inTurn(call: () => Promise<IteratorResult<T, void>>): Promise<IteratorResult<T, void>> {
    const before = this.#waiting;
    const answer = before === null ? call() : before.then(call, call);
    this.#waiting = answer;
    const over = (): void => {
      if (this.#waiting === answer) this.#waiting = null;
    };
    answer.then(over, over);
    return answer;
  }
}
