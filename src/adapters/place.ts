/** Every adapter has a client, and its own part of the store. */
import { afterPrefix, KvError } from "../base/index.ts";
import type { KvRequests } from "../client/index.ts";
import {
  badArgument,
  bytesOf,
  type KnownNames,
  namesOf,
  unknownName,
  wrongBytes,
} from "../client/terms/index.ts";

/** What an adapter needs of a client: one of `createClient`, of a node's `client()`, or a view (`withPrefix`) of either. */
export type AdapterClient = KvRequests;

/** Options of every adapter, beside the client. */
export interface AdapterOptions {
  /** The beginning of its keys. All such keys belong to the adapter. */
  readonly prefix?: string;
}

const OPTION_NAMES = namesOf<AdapterOptions>({ prefix: true });

/** Deletes of one transaction: it may hold no more. */
const DELETES_MAX = 128;
/** Of transactions that are all asked for at once the last ones would wait for longer than a request may. */
const DELETING_MAX = 8;

/** The keys of an adapter: those that begin with its prefix. */
export class Place {
  readonly client: AdapterClient;
  readonly prefix: string;

  /**
   * @param known the options of the adapter; null: the library to which it hands them on checks them
   * @throws KvError BAD_REQUEST when there is no client, the prefix is no text, or there is no such option
   */
  constructor(
    client: AdapterClient,
    options: AdapterOptions,
    defaultPrefix: string,
    known: KnownNames | null = OPTION_NAMES,
  ) {
    if (typeof client !== "object" || client === null || typeof client.txn !== "function") {
      throw badArgument("client", "one, as createClient makes it", client);
    }
    if (typeof options !== "object" || options === null) {
      throw badArgument("options", "an object", options);
    }
    const unknown = known === null ? null : unknownName(options, known);
    if (unknown !== null) throw unknown;
    const { prefix = defaultPrefix } = options;
    if (typeof prefix !== "string" || prefix === "") {
      throw badArgument("prefix", "a text that is not empty", prefix);
    }
    const wrong = wrongBytes("prefix", prefix);
    if (wrong !== null) throw wrong;
    this.client = client;
    this.prefix = prefix;
  }

  /** @throws KvError BAD_REQUEST */
  key(key: string): string {
    const wrong = wrongBytes("key", key);
    if (wrong !== null) throw wrong;
    return this.prefix + key;
  }

  /** Keys without the prefix that begin so, in order. */
  async *keys(begin = ""): AsyncGenerator<string> {
    for await (const entry of this.client.keys({ prefix: this.prefix + begin })) {
      if (isOurs(entry)) yield entry.keyText().slice(this.prefix.length);
    }
  }

  /** Deletes the keys that begin so, as of this call: keys that come to be meanwhile stay. */
  async clear(begin = ""): Promise<void> {
    const found: Uint8Array[] = [];
    for await (const { key } of this.client.keys({ prefix: this.prefix + begin })) found.push(key);
    await deleteAll(this.client, found);
  }
}

/** A stranger may have written a key that is no text: nothing of an adapter that knows only text can have it. */
export function isOurs({ key }: { readonly key: Uint8Array }): boolean {
  return Buffer.from(Buffer.from(key).toString("utf8"), "utf8").equals(key);
}

/** Deletes keys, many in one transaction, not all in one. When it rejects, nothing of it is under way any more. */
export async function deleteAll(client: AdapterClient, keys: readonly Uint8Array[]): Promise<void> {
  let next = 0;
  const deleteRest = async (): Promise<void> => {
    while (next < keys.length) {
      const some = keys.slice(next, next + DELETES_MAX);
      next += some.length;
      try {
        // oxlint-disable-next-line no-thenable -- a list, which nobody can call
        await client.txn({ then: some.map((key) => ({ op: "delete", key }) as const) });
      } catch (error) {
        next = keys.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: DELETING_MAX }, deleteRest));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
}

/** The first key that does not begin with the prefix any more, behind all that do. */
export function endOf(prefix: string): Uint8Array {
  const end = afterPrefix(bytesOf(prefix));
  if (end === null) throw new KvError("BAD_REQUEST", "prefix: text never consists of bytes 255");
  return end;
}
