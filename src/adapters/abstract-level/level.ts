/**
 * The store as an abstract-level database, and through it for every library that takes one:
 *
 *     import { OmnikvLevel } from "omnikv/abstract-level";
 *     const db = new OmnikvLevel(client, { valueEncoding: "json" });
 *     await db.put("a", { x: 123 });
 *     for await (const [key, value] of db.iterator({ gt: "a" })) …
 */
import { AbstractLevel, type AbstractDatabaseOptions } from "abstract-level";
import { TXN_OPS_MAX, TXN_PARTS_MAX } from "../../base/index.ts";
import type { TxnOperation } from "../../client/txn/index.ts";
import { badArgument, type ReadResult, type Revision } from "../../client/terms/index.ts";
import { deleteAll, Place, type AdapterClient, type AdapterOptions } from "../place.ts";
import { OmnikvIterator, type IteratorOptions } from "./iterator.ts";
import { Keys, selectorOf, type Bounds } from "./keys.ts";
import { Moments } from "./moments.ts";
import { OmnikvSnapshot } from "./snapshot.ts";

/** As abstract-level knows them, and the place of the entries. */
export interface OmnikvLevelOptions<K, V> extends AbstractDatabaseOptions<K, V>, AdapterOptions {}

interface Read {
  readonly snapshot?: OmnikvSnapshot;
}
type Operation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: Uint8Array };

/** Keys of one read. */
const KEYS_MAX = 1024;
/** A batch is put into lists within one transaction, and each of them counts as an operation of it. */
const BATCH_MAX = TXN_PARTS_MAX - TXN_PARTS_MAX / TXN_OPS_MAX;

/**
 * Entries lie under `level/`, unless another prefix is given. Keys, with the prefix, have 4 KiB at most, and values 1 MiB. Any number of
 * databases, in any number of programs, may be open on the same entries: there is no lock.
 *
 * Reads see every write that was answered, to anybody, before. Iterators and snapshots are of one revision of the store, which must
 * not be compacted while they are used: then reads reject with COMPACTED. A batch is one transaction of 1,016 operations and 4 MiB
 * at most. `clear` deletes what it has found, in several transactions.
 *
 * When the store refuses a request, the promise rejects with its KvError.
 */
export class OmnikvLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  Uint8Array,
  KDefault,
  VDefault
> {
  readonly #client: AdapterClient;
  readonly #keys: Keys;
  readonly #moments: Moments;

  /**
   * @param client is not closed with the database
   * @throws KvError BAD_REQUEST that names the argument
   */
  constructor(client: AdapterClient, options: OmnikvLevelOptions<KDefault, VDefault> = {}) {
    const place = new Place(client, options, "level/", null);
    // Hooks of the program that opens the database see the options that are handed on.
    const { prefix: _, ...rest } = options;
    super(
      {
        encodings: { view: true },
        implicitSnapshots: true,
        explicitSnapshots: true,
        has: true,
        seek: true,
      },
      rest,
    );
    this.#client = client;
    this.#keys = new Keys(place.prefix);
    this.#moments = new Moments(client, this.#keys.whole(new Uint8Array()));
  }

  /** @internal For abstract-level. */
  async _get(key: Uint8Array, options: Read): Promise<Uint8Array | undefined> {
    const [value] = await this._getMany([key], options);
    return value;
  }

  /** @internal For abstract-level. */
  async _getMany(keys: readonly Uint8Array[], options: Read): Promise<(Uint8Array | undefined)[]> {
    const whole = keys.map((key) => this.#keys.whole(key));
    const { snapshot } = options;
    if (snapshot !== undefined) return this.#readAt(whole, await snapshot.revision);
    if (whole.length > KEYS_MAX) return this.#readAt(whole, await this.#moments.now());
    const { results } = await this.#moments.read(this.#client.snapshot(whole));
    return results.map(valueOf);
  }

  /** @internal For abstract-level. */
  async _has(key: Uint8Array, options: Read): Promise<boolean> {
    const [found] = await this._hasMany([key], options);
    return found === true;
  }

  /** @internal For abstract-level. */
  async _hasMany(keys: readonly Uint8Array[], options: Read): Promise<boolean[]> {
    const values = await this._getMany(keys, options);
    return values.map((value) => value !== undefined);
  }

  /** @internal For abstract-level. */
  async _put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#moments.passed();
    await this.#client.write(this.#keys.whole(key), value);
  }

  /** @internal For abstract-level. */
  async _del(key: Uint8Array): Promise<void> {
    await this.#moments.passed();
    await this.#client.delete(this.#keys.whole(key));
  }

  /** @internal For abstract-level. */
  async _batch(operations: readonly Operation[]): Promise<void> {
    if (operations.length > BATCH_MAX) {
      throw badArgument("batch", `at most ${BATCH_MAX} operations`, operations);
    }
    await this.#moments.passed();
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    await this.#client.txn({ then: this.#lists(operations) });
  }

  /** @internal For abstract-level. */
  async _clear(options: Bounds & Read & { limit: number; reverse: boolean }): Promise<void> {
    const selector = selectorOf(this.#keys.range(options));
    if (selector === null) return;
    const { limit, reverse, snapshot } = options;
    const found: Uint8Array[] = [];
    const revision = await (snapshot?.revision ?? this.#moments.now());
    if (revision === 0) return;
    const rest = { revision, reverse, ...(limit > 0 ? { limit } : {}) };
    for await (const { key } of this.#client.keys(selector, rest)) found.push(key);
    await deleteAll(this.#client, found);
  }

  /** @internal For abstract-level. */
  _iterator(options: IteratorOptions & Read): OmnikvIterator {
    const revision = options.snapshot?.revision ?? this.#moments.now();
    const self = this as unknown as AbstractLevel<Uint8Array, unknown, unknown>;
    return new OmnikvIterator(self, options, this.#client, this.#keys, revision);
  }

  /** @internal For abstract-level. */
  _snapshot(options: object): OmnikvSnapshot {
    return new OmnikvSnapshot(options, this.#moments.now());
  }

  async #readAt(
    keys: readonly Uint8Array[],
    revision: Revision,
  ): Promise<(Uint8Array | undefined)[]> {
    // Nothing had been written.
    if (revision === 0) return keys.map(() => undefined);
    const found: (Uint8Array | undefined)[] = [];
    for (let i = 0; i < keys.length; i += KEYS_MAX) {
      const wanted = keys.slice(i, i + KEYS_MAX);
      const { results } = await this.#client.snapshot(wanted, { revision });
      found.push(...results.map(valueOf));
    }
    return found;
  }

  /** Of several operations on one key the last one counts: a transaction changes none twice. */
  #lists(operations: readonly Operation[]): readonly TxnOperation[] {
    const last = new Map<string, TxnOperation>();
    for (const operation of operations) {
      const key = this.#keys.whole(operation.key);
      last.set(
        Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1"),
        operation.type === "put"
          ? { op: "put", key, value: operation.value }
          : { op: "delete", key },
      );
    }
    const all = [...last.values()];
    if (all.length <= TXN_OPS_MAX) return all;
    const lists: TxnOperation[] = [];
    for (let i = 0; i < all.length; i += TXN_OPS_MAX) {
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      lists.push({ op: "txn", then: all.slice(i, i + TXN_OPS_MAX) });
    }
    return lists;
  }
}

function valueOf(read: ReadResult): Uint8Array | undefined {
  return read.found ? read.value : undefined;
}
