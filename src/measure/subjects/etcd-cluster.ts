/** A throw-away cluster of etcd (Raft), with its defaults in everything that matters. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ClusterNode } from "../../server/config/index.ts";
import { pause } from "../pause.ts";
import type { Target } from "../workloads/target.ts";
import type { Cluster, MeasuredProcess } from "./cluster.ts";
import { makeDataDirectory } from "./data-directory.ts";
import { EtcdConnection } from "./etcd-connection.ts";
import { etcdStatus } from "./etcd-status.ts";
import { createEtcdTarget } from "./etcd-target.ts";
import type { Namespaces } from "./namespaces.ts";
import { loopbackNodes } from "./places.ts";

export interface EtcdClusterOptions {
  /** The program etcd. */
  readonly program: string;
  readonly size: number;
  readonly parent: string | null;
  /** Further flags for each server. */
  readonly flags?: readonly string[];
  /** One for each server; they go with the cluster. Default: all on this machine's loopback. */
  readonly hosts?: Namespaces | null;
}

const READY_MS = 30_000;
const POLL_MS = 50;
const STATUS_TIMEOUT_MS = 1000;

/** @returns null when it cannot be run */
export function etcdVersion(program: string): string | null {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /etcd Version: (\S+)/.exec(stdout ?? "")?.[1] ?? null;
}

export class EtcdCluster implements Cluster {
  readonly system = "etcd";
  readonly generator = "library/commands/etcd-generator.js";
  readonly clusterId = null;
  readonly secret = null;
  readonly nodes: readonly ClusterNode[];
  readonly #options: EtcdClusterOptions;
  readonly #dataDirectory: string;
  readonly #children: ChildProcess[];

  private constructor(options: EtcdClusterOptions, nodes: readonly ClusterNode[]) {
    this.nodes = nodes;
    this.#options = options;
    this.#dataDirectory = makeDataDirectory(options.parent);
    // Unlike our own servers they do not notice that we are gone.
    process.once("exit", this.#onExit);
    this.#children = nodes.map((node) => this.#spawn(node));
  }

  /** Resolves when the servers run; they may not have a leader yet. */
  static async start(options: EtcdClusterOptions): Promise<EtcdCluster> {
    try {
      const nodes = options.hosts?.places ?? (await loopbackNodes(options.size));
      return new EtcdCluster(options, nodes);
    } catch (error) {
      options.hosts?.dispose();
      throw error;
    }
  }

  get processes(): readonly MeasuredProcess[] {
    return this.#children.map(({ pid = 0 }, i) => ({ name: `e${i + 1}`, pid }));
  }

  /** Waits until every running server names the same leader. @returns its id */
  async leader(): Promise<number> {
    for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
      const running = this.nodes.filter(({ id }) => isRunning(this.#child(id)));
      const answers = await Promise.all(running.map((node) => etcdStatus(node, STATUS_TIMEOUT_MS)));
      const leaders = new Set(answers.map((answer) => answer?.leader ?? null));
      const [leader = null] = leaders;
      const index = answers.findIndex((answer) => answer?.member === leader);
      const found = running[index];
      if (leaders.size === 1 && leader !== null && found !== undefined) return found.id;
      await pause(POLL_MS);
    }
    throw new Error(`etcd has no leader after ${READY_MS / 1000} s; see ${this.#dataDirectory}`);
  }

  connect(): Target {
    return createEtcdTarget(this.nodes.map(({ host, port }) => new EtcdConnection(host, port)));
  }

  async kill(node: number): Promise<void> {
    const child = this.#child(node);
    if (!isRunning(child)) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  async restart(node: number): Promise<void> {
    await this.kill(node);
    const place = this.nodes[node - 1];
    if (place !== undefined) this.#children[node - 1] = this.#spawn(place);
  }

  /** @throws Error with the last line of a server that has ended */
  checkAlive(): void {
    const ended = this.nodes.find(({ id }) => !isRunning(this.#child(id)));
    if (ended === undefined) return;
    const said = readFileSync(this.#logFile(ended.id), "utf8").trim().split("\n").at(-1);
    throw new Error(`etcd server ${ended.id} ended: ${said ?? "nothing"}`);
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map(({ id }) => this.kill(id)));
    this.#options.hosts?.dispose();
    rmSync(this.#dataDirectory, { recursive: true, force: true });
    process.off("exit", this.#onExit);
  }

  readonly #onExit = (): void => {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.#dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  };

  #child(node: number): ChildProcess {
    const child = this.#children[node - 1];
    if (child === undefined) throw new Error(`there is no etcd server ${node}`);
    return child;
  }

  #logFile(node: number): string {
    return join(this.#dataDirectory, `e${node}.log`);
  }

  #spawn(node: ClusterNode): ChildProcess {
    const { program, flags = [], hosts = null } = this.#options;
    const log = openSync(this.#logFile(node.id), "a");
    const command = [...(hosts?.wrap(node.id) ?? []), program, ...this.#flags(node), ...flags];
    const [first = program, ...args] = command;
    // Not of our process group: Ctrl-C is for us, and we see to them.
    const child = spawn(first, args, { detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    return child;
  }

  #flags({ id, host, port, peerPort }: ClusterNode): readonly string[] {
    const client = `http://${host}:${port}`;
    const peer = `http://${host}:${peerPort}`;
    const members = this.nodes.map((node) => `e${node.id}=http://${node.host}:${node.peerPort}`);
    const flags = {
      name: `e${id}`,
      "data-dir": join(this.#dataDirectory, `e${id}`),
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": members.join(","),
      "initial-cluster-state": "new",
      logger: "zap",
      "log-level": "warn",
    };
    return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
