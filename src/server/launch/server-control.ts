/** Crashes, pauses and restarts of the servers of a local cluster, as an operator would make them. */
import { KvError } from "../../base/index.ts";
import {
  startLocalCluster,
  startLocalServer,
  stopLocalCluster,
  type LocalClusterOptions,
} from "./local-cluster.ts";
import type { LocalServer } from "./local-server.ts";

export class LocalServers {
  readonly #options: LocalClusterOptions;
  readonly #servers: Map<number, LocalServer>;
  readonly #paused = new Set<number>();
  /** Servers that this process told to end. */
  readonly #told = new WeakSet<LocalServer>();
  #onLost: ((node: number, farewell: string) => void) | null = null;

  /** Starts all and waits until each listens. @throws KvError when one cannot: then none runs */
  static async start(options: LocalClusterOptions): Promise<LocalServers> {
    return new LocalServers(options, await startLocalCluster(options));
  }

  private constructor(options: LocalClusterOptions, servers: readonly LocalServer[]) {
    this.#options = options;
    this.#servers = new Map(servers.map((server) => [server.node.id, server]));
    servers.forEach((server) => void this.#watch(server));
  }

  /**
   * Tells the last listener of each server that ends although this process did not tell it to.
   * @returns ends that
   */
  onLost(listener: (node: number, farewell: string) => void): () => void {
    this.#onLost = listener;
    return () => {
      if (this.#onLost === listener) this.#onLost = null;
    };
  }

  /** Neither crashed nor paused. */
  running(): readonly number[] {
    const running = [...this.#servers].filter(
      ([id, server]) => server.running && !this.#paused.has(id),
    );
    return running.map(([id]) => id);
  }

  /** Those that are paused. */
  paused(): readonly number[] {
    return [...this.#paused].filter((id) => this.#server(id).running);
  }

  /** kill -9; also of a paused one. */
  async crash(id: number): Promise<void> {
    const server = this.#alive(id);
    this.#told.add(server);
    await server.kill();
    this.#paused.delete(id);
  }

  /** Starts it again, on its own data. One that still runs is stopped first, as a clean restart; a paused one is killed. */
  async restart(id: number): Promise<void> {
    const before = this.#server(id);
    if (this.#paused.has(id)) await this.crash(id);
    this.#told.add(before);
    await before.stop();
    const server = startLocalServer(before.node, this.#options);
    this.#servers.set(id, server);
    await server.ready();
    void this.#watch(server);
  }

  /** SIGSTOP: its sockets stay open, and it says nothing. */
  async pause(id: number): Promise<void> {
    const server = this.#alive(id);
    if (this.#paused.has(id))
      throw new KvError(
        "BAD_REQUEST",
        `node ${id} is paused already: \`resume ${id}\` lets it go on`,
      );
    server.signal("SIGSTOP");
    this.#paused.add(id);
  }

  async resume(id: number): Promise<void> {
    const server = this.#alive(id);
    if (!this.#paused.delete(id))
      throw new KvError("BAD_REQUEST", `node ${id} is not paused: nothing to resume`);
    server.signal("SIGCONT");
  }

  async stop(): Promise<void> {
    // A paused process would not see the request to stop.
    for (const id of this.#paused) this.#server(id).signal("SIGCONT");
    for (const server of this.#servers.values()) this.#told.add(server);
    await stopLocalCluster([...this.#servers.values()]);
  }

  async #watch(server: LocalServer): Promise<void> {
    await server.exited;
    if (!this.#told.has(server)) this.#onLost?.(server.node.id, server.farewell);
  }

  #alive(id: number): LocalServer {
    const server = this.#server(id);
    if (server.running) return server;
    throw new KvError("BAD_REQUEST", `node ${id} does not run: \`restart ${id}\` starts it`);
  }

  #server(id: number): LocalServer {
    const server = this.#servers.get(id);
    if (server !== undefined) return server;
    const ids = [...this.#servers.keys()].join(", ");
    throw new KvError("UNKNOWN_NODE", `there is no node ${id}: the nodes are ${ids}`);
  }
}
