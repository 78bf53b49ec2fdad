/**
 * What is under way, by number: begun in ascending order, and mostly ended in that order too.
 *
 * It is no Map, because one that is filled and emptied all the time gets a new table again and again, and V8 lets each old table
 * point to the one that took its place. Once the collector has moved a table to the old generation, all later ones live as long as it
 * does, with everything that was in them: each read of some seconds was copied twice for nothing.
 */
import { assert } from "./assert.ts";
import { firstFrom } from "./first-from.ts";

export class UnderWay<T> {
  /** Ascending. */
  readonly #numbers: number[] = [];
  /** One for each number. */
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** In the order of their numbers; stays true until something is added or taken out. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** @param number greater than all that were added before */
  add(number: number, item: T): void {
    assert(number > (this.#numbers.at(-1) ?? -1), `${number} is added out of order`);
    this.#numbers.push(number);
    this.#items.push(item);
  }

  get(number: number): T | undefined {
    const at = firstFrom(this.#numbers, number);
    return this.#numbers[at] === number ? this.#items[at] : undefined;
  }

  /** Takes it out. */
  take(number: number): T | undefined {
    const at = firstFrom(this.#numbers, number);
    if (this.#numbers[at] !== number) return undefined;
    this.#numbers.splice(at, 1);
    return this.#items.splice(at, 1)[0];
  }

  /** Takes out what fulfils `predicate`, which must not change what is under way. */
  takeWhere(predicate: (item: T) => boolean): readonly T[] {
    const taken: T[] = [];
    let kept = 0;
    for (const [at, item] of this.#items.entries()) {
      if (predicate(item)) {
        taken.push(item);
        continue;
      }
      // All three are there: `kept` never passes `at`.
      this.#items[kept] = item;
      this.#numbers[kept] = this.#numbers[at] ?? 0;
      kept += 1;
    }
    this.#items.length = kept;
    this.#numbers.length = kept;
    return taken;
  }
}
