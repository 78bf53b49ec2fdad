/** Management that is loaded when it is first used: the tables that check it are most of what this library would load. */
import type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import type { AdminClient as Loaded, AdminClientOptions } from "../admin/index.ts";
import { addressesIn, checkClientOptions } from "../core/index.ts";
import type { RequestOptions } from "../terms/index.ts";

/**
 * Asks nodes for their state and changes their links. Promises reject with a KvError; every operation may be repeated
 * without harm. Connections are made when they are needed; `close` ends them, until then they keep the process alive.
 */
export class AdminClient {
  readonly #options: AdminClientOptions;
  #loaded: Promise<Loaded> | null = null;
  #closed = false;

  /** @throws KvError BAD_REQUEST that names the option, what was expected and what came */
  constructor(options: AdminClientOptions) {
    checkClientOptions(options);
    this.#options = { ...options, nodes: addressesIn(options.nodes) };
  }

  /**
   * Asks one node.
   * @param node the id of the node that is asked
   * @param op what is asked: "status", "getLinks", "breakLink", "restoreLink", "setFault", "setFaults", "heal", "listKeys",
   *   "setQuota", "setHistory", "getHistory", "compact"
   * @param params what the operation takes, `{}` for those that take nothing
   * @param options `timeoutMs` is counted from when the request is ready to be sent: the first one loads first
   * @returns a promise that rejects with a KvError: BAD_REQUEST for a wrong argument, UNKNOWN_NODE when no node has this id,
   *   TIMEOUT, CANCELLED by the signal or by `close`, OVERLOADED, FORBIDDEN, UNAUTHORIZED, or why there is no connection
   */
  async call<Op extends AdminOp>(
    node: number,
    op: Op,
    params: AdminParams<Op>,
    options?: Omit<RequestOptions, "node">,
  ): Promise<AdminResult<Op>> {
    this.#loaded ??= this.#load();
    return (await this.#loaded).call(node, op, params, options);
  }

  /** Rejects what has no answer yet (CANCELLED) and ends the connections. What is asked later is rejected too. */
  close(): void {
    this.#closed = true;
    // Whoever called was told why it could not be loaded.
    this.#loaded?.then(
      (client) => client.close(),
      () => {},
    );
  }

  async #load(): Promise<Loaded> {
    const module = await import("../admin/index.ts");
    const client = new module.AdminClient(this.#options);
    if (this.#closed) client.close();
    return client;
  }
}
