/** Management that is loaded when it is first used: the tables that check requests are most of what this library would load. */
import type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import type { AdminClientOptions, AdminCore } from "../admin/index.ts";
import { addressesIn, checkClientOptions } from "../core/index.ts";
import type { RequestOptions } from "../terms/index.ts";

/** How long an answer is waited for, and until when. */
export type AdminCallOptions = Omit<RequestOptions, "node">;

/** Of operations that take nothing. */
const NOTHING = Object.freeze({});

/**
 * Asks nodes for their state, and changes their links and the settings of the cluster: `admin.status(1)`. Promises reject with a KvError;
 * every operation may be repeated without harm. Connections are made when they are needed; `close` ends them, until then they keep the
 * process alive.
 */
export class AdminClient {
  readonly #options: AdminClientOptions;
  #loaded: Promise<AdminCore> | null = null;
  #closed = false;

  /** @throws KvError BAD_REQUEST that names the option, what was expected and what came */
  constructor(options: AdminClientOptions) {
    checkClientOptions(options);
    this.#options = { ...options, nodes: addressesIn(options.nodes) };
  }

  /**
   * Asks one node by the name of an operation. Most have a method of the same name, which is shorter; a backup has `takeBackup`.
   * @param node the id of the node that is asked
   * @param op what is asked
   * @param params what the operation takes, `{}` for those that take nothing
   * @param options `timeoutMs` is counted from when the request is ready to be sent: the first one loads first
   * @returns a promise that rejects with a KvError: BAD_REQUEST for a wrong argument, UNKNOWN_NODE when no node has this id,
   *   TIMEOUT, CANCELLED by the signal or by `close`, OVERLOADED, FORBIDDEN, UNAUTHORIZED, or why there is no connection
   */
  async call<Op extends AdminOp>(
    node: number,
    op: Op,
    params: AdminParams<Op>,
    options?: AdminCallOptions,
  ): Promise<AdminResult<Op>> {
    return (await this.#ready()).call(node, op, params, options);
  }

  /**
   * How the node stands: its role, the leader it follows, how far its log and its state are, its links, storage and
   * alarms.
   */
  status(node: number, options?: AdminCallOptions): Promise<AdminResult<"status">> {
    return this.call(node, "status", NOTHING, options);
  }

  /** The node's links to the others, and the faults that were set on them on purpose. */
  getLinks(node: number, options?: AdminCallOptions): Promise<AdminResult<"getLinks">> {
    return this.call(node, "getLinks", NOTHING, options);
  }

  /**
   * Breaks the link to a peer, in one direction or both, until it is restored or the node restarts. FORBIDDEN
   * without `--allow-faults`.
   */
  breakLink(
    node: number,
    params: AdminParams<"breakLink">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"breakLink">> {
    return this.call(node, "breakLink", params, options);
  }

  /** Makes the link to a peer whole again, in one direction or both. */
  restoreLink(
    node: number,
    params: AdminParams<"restoreLink">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"restoreLink">> {
    return this.call(node, "restoreLink", params, options);
  }

  /**
   * Has the link to a peer lose so many of a thousand messages, and delays the others by milliseconds. As
   * `breakLink`.
   */
  setFault(
    node: number,
    params: AdminParams<"setFault">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"setFault">> {
    return this.call(node, "setFault", params, options);
  }

  /**
   * Sets all faults of the node's links at once: every direction that is not named is whole afterwards. As
   * `breakLink`.
   */
  setFaults(
    node: number,
    params: AdminParams<"setFaults">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"setFaults">> {
    return this.call(node, "setFaults", params, options);
  }

  /** Makes every link of the node whole again. */
  heal(node: number, options?: AdminCallOptions): Promise<AdminResult<"heal">> {
    return this.call(node, "heal", NOTHING, options);
  }

  /** Keys of the node's own state that begin with a prefix, a page at a time, in order of their bytes. */
  listKeys(
    node: number,
    params: AdminParams<"listKeys">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"listKeys">> {
    return this.call(node, "listKeys", params, options);
  }

  /**
   * The settings of the cluster as the node has them: what its state may take in bytes, and the history that it
   * keeps. With `confirmed` they hold all that was answered before this call; a node that hears no quorum answers too, without it.
   */
  getSettings(node: number, options?: AdminCallOptions): Promise<AdminResult<"getSettings">> {
    return this.call(node, "getSettings", NOTHING, options);
  }

  /** How many bytes the state of all nodes may take. Answered when it holds at the node that was asked. */
  setQuota(
    node: number,
    params: AdminParams<"setQuota">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"setQuota">> {
    return this.call(node, "setQuota", params, options);
  }

  /** What the node has of the history, and what is set of it. */
  getHistory(node: number, options?: AdminCallOptions): Promise<AdminResult<"getHistory">> {
    return this.call(node, "getHistory", NOTHING, options);
  }

  /** How many overwritten and deleted versions all nodes keep. Null: the default. As `setQuota`. */
  setHistory(
    node: number,
    params: AdminParams<"setHistory">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"setHistory">> {
    return this.call(node, "setHistory", params, options);
  }

  /** Has all nodes forget what was before a revision: reads of older ones reject with COMPACTED. As `setQuota`. */
  compact(
    node: number,
    params: AdminParams<"compact">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"compact">> {
    return this.call(node, "compact", params, options);
  }

  /** Which user this client is to the node, and what it may do. Every client may ask. */
  whoami(node: number, options?: AdminCallOptions): Promise<AdminResult<"whoami">> {
    return this.call(node, "whoami", NOTHING, options);
  }

  /** All users and roles, as the node has them. CONFLICT when they changed again and again meanwhile. */
  async getAccess(node: number, options?: AdminCallOptions): Promise<AdminResult<"getAccess">> {
    const { wholeAccess } = await import("../admin/index.ts");
    return wholeAccess((params) => this.call(node, "getAccess", params, options));
  }

  /** Changes users, roles or permissions. Answered when the node that was asked has carried it out. */
  changeAccess(
    node: number,
    params: AdminParams<"changeAccess">,
    options?: AdminCallOptions,
  ): Promise<AdminResult<"changeAccess">> {
    return this.call(node, "changeAccess", params, options);
  }

  /** Rejects every request without an answer (CANCELLED) and ends the connections. Later requests are rejected too. */
  close(): void {
    this.#closed = true;
    // The caller of the request was told why the library could not be loaded.
    this.#loaded?.then(
      (client) => client.close(),
      () => {},
    );
  }

  async #ready(): Promise<AdminCore> {
    const loaded = (this.#loaded ??= this.#load());
    try {
      return await loaded;
    } catch (error) {
      // What failed once may go well the next time: a disk that was full, a function that could not read the secret.
      if (this.#loaded === loaded) this.#loaded = null;
      throw error;
    }
  }

  async #load(): Promise<AdminCore> {
    const module = await import("../admin/index.ts");
    const client = new module.AdminCore(this.#options);
    if (this.#closed) client.close();
    return client;
  }
}
