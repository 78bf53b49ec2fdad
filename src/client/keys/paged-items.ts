import type { PageAnswer, PageItem } from "../../protocol/client/index.ts";

const NO_ITEMS: Iterator<PageItem, undefined> = {
  next: () => ({ done: true, value: undefined }),
};

/**
 * The items of pages, one after the other, as an async generator would hand them out. Such a generator takes one more promise and two
 * more turns of the queue of microtasks for each item, which together cost as much as all the rest of a range.
 *
 * As with generators, calls of `next` that do not wait for each other are answered in order, and nothing is asked for before
 * the first of them.
 */
export class PagedItems<T> implements AsyncGenerator<T, void, undefined> {
  readonly #begin: () => AsyncGenerator<PageAnswer>;
  readonly #make: (item: PageItem) => T;
  #pages: AsyncGenerator<PageAnswer> | null = null;
  /** What is left of the last page. */
  #items = NO_ITEMS;
  #isOver = false;
  /** The last of the calls that wait; null: none does. */
  #waiting: Promise<unknown> | null = null;

  /**
   * @param begin called once, when the caller wants the first item; if it throws, `next` rejects with the same error
   * @param make turns an item, whose bytes are views, into what users get
   */
  constructor(begin: () => AsyncGenerator<PageAnswer>, make: (item: PageItem) => T) {
    this.#begin = begin;
    this.#make = make;
  }

  next(): Promise<IteratorResult<T, void>> {
    const item = this.#waiting === null ? this.#items.next().value : undefined;
    if (item === undefined) return this.#inTurn(() => this.#advance());
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
      const item = this.#items.next().value;
      if (item !== undefined) return { done: false, value: this.#make(item) };
      this.#items = NO_ITEMS;
      if (this.#isOver) return { done: true, value: undefined };
      try {
        this.#pages ??= this.#begin();
        const { done = false, value } = await this.#pages.next();
        if (done) this.#isOver = true;
        else this.#items = (value as PageAnswer).items[Symbol.iterator]();
      } catch (error) {
        this.#isOver = true;
        throw error;
      }
    }
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#items = NO_ITEMS;
    await this.#pages?.return(undefined);
  }

  /** Runs after the calls before it, even if those failed. */
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
