/** A node within a program, as the program sees it. */
import { observeRequest } from "../client/diagnostics/index.ts";
import { KvError, secretsNow } from "../base/index.ts";
import type { AdminClientOptions } from "../client/admin/index.ts";
import type { KvClient, KvClientOptions } from "../client/index.ts";
import { ADMIN_OPTION_NAMES, CLIENT_OPTION_NAMES } from "../client/core/index.ts";
import { badArgument, namesOf, unknownName, wrongRequestOptions } from "../client/terms/index.ts";
import type { AdminClient } from "../client/api/index.ts";
import { createNodeRandom, nodeClock } from "../machine/runtime/index.ts";
import type { Network } from "../machine/ports/index.ts";
import type { ServerOptions } from "../server/process/index.ts";
import { KeptAdminClient, KeptClient } from "./kept-clients.ts";
import type { NodeError } from "./node-error.ts";

type Given =
  "nodes" | "clock" | "random" | "network" | "observe" | "secret" | "clusterId" | "firstNode";

/** As those of `createClient`, without the options that are known within a process: where the node is, and its secret. */
export type LocalClientOptions = Omit<KvClientOptions, Given>;
/** As `LocalClientOptions`, of `admin`. */
export type LocalAdminOptions = Omit<AdminClientOptions, Given>;

const KNOWN: readonly string[] = ["secret", "clusterId", "firstNode"];

/** @throws KvError BAD_REQUEST that names the option */
function checkLocal(options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw badArgument("options", "an object", options);
  }
  const wrong = unknownName(options, new Set(names.filter((name) => !KNOWN.includes(name))));
  if (wrong !== null) throw wrong;
}

/** How a node has ended. */
export type NodeEnd =
  | { readonly reason: "stopped" }
  /** It cannot go on; nothing was acknowledged after that. The program may start it again, once the reason is gone. */
  | { readonly reason: "failed"; readonly error: NodeError };

export interface EmbeddedNodeParts {
  readonly options: ServerOptions;
  /** Whether clients of other processes can connect. */
  readonly listens: boolean;
  /** Where its clients in this process find it. */
  readonly indoors: Network;
  readonly ended: Promise<NodeEnd>;
  /** As `Node.whenServed`. */
  readonly whenServed: (done: (error: KvError | null) => void) => void;
  readonly retire: () => void;
}

/** Time for a cluster to have a leader, `ready` of it. */
const READY_TIMEOUT_MS = 30_000;
const READY_NAMES = namesOf<{ readonly timeoutMs?: number }>({ timeoutMs: true });
/** A node that has refused for want of a leader is asked again so soon. */
const READY_AGAIN_MS = 50;

/**
 * A node of the cluster in this process. It listens, recovers and takes part by itself; `client` makes clients that ask it
 * without a socket. It keeps the process alive until it has ended.
 *
 *     await using node = await startNode({ dataDir: "data/a" });
 */
export class EmbeddedNode implements AsyncDisposable {
  /** Its number among the members. */
  readonly id: number;
  /** Where clients of other processes, management and browsers reach it; null: nowhere. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Resolves when it has ended, by `stop` or because it cannot go on; never rejects. */
  readonly ended: Promise<NodeEnd>;
  readonly #parts: EmbeddedNodeParts;
  readonly #clients = new Set<{ close(): void }>();
  readonly #letGo = (client: { close(): void }): void => void this.#clients.delete(client);
  #isOver = false;

  /** @internal `startNode` makes them. */
  constructor(parts: EmbeddedNodeParts) {
    const { nodeId, clientAddress } = parts.options.node;
    this.id = nodeId;
    this.address = parts.listens ? clientAddress : null;
    this.ended = parts.ended;
    this.#parts = parts;
    void this.ended.then(() => this.#closeClients());
  }

  /**
   * A client that asks this node, in memory, with the same checks and limits as any other. The node asks the rest of the cluster where
   * that is needed. It is closed with the node, or by its own `close`.
   * @throws KvError BAD_REQUEST that names the option
   */
  client(options: LocalClientOptions = {}): KvClient {
    checkLocal(options, CLIENT_OPTION_NAMES);
    const given = { ...options, ...this.#place(), ...this.#machine(), observe: observeRequest };
    return this.#kept(new KeptClient(given, this.#letGo));
  }

  /**
   * Management of this node, in memory: `node.admin().status(node.id)`.
   * @throws KvError BAD_REQUEST that names the option
   */
  admin(options: LocalAdminOptions = {}): AdminClient {
    checkLocal(options, ADMIN_OPTION_NAMES);
    const given = { ...options, ...this.#place(), ...this.#machine() };
    return this.#kept(new KeptAdminClient(given, this.#letGo));
  }

  /**
   * Resolves when the node serves: there is a leader, and a majority behind it. Start the other nodes before you wait for it. It needs no
   * rights, and so no user while access control is on.
   * @param options `timeoutMs`: at most so many milliseconds; default 30,000
   * @throws KvError NO_QUORUM or TIMEOUT when it does not in time; CANCELLED when it is stopped meanwhile
   */
  async ready(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const wrong = wrongRequestOptions(options, READY_NAMES);
    if (wrong !== null) throw wrong;
    const { timeoutMs = READY_TIMEOUT_MS } = options;
    if (this.#isOver) throw this.#hasEnded();
    let last = new KvError("TIMEOUT", `node ${this.id} did not serve within ${timeoutMs} ms`);
    await new Promise<void>((resolve, reject) => {
      const cancel = nodeClock.after(timeoutMs, () => over(() => reject(last)));
      let isOver = false;
      const over = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        cancel();
        settle();
      };
      const answered = (error: KvError | null): void => {
        if (isOver) return;
        if (error === null) return over(resolve);
        if (!error.retryable) return over(() => reject(error));
        last = error;
        nodeClock.after(READY_AGAIN_MS, ask);
      };
      const ask = (): void => {
        if (!isOver) this.#parts.whenServed(answered);
      };
      const text = `node ${this.id} was stopped before it served`;
      void this.ended.then(() => over(() => reject(new KvError("CANCELLED", text))));
      ask();
    });
  }

  /**
   * Ends the node: hands leadership over if it leads, refuses new requests, writes what is under way, frees ports and directory. May be
   * called again, also of a node that has failed.
   * @returns how it has ended
   */
  stop(): Promise<NodeEnd> {
    this.#isOver = true;
    this.#parts.retire();
    return this.ended;
  }

  /** As `stop`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #kept<Client extends { close(): void }>(client: Client): Client {
    if (this.#isOver) {
      client.close();
      throw this.#hasEnded();
    }
    this.#clients.add(client);
    return client;
  }

  #hasEnded(): KvError {
    return new KvError("SHUTTING_DOWN", `node ${this.id} has ended or is about to`);
  }

  #place(): Pick<KvClientOptions, "nodes" | "secret" | "clusterId"> {
    const { node } = this.#parts.options;
    return {
      nodes: [{ id: node.nodeId, ...node.clientAddress }],
      clusterId: node.clusterId,
      secret: node.secret === null ? null : () => secretsNow(node.secret)[0] ?? "",
    };
  }

  #machine(): Pick<KvClientOptions, "clock" | "random" | "network"> {
    return { clock: nodeClock, random: createNodeRandom(), network: this.#parts.indoors };
  }

  #closeClients(): void {
    this.#isOver = true;
    for (const client of this.#clients) client.close();
    this.#clients.clear();
  }
}
