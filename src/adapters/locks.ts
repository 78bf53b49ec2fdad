/**
 * Locks of the whole cluster for code that expects `navigator.locks`, the Web Locks API:
 *
 *     import { OmnikvLockManager } from "omnikv/locks";
 *     const locks = new OmnikvLockManager(client);
 *     await locks.request("report", async (lock) => { … });
 *
 * @module omnikv/locks
 */
import type { KvRequests } from "../client/index.ts";
import type { Lock, LockMode } from "../client/locks/index.ts";
import {
  badArgument,
  isPositive,
  namesOf,
  orAborted,
  unknownName,
  wrongBytes,
} from "../client/terms/index.ts";
import { KvError } from "../base/index.ts";

/** What a lock manager needs of a client: one of `createClient`, of a node's `client()`, or a view (`withPrefix`) of either. */
export type LocksClient = Pick<KvRequests, "locks">;

/** Options of a lock manager, beside the client. */
export interface LockManagerOptions {
  /** Milliseconds after which a lock is free again when this process has died or does not reach the cluster. Default 10,000. */
  readonly ttl?: number;
  /** Says in `query` who asks. Default: a random one of this manager. */
  readonly clientId?: string;
}

const OPTION_NAMES = namesOf<LockManagerOptions>({ ttl: true, clientId: true });

/** As of the Web Locks API. */
export interface LockRequestOptions {
  /** Default "exclusive". */
  readonly mode?: LockMode;
  /** Do not wait: when the lock is not free at once the function is called with null. */
  readonly ifAvailable?: boolean;
  /** Take the lock from its holders, whose requests reject with an AbortError. */
  readonly steal?: boolean;
  /** Gives up waiting: the request rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** A lock, as of the Web Locks API, with what `client.guarded` takes. */
export type GrantedLock = Lock;

/** As of the Web Locks API. */
export interface LockManagerInfo {
  readonly name: string;
  readonly mode: LockMode;
  readonly clientId: string;
}

/** As of the Web Locks API. */
export interface LockManagerSnapshot {
  readonly held: LockManagerInfo[];
  /** In the order in which the requests came. */
  readonly pending: LockManagerInfo[];
}

/**
 * The Web Locks API with its errors: a DOMException NotSupportedError for options that exclude each other and for names that begin with a
 * hyphen, AbortError for a holder whose lock was stolen, the signal's reason for a request that gave up. Everything else rejects with a
 * KvError: LEASE_LOST, which no browser has, when the cluster was not reached for as long as a lock lasts.
 *
 * Unlike in a browser, a lock can be lost while the function runs: look at `lock.signal`, and write with `client.guarded(lock)`.
 */
export class OmnikvLockManager {
  readonly #client: LocksClient;
  readonly #ttl: number | undefined;
  readonly #clientId: string;

  /**
   * @param client is not closed by the manager
   * @throws KvError BAD_REQUEST that names the argument
   */
  constructor(client: LocksClient, options: LockManagerOptions = {}) {
    if (typeof client !== "object" || client === null || !("locks" in client)) {
      throw badArgument("client", "one, as createClient makes it", client);
    }
    if (typeof options !== "object" || options === null) {
      throw badArgument("options", "an object", options);
    }
    const unknown = unknownName(options, OPTION_NAMES);
    if (unknown !== null) throw unknown;
    const { ttl, clientId = crypto.randomUUID() } = options;
    if (ttl !== undefined && !isPositive(ttl)) {
      throw badArgument("ttl", "milliseconds, a positive integer", ttl);
    }
    if (typeof clientId !== "string") throw badArgument("clientId", "a string", clientId);
    const wrong = wrongBytes("clientId", clientId);
    if (wrong !== null) throw wrong;
    this.#client = client;
    this.#ttl = ttl;
    this.#clientId = clientId;
  }

  /** Calls the function while it holds the lock. @returns what the function returns */
  request<T>(name: string, callback: (lock: GrantedLock) => Promise<T> | T): Promise<T>;
  request<T>(
    name: string,
    options: LockRequestOptions & { readonly ifAvailable?: false },
    callback: (lock: GrantedLock) => Promise<T> | T,
  ): Promise<T>;
  request<T>(
    name: string,
    options: LockRequestOptions,
    callback: (lock: GrantedLock | null) => Promise<T> | T,
  ): Promise<T>;
  async request<T>(
    name: string,
    second: LockRequestOptions | ((lock: GrantedLock) => Promise<T> | T),
    third?: (lock: GrantedLock) => Promise<T> | T,
  ): Promise<T> {
    const options = typeof second === "function" ? {} : second;
    const callback = typeof second === "function" ? second : third;
    checkOptions(name, options);
    if (typeof callback !== "function") throw new TypeError("callback: expected a function");
    const { mode = "exclusive", ifAvailable = false, steal = false, signal } = options;
    signal?.throwIfAborted();
    const asked = {
      mode,
      ifAvailable,
      steal,
      owner: this.#clientId,
      ...(signal === undefined ? {} : { signal }),
      ...(this.#ttl === undefined ? {} : { ttl: this.#ttl }),
    };
    /** An error of the function is its own, even if it looks like one of ours. */
    let thrown: { readonly error: unknown } | null = null;
    const call = async (lock: GrantedLock | null): Promise<T> => {
      try {
        return await (callback as (given: GrantedLock | null) => Promise<T> | T)(lock);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    // As in browsers, a holder whose lock is stolen hears of it at once, even if its function still runs: `request` looks at the signal.
    const carryOut = (lock: GrantedLock | null): Promise<T> =>
      lock === null ? call(null) : (orAborted(call({ ...lock, name }), lock.signal) as Promise<T>);
    try {
      return await this.#client.locks.request(escaped(name), asked, carryOut);
    } catch (error) {
      // The compiler does not see that the function has set it.
      const own = thrown as { readonly error: unknown } | null;
      if (own?.error === error || !(error instanceof KvError)) throw error;
      if (error.code === "CANCELLED" && signal?.aborted === true) throw signal.reason;
      if (error.code === "LOCK_LOST") throw exception("AbortError", error.message);
      throw error;
    }
  }

  /**
   * Who holds locks, and who waits for them, in one state of the store; 10,000 at most. The earlier requests of this process are among
   * them, unless the cluster takes longer than a second for one.
   */
  async query(): Promise<LockManagerSnapshot> {
    const { held, pending } = await this.#client.locks.query();
    const told = (infos: typeof held): LockManagerInfo[] =>
      infos.map(({ name, mode, owner }) => ({ name: unescaped(name), mode, clientId: owner }));
    return { held: told(held), pending: told(pending) };
  }
}

export default OmnikvLockManager;

/** No browser, and no other part of this module, has names that begin so. */
const ESCAPE = "-";

/** A name as a key, even if it has no bytes in UTF-8, or none at all. Names that differ in a browser differ here. */
function escaped(name: string): string {
  return name !== "" && name.isWellFormed() ? name : ESCAPE + JSON.stringify(name);
}

/** The name before it was escaped. A name of other programs stays as it is. */
function unescaped(name: string): string {
  if (!name.startsWith(`${ESCAPE}"`)) return name;
  try {
    const text: unknown = JSON.parse(name.slice(ESCAPE.length));
    return typeof text === "string" ? text : name;
  } catch {
    return name;
  }
}

/** @throws DOMException, TypeError as of the Web Locks API */
function checkOptions(name: string, options: LockRequestOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("options: expected an object");
  }
  const { mode = "exclusive", ifAvailable = false, steal = false, signal } = options;
  if (mode !== "exclusive" && mode !== "shared") {
    throw new TypeError('mode: expected "exclusive" or "shared"');
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError("signal: expected an AbortSignal");
  }
  if (typeof name !== "string") throw new TypeError("name: expected a string");
  if (name.startsWith("-")) throw unsupported("names that begin with a hyphen are reserved");
  if (steal && ifAvailable) throw unsupported("steal and ifAvailable exclude each other");
  if (steal && mode !== "exclusive") throw unsupported("a shared lock cannot be stolen");
  if (signal !== undefined && (steal || ifAvailable)) {
    throw unsupported("with steal or ifAvailable nothing is waited for: they take no signal");
  }
}

function unsupported(text: string): DOMException {
  return exception("NotSupportedError", text);
}

function exception(name: "AbortError" | "NotSupportedError", text: string): DOMException {
  return new DOMException(text, name);
}
