/**
 * Those who wait, in the order in which they came, and leave in any order. One that leaves is only marked; the marked ones are taken
 * out once they are more than half. So to come and to leave cost about nothing, however many wait.
 */
export class Crowd<T extends { readonly isGone: boolean }> {
  #items: T[] = [];
  /** All before it are gone. */
  #first = 0;
  /** So many of the others are gone. */
  #gone = 0;

  add(item: T): void {
    this.#items.push(item);
  }

  /** One of them is gone. */
  left(): void {
    this.#gone += 1;
    const there = this.#items.length - this.#first;
    if (2 * this.#gone <= there) return;
    if (this.#gone === there) this.#items.length = 0;
    else this.#items = this.#items.filter(({ isGone }) => !isGone);
    this.#first = 0;
    this.#gone = 0;
  }

  /** The one that has been there for longest. */
  get first(): T | undefined {
    for (; this.#first < this.#items.length; this.#first += 1) {
      const item = this.#items[this.#first];
      if (item?.isGone === false) return item;
      this.#gone -= 1;
    }
    return undefined;
  }
}
