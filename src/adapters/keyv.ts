/**
 * A store for Keyv, and through it for cache-manager and every other library that takes a Keyv:
 *
 *     import Keyv from "keyv";
 *     import { KeyvOmnikv } from "omnikv/keyv";
 *     const cache = new Keyv({ store: new KeyvOmnikv(client), namespace: "users" });
 *
 * @module omnikv/keyv
 */
import { EventEmitter } from "node:events";
import { KvError } from "../base/index.ts";
import { isOurs, Place, type AdapterClient, type AdapterOptions } from "./place.ts";

export type { AdapterClient, AdapterOptions } from "./place.ts";

/** One read asks for so many keys. */
const KEYS_MAX = 1024;

interface KeyvEntry {
  readonly key: string;
  readonly value: unknown;
}

/**
 * Keeps the texts that Keyv serializes, under `keyv/` unless another prefix is given. Keyv writes the end of a value into its text, and
 * checks it when it reads: an expired value is not seen any more, and takes room until it is written again or cleared.
 *
 * Make one for each Keyv. Keyv tells a store its namespace when it is made, and not with later requests: a store that was told two
 * cannot know which of them `clear` means, and refuses it.
 *
 * Promises reject with a KvError. Keyv makes an `error` event of it, answers as if there were nothing, or false, and throws the error only
 * with `throwOnErrors`.
 */
export class KeyvOmnikv extends EventEmitter {
  /** Keyv only iterates over stores whose names it knows, and looks for the name here; of those names, etcd is nearest to this one. */
  readonly opts: { readonly dialect: string; readonly url: string } & Record<string, unknown>;
  readonly #place: Place;
  #namespace: string | undefined = undefined;
  /** Two of the namespaces that were set, if there are so many. */
  readonly #namespaces = new Set<string | undefined>();
  /** A key without the namespace before it was asked for. */
  #isOutside = false;

  /**
   * @param client is not closed by the adapter
   * @throws KvError BAD_REQUEST that names the argument
   */
  constructor(client: AdapterClient, options: AdapterOptions = {}) {
    super();
    this.#place = new Place(client, options, "keyv/");
    this.opts = { dialect: "etcd", url: "omnikv:" };
  }

  /** Set by Keyv: its keys begin with it and a colon. */
  get namespace(): string | undefined {
    return this.#namespace;
  }

  set namespace(namespace: string | undefined) {
    // Not refused here: Keyv's own tests have two Keyvs on one store, and most of their requests do not depend on it.
    this.#namespace = namespace;
    if (!this.#isShared) this.#namespaces.add(namespace);
  }

  /** The text that Keyv has serialized; undefined: there is none. */
  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      const read = await this.#place.client.read(this.#key(key));
      return read.text() as Value | undefined;
    } catch (error) {
      // Keyv passes on what a store emits, and of a read that rejects it makes a miss, and says nothing.
      if (this.listenerCount("error") > 0) this.emit("error", error);
      throw error;
    }
  }

  /** Values of up to 1,024 keys, all of one state of the store. */
  async getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]> {
    const found: (Value | undefined)[] = [];
    for (let i = 0; i < keys.length; i += KEYS_MAX) {
      const wanted = keys.slice(i, i + KEYS_MAX).map((key) => this.#key(key));
      const { results } = await this.#place.client.snapshot(wanted);
      found.push(...results.map((result) => result.text() as Value | undefined));
    }
    return found;
  }

  /** @throws KvError BAD_REQUEST for a value that is no text: Keyv was told not to serialize */
  async set(key: string, value: unknown): Promise<boolean> {
    await this.#place.client.write(this.#key(key), textIn(value));
    return true;
  }

  /** The writes travel together, but each takes effect by itself. True for each; rejects when one of them fails. */
  setMany(entries: readonly KeyvEntry[]): Promise<boolean[]>;
  /** So Keyv's type of a store has it, although Keyv hands what comes to its caller, whom it promises a truth value for each. */
  setMany(entries: readonly KeyvEntry[]): Promise<void>;
  async setMany(entries: readonly KeyvEntry[]): Promise<unknown> {
    return Promise.all(entries.map(({ key, value }) => this.set(key, value)));
  }

  /** Whether there was such a key. */
  async delete(key: string): Promise<boolean> {
    const { existed } = await this.#place.client.delete(this.#key(key));
    return existed;
  }

  /** Whether there was any of them. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const existed = await Promise.all(keys.map((key) => this.delete(key)));
    return existed.includes(true);
  }

  /**
   * Deletes all keys of the namespace, or all keys of this store where there is none.
   * @throws KvError BAD_REQUEST when it was given to Keyvs of different namespaces, or to one that does not put the namespace before its keys
   */
  async clear(): Promise<void> {
    if (this.#isShared) throw this.#shared("clear");
    if (this.#isOutside) throw this.#outside("clear");
    await this.#place.clear(this.#begin(this.namespace));
  }

  /**
   * Keys and values of one state of the store, in the order of the keys. A reader of this property, as Keyv is when it is made, gets a
   * function that iterates over the namespace that is set then.
   * @throws KvError BAD_REQUEST when the store was given to a Keyv of another namespace since, and as `clear`
   */
  get iterator(): <Value>(namespace?: string) => AsyncGenerator<[string, Value | undefined], void> {
    const own = this.namespace;
    return (namespace) => {
      if (this.#isShared && this.namespace !== own) throw this.#shared("iterator");
      if (this.#isOutside) throw this.#outside("iterator");
      return this.#iterate(namespace);
    };
  }

  /** Nothing to do: the client belongs to the program that made it. */
  async disconnect(): Promise<void> {}

  async *#iterate<Value>(
    namespace: string | undefined,
  ): AsyncGenerator<[string, Value | undefined], void> {
    const { client, prefix } = this.#place;
    for await (const entry of client.range({ prefix: prefix + this.#begin(namespace) })) {
      if (isOurs(entry)) yield [entry.keyText().slice(prefix.length), entry.text() as Value];
    }
  }

  /** @throws KvError BAD_REQUEST */
  #key(key: string): string {
    const whole = this.#place.key(key);
    if (!this.#isShared && !key.startsWith(this.#begin(this.namespace))) this.#isOutside = true;
    return whole;
  }

  get #isShared(): boolean {
    return this.#namespaces.size > 1;
  }

  #shared(what: string): KvError {
    const names = [...this.#namespaces].map((name) =>
      name === undefined ? "none" : JSON.stringify(name),
    );
    const text = `${what}: this store was given to Keyvs of different namespaces (${names.join(" and ")}) and cannot tell whose keys are meant: make one KeyvOmnikv for each Keyv`;
    return new KvError("BAD_REQUEST", text);
  }

  #outside(what: string): KvError {
    const text = `${what}: keys of this store do not begin with its namespace, ${JSON.stringify(this.namespace)}, as with useKeyPrefix: false, and none of them would be found: make the Keyv with \`namespace: ""\`, and give the store a prefix of its own`;
    return new KvError("BAD_REQUEST", text);
  }

  #begin(namespace: string | undefined): string {
    return namespace === undefined ? "" : `${namespace}:`;
  }
}

export default KeyvOmnikv;

function textIn(value: unknown): string {
  if (typeof value === "string") return value;
  const text = `value: expected text, got a value of type ${typeof value}: leave Keyv its serializer`;
  throw new KvError("BAD_REQUEST", text);
}
