/**
 * A driver for unstorage, and through it for Nitro and Nuxt:
 *
 *     import { createStorage } from "unstorage";
 *     import { omnikvDriver } from "omnikv/unstorage";
 *     const storage = createStorage({ driver: omnikvDriver({ client }) });
 *
 * @module omnikv/unstorage
 */
import { KvError, LEASE_TTL_MAX_MS, LEASE_TTL_MIN_MS } from "../base/index.ts";
import { badArgument, namesOf } from "../client/terms/index.ts";
import { isOurs, Place, type AdapterClient, type AdapterOptions } from "./place.ts";

export type { AdapterClient, AdapterOptions } from "./place.ts";

/** Keys of one read. */
const KEYS_MAX = 1024;

/** Options of a driver. */
export interface OmnikvDriverOptions extends AdapterOptions {
  /** Is not closed by the driver. */
  readonly client: AdapterClient;
}

const OPTION_NAMES = namesOf<OmnikvDriverOptions>({ client: true, prefix: true });

/** The metadata of an item. A type, so that it passes for the open one of unstorage. */
export type OmnikvItemMeta = {
  /** Bytes of its value. */
  readonly size: number;
  /** The revision at which it was last written, at which it came to be, and how often it was written since. */
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
};

/** As unstorage wants it. */
export interface OmnikvDriver {
  /** As unstorage tells it. */
  readonly name: "omnikv";
  /** What it was made with. */
  readonly options: OmnikvDriverOptions;
  /** The client. */
  getInstance(): AdapterClient;
  /** Whether there is such an item. */
  hasItem(key: string): Promise<boolean>;
  /** Its text; null: there is none. */
  getItem(key: string): Promise<string | null>;
  /** Its bytes; null: there is none. */
  getItemRaw(key: string): Promise<Uint8Array | null>;
  /** All of one state of the store, up to 1,024 of them. */
  getItems(
    items: readonly { readonly key: string }[],
  ): Promise<{ key: string; value: string | null }[]>;
  /** With `ttl`, in seconds, the item goes after so long, by the clock of the cluster; until then, or until it is written again, it has one of the cluster's leases. */
  setItem(key: string, value: string, options?: object): Promise<void>;
  /** Text or bytes. As `setItem`. @throws KvError BAD_REQUEST for anything else */
  setItemRaw(key: string, value: unknown, options?: object): Promise<void>;
  /** They travel together; each takes effect by itself. */
  setItems(
    items: readonly { readonly key: string; readonly value: string; readonly options?: object }[],
  ): Promise<void>;
  /** That there is none is all right. */
  removeItem(key: string): Promise<void>;
  /** Null: there is no such item. */
  getMeta(key: string): Promise<OmnikvItemMeta | null>;
  /** Those that begin with the base, in order, of one state of the store. */
  getKeys(base?: string): Promise<string[]>;
  /** Those that begin with the base. */
  clear(base?: string): Promise<void>;
  /**
   * Tells what anybody writes, removes, or leaves to its `ttl`, from now on, in order. An error that ends it is a warning of the process.
   * @returns a function that ends it
   */
  watch(callback: (event: "update" | "remove", key: string) => void): Promise<() => void>;
  /** Ends what it watches. */
  dispose(): void;
}

/**
 * Items lie under `unstorage/`, unless another prefix is given. `getItems` reads one state of the store, and so does `getKeys`.
 * @throws KvError BAD_REQUEST that names the option
 */
export function omnikvDriver(options: OmnikvDriverOptions): OmnikvDriver {
  const place = new Place(options?.client, options, "unstorage/", OPTION_NAMES);
  const { client } = place;
  const followers = new Set<Follower>();
  const set = async (key: string, value: string | Uint8Array, given?: object): Promise<void> => {
    const seconds = ttlIn(given);
    await client.write(
      place.key(key),
      value,
      seconds === undefined ? {} : { ttl: leaseTtl(seconds) },
    );
  };
  return {
    name: "omnikv",
    options,
    getInstance: () => client,
    hasItem: async (key) => (await client.read(place.key(key))).found,
    getItem: async (key) => (await client.read(place.key(key))).text() ?? null,
    getItemRaw: async (key) => {
      const read = await client.read(place.key(key));
      return read.found ? read.value : null;
    },
    getItems: async (items) => {
      const found: { key: string; value: string | null }[] = [];
      for (let i = 0; i < items.length; i += KEYS_MAX) {
        const wanted = items.slice(i, i + KEYS_MAX);
        const { results } = await client.snapshot(wanted.map(({ key }) => place.key(key)));
        for (const [j, { key }] of wanted.entries()) {
          found.push({ key, value: results[j]?.text() ?? null });
        }
      }
      return found;
    },
    setItem: set,
    setItemRaw: (key, value, given) => set(key, bytesIn(value), given),
    setItems: async (items) => {
      await Promise.all(items.map(({ key, value, options: given }) => set(key, value, given)));
    },
    removeItem: async (key) => {
      await client.delete(place.key(key));
    },
    getMeta: async (key) => {
      const read = await client.read(place.key(key));
      if (!read.found) return null;
      const { value, modRevision, createRevision, version } = read;
      return { size: value.length, revision: modRevision, createRevision, version };
    },
    getKeys: async (base = "") => {
      const keys: string[] = [];
      for await (const key of place.keys(base)) keys.push(key);
      return keys;
    },
    clear: (base = "") => place.clear(base),
    watch: async (callback) => {
      const follower = new Follower(place, callback);
      followers.add(follower);
      const end = (): void => {
        followers.delete(follower);
        follower.end();
      };
      try {
        await follower.begun;
      } catch (error) {
        end();
        throw error;
      }
      return end;
    },
    dispose: () => {
      for (const follower of followers) follower.end();
      followers.clear();
    },
  };
}

export default omnikvDriver;

type Watch = ReturnType<AdapterClient["watch"]>;
type Tell = (event: "update" | "remove", key: string) => void;

/** Tells of the events of a place until it is ended. */
class Follower {
  /** Resolves when no event can be missed any more. */
  readonly begun: Promise<unknown>;
  readonly #place: Place;
  readonly #tell: Tell;
  #watch: Watch;
  #isOver = false;

  constructor(place: Place, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
    this.#watch = place.client.watch({ prefix: place.prefix });
    this.begun = this.#watch.created;
    void this.#follow();
  }

  end(): void {
    this.#isOver = true;
    this.#watch.close();
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      const error = await this.#eachEvent();
      if (error === null || this.#isOver || error.code === "CANCELLED") return;
      if (error.code !== "COMPACTED") return process.emitWarning(error);
      // Out of reach for so long that the cluster has given these events up: what comes from now on is told.
      this.#watch = this.#place.client.watch({ prefix: this.#place.prefix });
    }
  }

  /** What the callback throws concerns it alone: it is told of the next event, and so is everybody else. */
  #call(...event: Parameters<Tell>): void {
    try {
      this.#tell(...event);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  /** @returns why there are no more; null: it was ended */
  async #eachEvent(): Promise<KvError | null> {
    const { prefix } = this.#place;
    for (;;) {
      const item = await this.#watch.next().catch((error: unknown) => asKvError(error));
      if (item instanceof KvError) return item;
      if (item.done === true) return null;
      for (const { type, key } of item.value.events) {
        if (this.#isOver || !isOurs({ key })) continue;
        const text = Buffer.from(key).toString("utf8");
        this.#call(type === "put" ? "update" : "remove", text.slice(prefix.length));
      }
    }
  }
}

function asKvError(error: unknown): KvError {
  if (error instanceof KvError) return error;
  throw error;
}

/** As other drivers have it: seconds. */
function ttlIn(options: object | undefined): number | undefined {
  const ttl: unknown = options !== undefined && "ttl" in options ? options.ttl : undefined;
  if (ttl === undefined || (typeof ttl === "number" && Number.isFinite(ttl) && ttl > 0)) return ttl;
  throw badArgument("ttl", "seconds, more than 0", ttl);
}

/** Caches ask for any time; a lease has bounds. */
function leaseTtl(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds * 1000), LEASE_TTL_MIN_MS), LEASE_TTL_MAX_MS);
}

function bytesIn(value: unknown): string | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const text = `value: expected text or bytes, got a value of type ${typeof value}`;
  throw new KvError("BAD_REQUEST", text);
}
