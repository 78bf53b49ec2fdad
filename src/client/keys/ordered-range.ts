/** The first keys of a range in an order of their own, out of pages that each have the first of theirs (store/keys/range.ts, RANGE-3). */
import { KvError, ORDERED_BYTES_MAX } from "../../base/index.ts";
import { numberOf, type RangeOrder } from "../../store/commands/index.ts";
import type { PageAnswer, PageItem, RangeBytes } from "../../protocol/client/index.ts";
import { ownBytes } from "../terms/index.ts";
import { pagesOf, type AskForPage } from "./range.ts";

type Order = Exclude<RangeOrder, "key">;

const NOTHING = new Uint8Array(0);

/** The range that the nodes are asked for: the fields that the client compares have to come along. */
export function askedInOrder(range: RangeBytes, order: Order): RangeBytes {
  return { ...range, keysOnly: range.keysOnly && order !== "value" };
}

/** One page of all of them. @throws KvError OVERLOADED when keys and values are too large together */
export async function* orderedPages(
  ask: AskForPage,
  range: RangeBytes,
  order: Order,
): AsyncGenerator<PageAnswer> {
  const first = new FirstOfPages(range, order);
  for await (const page of pagesOf(ask, askedInOrder(range, order))) {
    first.add(page.items);
    const { items } = first;
    const { revision, resume } = page;
    if (resume === null) yield { revision, count: items.length, items, resume };
  }
}

export class FirstOfPages {
  readonly #limit: number;
  readonly #compare: (a: PageItem, b: PageItem) => number;
  #items: PageItem[] = [];

  constructor({ reverse, limit }: Pick<RangeBytes, "reverse" | "limit">, order: Order) {
    this.#limit = limit;
    const direction = reverse ? -1 : 1;
    this.#compare = (a, b) => direction * compareIn(order, a, b);
  }

  /** In order; the bytes are copies. */
  get items(): readonly PageItem[] {
    return this.#items;
  }

  /** @throws KvError OVERLOADED when keys and values are too large together */
  add(items: Iterable<PageItem>): void {
    // They are views of a frame, which would be kept as a whole.
    const own = Array.from(items, ({ key, value, ...rest }) => {
      return { ...rest, key: ownBytes(key), value: value === null ? null : ownBytes(value) };
    });
    this.#items = [...this.#items, ...own].sort(this.#compare).slice(0, this.#limit);
    let bytes = 0;
    for (const { key, value } of this.#items) bytes += key.length + (value?.length ?? 0);
    if (bytes <= ORDERED_BYTES_MAX) return;
    const text = `what is wanted in this order has more than ${ORDERED_BYTES_MAX} bytes: ask for fewer keys`;
    throw new KvError("OVERLOADED", text);
  }
}

function compareIn(order: Order, a: PageItem, b: PageItem): number {
  const first =
    order === "value"
      ? Buffer.compare(a.value ?? NOTHING, b.value ?? NOTHING)
      : numberOf(a, order) - numberOf(b, order);
  return first === 0 ? Buffer.compare(a.key, b.key) : first;
}
