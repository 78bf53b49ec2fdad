import { AbstractIterator, type AbstractLevel } from "abstract-level";
import type { KvRequests } from "../../client/index.ts";
import type { KeyEntry, KeyValue, RangeOptions, Revision } from "../../client/terms/index.ts";
import { above, selectorOf, type Bounds, type KeyRange, type Keys } from "./keys.ts";

/** As abstract-level hands them on. */
export interface IteratorOptions extends Bounds {
  readonly keys: boolean;
  readonly values: boolean;
  readonly limit: number;
  readonly reverse: boolean;
}

type Entry = [key: Uint8Array | undefined, value: Uint8Array | undefined];
/** abstract-level encodes and decodes: here are only bytes. */
type Database = AbstractLevel<Uint8Array, unknown, unknown>;

/** The base class is typed for users of iterators, not for their authors. */
const Base = AbstractIterator as unknown as new (
  database: Database,
  options: IteratorOptions,
) => AbstractIterator<Database, Uint8Array, Uint8Array>;

/** Reads one revision of the store, page by page. */
export class OmnikvIterator extends Base {
  readonly #client: KvRequests;
  readonly #keys: Keys;
  readonly #options: IteratorOptions;
  readonly #revision: Promise<Revision>;
  readonly #bounds: KeyRange;
  /** Where `#entries` began. */
  #range: KeyRange;
  /** The last key of it that was handed out. */
  #last: Uint8Array | null = null;
  #entries: AsyncGenerator<KeyEntry | KeyValue> | null;

  constructor(
    database: Database,
    options: IteratorOptions,
    client: KvRequests,
    keys: Keys,
    revision: Promise<Revision>,
  ) {
    super(database, options);
    this.#client = client;
    this.#keys = keys;
    this.#options = options;
    this.#revision = revision;
    revision.catch(() => {});
    this.#bounds = keys.range(options);
    this.#range = this.#bounds;
    this.#entries = this.#from(this.#range);
  }

  async _next(): Promise<Entry | undefined> {
    try {
      const next = await this.#entries?.next();
      if (next === undefined || next.done === true) return undefined;
      this.#last = next.value.key;
      return this.#entry(next.value);
    } catch (error) {
      this.#goOnAfter(this.#last);
      throw error;
    }
  }

  async _nextv(size: number): Promise<Entry[]> {
    const before = this.#last;
    const entries: Entry[] = [];
    try {
      while (entries.length < size) {
        const entry = await this._next();
        if (entry === undefined) break;
        entries.push(entry);
      }
    } catch (error) {
      // The caller gets none of these now, and so has to get them next time.
      this.#goOnAfter(before);
      throw error;
    }
    return entries;
  }

  async _all(): Promise<Entry[]> {
    const { limit } = this.#options;
    return this._nextv(limit < 0 ? Infinity : limit - this.count);
  }

  _seek(target: Uint8Array): void {
    this.#drop();
    const { start, end } = this.#bounds;
    const { reverse } = this.#options;
    const at = reverse ? this.#keys.above(target) : this.#keys.whole(target);
    this.#range = reverse
      ? { start, end: Buffer.compare(at, end) < 0 ? at : end }
      : { start: Buffer.compare(at, start) > 0 ? at : start, end };
    this.#last = null;
    this.#entries = this.#from(this.#range);
  }

  async _close(): Promise<void> {
    this.#drop();
  }

  /** A generator that has thrown says from then on that it is at its end, and a caller who asks again would take that for the data's. */
  #goOnAfter(last: Uint8Array | null): void {
    this.#last = last;
    const { start, end } = this.#range;
    const rest = this.#options.reverse
      ? { start, end: last ?? end }
      : { start: last === null ? start : above(last), end };
    this.#entries = this.#from(rest);
  }

  #drop(): void {
    // No caller reads the page that is under way.
    this.#entries?.return(undefined).catch(() => {});
    this.#entries = null;
  }

  async *#from(range: KeyRange): AsyncGenerator<KeyEntry | KeyValue> {
    const selector = selectorOf(range);
    const revision = await this.#revision;
    // At revision 0 nothing had been written.
    if (selector === null || revision === 0) return;
    const { reverse, limit, values } = this.#options;
    const options: RangeOptions = { revision, reverse, ...(limit > 0 ? { limit } : {}) };
    if (values) yield* this.#client.range(selector, options);
    else yield* this.#client.keys(selector, options);
  }

  #entry(entry: KeyEntry | KeyValue): Entry {
    const { keys } = this.#options;
    return [
      keys ? this.#keys.own(entry.key) : undefined,
      "value" in entry ? entry.value : undefined,
    ];
  }
}
