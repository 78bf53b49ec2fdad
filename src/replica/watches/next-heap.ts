/**
 * Watches by the revision that they need next, the least first: a heap in which each of them knows its place, so that any can be
 * taken out. A look costs nothing, a change the logarithm of how many there are.
 *
 * Invariant NEXTHEAP-1: no watch needs an earlier revision than the one above it. Whoever changes `next` takes the watch out.
 */
import type { Watch } from "./watch.ts";

export class NextHeap {
  readonly #watches: Watch[] = [];

  /** One that needs the earliest revision. */
  get first(): Watch | undefined {
    return this.#watches[0];
  }

  /** @param watch in no heap */
  add(watch: Watch): void {
    this.#rise(watch, this.#watches.length);
  }

  /** @param watch in this heap; its `next` may have changed just now */
  remove({ heapAt }: Watch): void {
    const last = this.#watches.pop();
    if (last === undefined || heapAt === this.#watches.length) return;
    const above = this.#watches[(heapAt - 1) >> 1];
    if (heapAt > 0 && above !== undefined && above.next > last.next) this.#rise(last, heapAt);
    else this.#sink(last, heapAt);
  }

  #rise(watch: Watch, from: number): void {
    let at = from;
    while (at > 0) {
      const aboveAt = (at - 1) >> 1;
      const above = this.#watches[aboveAt];
      if (above === undefined || above.next <= watch.next) break;
      this.#put(above, at);
      at = aboveAt;
    }
    this.#put(watch, at);
  }

  #sink(watch: Watch, from: number): void {
    let at = from;
    for (;;) {
      let belowAt = 2 * at + 1;
      let below = this.#watches[belowAt];
      const other = this.#watches[belowAt + 1];
      if (below !== undefined && other !== undefined && other.next < below.next) {
        below = other;
        belowAt += 1;
      }
      if (below === undefined || below.next >= watch.next) break;
      this.#put(below, at);
      at = belowAt;
    }
    this.#put(watch, at);
  }

  #put(watch: Watch, at: number): void {
    this.#watches[at] = watch;
    watch.heapAt = at;
  }
}
