/** Keys and ranges of a database, which begin with nothing, as keys and ranges of the store, which begin with its prefix. */
import type { RangeSelector } from "../../client/terms/index.ts";
import { endOf } from "../place.ts";

/** Bounds as abstract-level hands them on: encoded. */
export interface Bounds {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
}

/** What the least key above a key has behind it. */
const ABOVE = Buffer.of(0);

export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

export class Keys {
  readonly #prefix: Uint8Array;
  readonly #end: Uint8Array;

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix);
    this.#end = endOf(prefix);
  }

  /** An empty key is the prefix alone, which is one of the store. */
  whole(key: Uint8Array): Uint8Array {
    return Buffer.concat([this.#prefix, key]);
  }

  own(key: Uint8Array): Uint8Array {
    return key.subarray(this.#prefix.length);
  }

  range({ gt, gte, lt, lte }: Bounds): KeyRange {
    const start =
      gte !== undefined ? this.whole(gte) : gt !== undefined ? this.above(gt) : this.#prefix;
    const end = lte !== undefined ? this.above(lte) : lt !== undefined ? this.whole(lt) : this.#end;
    return { start, end };
  }

  above(key: Uint8Array): Uint8Array {
    return above(this.whole(key));
  }
}

/** The least key above this one, both with the prefix. */
export function above(whole: Uint8Array): Uint8Array {
  return Buffer.concat([whole, ABOVE]);
}

/** Null: nothing lies in it. */
export function selectorOf({ start, end }: KeyRange): RangeSelector | null {
  return Buffer.compare(start, end) < 0 ? { start, end } : null;
}
