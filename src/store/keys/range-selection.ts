/**
 * Which keys within a range's bounds a client wants, in which order, and the first few of them in that order.
 *
 * Invariants:
 *   SELECTION-1. An order is total: keys that are alike in it stand in order of keys. In reverse it is the same order from
 *       its end.
 *   SELECTION-2. The memory for a page is bounded, as the page is: `isFull` says when the caller must look at no more keys.
 */
import type { ByteString } from "../../base/index.ts";
import type { StoredValue } from "../history/cell.ts";
import type { KeyValue } from "./frozen-cells.ts";

/** By what the keys of a range are ordered; never change the places: they travel as numbers. */
export const RANGE_ORDERS = ["key", "create", "mod", "version", "value"] as const;
/** One of the orders in which the keys of a range come. */
export type RangeOrder = (typeof RANGE_ORDERS)[number];

export interface RangeSelection {
  readonly order: RangeOrder;
  /** Revisions that creation and last change lie within, both included; a greatest one of 0 is none. */
  readonly createMin: number;
  readonly createMax: number;
  readonly modMin: number;
  readonly modMax: number;
}

/** What an order looks at. */
type Ordered = Omit<StoredValue, "value">;

export function isWithin(
  { createRevision, modRevision }: Pick<StoredValue, "createRevision" | "modRevision">,
  { createMin, createMax, modMin, modMax }: RangeSelection,
): boolean {
  return (
    createRevision >= createMin &&
    modRevision >= modMin &&
    (createMax === 0 || createRevision <= createMax) &&
    (modMax === 0 || modRevision <= modMax)
  );
}

/** The number by which an order sorts. An order by value has none: the caller compares the values. */
export function numberOf(entry: Ordered, order: Exclude<RangeOrder, "key" | "value">): number {
  switch (order) {
    case "create":
      return entry.createRevision;
    case "mod":
      return entry.modRevision;
    default:
      return entry.version;
  }
}

/** To compare so many bytes of two values is as much work as to look at a key. */
const BYTES_EACH_LOOK = 4096;

/** The first keys in an order, of those that were offered. */
export class FirstInOrder {
  readonly #order: Exclude<RangeOrder, "key">;
  readonly #reverse: boolean;
  readonly #limit: number;
  readonly #keysMax: number;
  readonly #bytesMax: number;
  readonly #keysOnly: boolean;
  /** In order. */
  readonly keys: KeyValue[] = [];
  #bytes = 0;
  #compared = 0;

  /**
   * @param keysMax kept at most where more are wanted
   * @param bytesMax of keys and values in the answer: the one that reaches it is the last
   */
  constructor(
    order: Exclude<RangeOrder, "key">,
    request: { readonly reverse: boolean; readonly limit: number; readonly keysOnly: boolean },
    keysMax: number,
    bytesMax: number,
  ) {
    this.#order = order;
    this.#reverse = request.reverse;
    this.#limit = request.limit;
    this.#keysOnly = request.keysOnly;
    this.#keysMax = keysMax;
    this.#bytesMax = bytesMax;
  }

  /** SELECTION-2. */
  get isFull(): boolean {
    const { length } = this.keys;
    return this.#bytes >= this.#bytesMax || (length >= this.#keysMax && length < this.#limit);
  }

  /** The work of comparing values since the last call, in keys that might have been looked at instead. */
  takeLooks(): number {
    const looks = Math.floor(this.#compared / BYTES_EACH_LOOK);
    this.#compared -= looks * BYTES_EACH_LOOK;
    return looks;
  }

  /** @param stored valid until the next change: what is kept of it is a copy */
  offer(key: ByteString, stored: StoredValue): void {
    const { keys } = this;
    const last = keys.at(-1);
    const isCrowded = keys.length >= this.#limit;
    if (isCrowded && last !== undefined && !this.#isBefore(key, stored, last)) return;
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = keys[middle];
      if (there !== undefined && this.#isBefore(key, stored, there)) high = middle;
      else low = middle + 1;
    }
    const { value, createRevision, modRevision, version } = stored;
    keys.splice(low, 0, { key, value, createRevision, modRevision, version });
    this.#bytes += this.#bytesOf(key, value);
    if (!isCrowded) return;
    const left = keys.pop();
    if (left !== undefined) this.#bytes -= this.#bytesOf(left.key, left.value);
  }

  #bytesOf(key: ByteString, value: ByteString): number {
    return key.length + (this.#keysOnly ? 0 : value.length);
  }

  #isBefore(key: ByteString, stored: StoredValue, there: KeyValue): boolean {
    const order = this.#compare(stored, there);
    if (order !== 0) return order < 0 !== this.#reverse;
    return key < there.key !== this.#reverse;
  }

  #compare(a: StoredValue, b: StoredValue): number {
    if (this.#order !== "value") return numberOf(a, this.#order) - numberOf(b, this.#order);
    this.#compared += Math.min(a.value.length, b.value.length);
    if (a.value === b.value) return 0;
    return a.value < b.value ? -1 : 1;
  }
}
