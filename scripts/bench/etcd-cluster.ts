/** A real etcd cluster on free ports, with its defaults in everything that matters. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePorts, makeDataDirectory } from "../../src/bench/throw-away-cluster.ts";

const HOST = "127.0.0.1";
const READY_MS = 30_000;

export interface EtcdNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** @returns its version, null when it cannot be run */
export function etcdVersion(program: string): string | null {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /etcd Version: (\S+)/.exec(stdout ?? "")?.[1] ?? null;
}

export class EtcdCluster {
  readonly nodes: readonly EtcdNode[];
  readonly dataDirectory: string;
  readonly #start: (index: number) => ChildProcess;
  readonly #children: ChildProcess[];

  private constructor(
    nodes: readonly EtcdNode[],
    dataDirectory: string,
    start: (index: number) => ChildProcess,
  ) {
    this.nodes = nodes;
    this.dataDirectory = dataDirectory;
    this.#start = start;
    this.#children = nodes.map((_, index) => start(index));
    // Unlike our own servers they do not notice that we are gone.
    process.once("exit", () => {
      for (const child of this.#children) child.kill("SIGKILL");
      rmSync(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
    });
  }

  static async start(program: string, size: number, parent: string | null): Promise<EtcdCluster> {
    const ports = await freePorts(2 * size);
    const dataDirectory = makeDataDirectory(parent);
    const nodes = Array.from({ length: size }, (_, i) => ({
      id: i + 1,
      host: HOST,
      port: ports[2 * i]!,
    }));
    const peer = (index: number): string => `http://${HOST}:${ports[2 * index + 1]!}`;
    const members = nodes.map(({ id }, index) => `e${id}=${peer(index)}`).join(",");
    const cluster = new EtcdCluster(nodes, dataDirectory, (index) => {
      const { id, port } = nodes[index]!;
      const log = openSync(join(dataDirectory, `e${id}.log`), "a");
      const client = `http://${HOST}:${port}`;
      const flags = [
        ["--name", `e${id}`],
        ["--data-dir", join(dataDirectory, `e${id}`)],
        ["--listen-client-urls", client],
        ["--advertise-client-urls", client],
        ["--listen-peer-urls", peer(index)],
        ["--initial-advertise-peer-urls", peer(index)],
        ["--initial-cluster", members],
        ["--initial-cluster-state", "new"],
        ["--logger", "zap"],
        ["--log-level", "warn"],
      ].flat();
      const child = spawn(program, flags, { stdio: ["ignore", log, log] });
      closeSync(log);
      return child;
    });
    await cluster.leader();
    return cluster;
  }

  get processes(): readonly { readonly name: string; readonly pid: number }[] {
    return this.#children.map((child, i) => ({ name: `e${i + 1}`, pid: child.pid! }));
  }

  /** Waits until every running node names the same leader. @returns its id */
  async leader(): Promise<number> {
    for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
      const running = this.nodes.filter((_, i) => this.#isRunning(i));
      const answers = await Promise.all(running.map((node) => status(node)));
      const leaders = new Set(answers.map((answer) => answer?.leader ?? "0"));
      const [leader] = leaders;
      if (leaders.size === 1 && leader !== undefined && leader !== "0") {
        const index = answers.findIndex((answer) => answer?.member === leader);
        if (index >= 0) return running[index]!.id;
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`etcd has no leader after ${READY_MS / 1000} s; see ${this.dataDirectory}`);
  }

  async kill(id: number): Promise<void> {
    const child = this.#children[id - 1]!;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  restart(id: number): void {
    this.#children[id - 1] = this.#start(id - 1);
  }

  async remove(): Promise<void> {
    await Promise.all(
      this.nodes.filter((_, i) => this.#isRunning(i)).map(({ id }) => this.kill(id)),
    );
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  #isRunning(index: number): boolean {
    const child = this.#children[index]!;
    return child.exitCode === null && child.signalCode === null;
  }
}

async function status(node: EtcdNode): Promise<{ member: string; leader: string } | null> {
  try {
    const answer = await fetch(`http://${node.host}:${node.port}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal: AbortSignal.timeout(1000),
    });
    const { header, leader } = (await answer.json()) as {
      header?: { member_id?: string };
      leader?: string;
    };
    return { member: header?.member_id ?? "", leader: leader ?? "0" };
  } catch {
    // Not listening yet.
    return null;
  }
}
