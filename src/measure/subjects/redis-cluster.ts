/**
 * A throw-away Redis and its replicas, each of which syncs every write (`appendfsync always`). With `WAIT 1` a put is on two disks or in two
 * memories before it is answered; the servers do not agree on a leader, so this is a weaker promise than that of the others.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NodeAddress } from "../../client/api/index.ts";
import { pause } from "../pause.ts";
import type { Loadable, MeasuredProcess } from "./cluster.ts";
import { makeDataDirectory } from "./data-directory.ts";
import { freePorts } from "./places.ts";
import { RedisConnection } from "./redis-connection.ts";

export interface RedisClusterOptions {
  /** The program redis-server. */
  readonly program: string;
  /** The one that takes writes, and its replicas. */
  readonly size: number;
  readonly parent: string | null;
}

const HOST = "127.0.0.1";
const READY_MS = 30_000;
const POLL_MS = 50;

/** @returns null when it cannot be run */
export function redisVersion(program: string): string | null {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /^Redis server v=(\S+)/.exec(stdout ?? "")?.[1] ?? null;
}

export class RedisCluster implements Loadable {
  readonly system = "redis";
  readonly generator = "measure/subjects/redis-generator.js";
  readonly clusterId = null;
  readonly secret = null;
  readonly nodes: readonly NodeAddress[];
  readonly #dataDirectory: string;
  readonly #children: readonly ChildProcess[];

  private constructor({ program, parent }: RedisClusterOptions, ports: readonly number[]) {
    this.nodes = ports.map((port, i) => ({ id: i + 1, host: HOST, port }));
    this.#dataDirectory = makeDataDirectory(parent);
    process.once("exit", this.#onExit);
    const [first = 0] = ports;
    this.#children = this.nodes.map(({ id, port }) => {
      const directory = join(this.#dataDirectory, `r${id}`);
      mkdirSync(directory);
      const flags = {
        bind: HOST,
        port: `${port}`,
        dir: directory,
        appendonly: "yes",
        appendfsync: "always",
        save: "",
        "repl-diskless-sync-delay": "0",
      };
      const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
      if (id > 1) args.push("--replicaof", HOST, `${first}`);
      return spawn(program, args, { detached: true, stdio: "ignore" });
    });
  }

  /** Resolves when the servers run; replicas may not have connected yet. */
  static async start(options: RedisClusterOptions): Promise<RedisCluster> {
    return new RedisCluster(options, await freePorts(options.size));
  }

  get processes(): readonly MeasuredProcess[] {
    return this.#children.map(({ pid = 0 }, i) => ({ name: `redis ${i + 1}`, pid }));
  }

  /** Waits until all replicas follow. @returns the one that takes writes */
  async leader(): Promise<number> {
    const [first] = this.nodes;
    if (first === undefined) throw new Error("there is no server of Redis");
    const all = this.nodes.length - 1;
    for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
      const connection = new RedisConnection(first.host, first.port, 0);
      const told = await connection.ask("INFO", "replication");
      connection.close();
      if ((told?.match(/state=online/g)?.length ?? 0) === all) return first.id;
      await pause(POLL_MS);
    }
    throw new Error(`Redis has not all its replicas after ${READY_MS / 1000} s`);
  }

  async remove(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await exited;
      }),
    );
    this.#onExit();
    process.off("exit", this.#onExit);
  }

  readonly #onExit = (): void => {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.#dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  };
}
