/** Servers of one local cluster as child processes, for `omnikv start` and whoever else needs a real cluster. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, fstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KvError } from "../base/errors.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ClusterNode } from "../config/cluster.ts";
import { makePrivateDirectory, openPrivateLog } from "../platform/private-files.ts";
import { NODE_FLAGS } from "./node-flags.ts";

export interface LocalClusterOptions {
  readonly nodes: readonly ClusterNode[];
  readonly clusterId: string;
  /** Node I keeps its data in nodeI below it, and its log lines in nodeI.log. */
  readonly dataDirectory: string;
  /** Further flags for each server. */
  readonly flags: readonly string[];
  /** What a server's command line begins with, to run it elsewhere: it must end up as the same process. Default: nothing. */
  readonly wrap?: (node: ClusterNode) => readonly string[];
}

/** Time for a server to recover and listen. */
const READY_TIMEOUT_MS = 60_000;
/** Time for a server to stop cleanly before it is killed. */
const STOP_TIMEOUT_MS = 10_000;
/** What the last line of a server that cannot start begins with. */
const LAST_WORDS = "omnikv server: ";
/** The built program, also when this module runs from its source (scripts). */
const OMNIKV = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "../../dist/bin/omnikv.js" : "../bin/omnikv.js",
    import.meta.url,
  ),
);

export class LocalServer {
  readonly node: ClusterNode;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  /** What stands before in the log is of earlier processes. */
  readonly #logBegins: number;
  readonly exited: Promise<void>;

  constructor(node: ClusterNode, options: LocalClusterOptions) {
    this.node = node;
    this.dataDirectory = join(options.dataDirectory, `node${node.id}`);
    this.logFile = join(options.dataDirectory, `node${node.id}.log`);
    const log = this.#openLog();
    this.#logBegins = fstatSync(log).size;
    const peers = options.nodes
      .map(({ id, host, port, peerPort }) => `${id}=${host}:${port}:${peerPort}`)
      .join(",");
    const who = ["--node", String(node.id), "--data-dir", this.dataDirectory];
    const cluster = ["--peers", peers, "--cluster-id", options.clusterId];
    const flags = [...who, ...cluster, ...options.flags];
    // A process group of its own: Ctrl-C in the terminal is for the prompt. The channel tells when it is ready, and
    // tells it when we are gone.
    const server = [process.execPath, ...NODE_FLAGS, OMNIKV, "server", ...flags];
    const command: readonly string[] = [...(options.wrap?.(node) ?? []), ...server];
    const [program = "", ...args] = command;
    // Variables for one server are not meant for all of these.
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith("OMNIKV_"));
    this.#child = spawn(program, args, {
      detached: true,
      env: Object.fromEntries(env),
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      // The program could not even be started; "exit" does not follow.
      this.#child.once("error", () => resolve());
    });
  }

  #openLog(): number {
    try {
      makePrivateDirectory(this.dataDirectory);
      return openPrivateLog(this.logFile);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const wayOut =
        cause instanceof StorageError ? "" : ". Correct that, or give another --data-dir";
      const text = `node ${this.node.id} cannot have its data in ${this.dataDirectory} and its log in ${this.logFile}: ${reason}${wayOut}`;
      throw new KvError("CONNECTION_FAILED", text, { cause });
    }
  }

  /** Of the process. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`node ${this.node.id} could not be started`);
    return pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @throws KvError with the server's last words when it ends before it listens */
  async ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string): void =>
        reject(new KvError("CONNECTION_FAILED", `${what} (all it said: ${this.logFile})`));
      const { id } = this.node;
      const silent = `node ${id} did not get ready within ${READY_TIMEOUT_MS / 1000} s; its last line`;
      const timer = setTimeout(() => fail(`${silent}: ${this.#lastLine()}`), READY_TIMEOUT_MS);
      this.#child.once("message", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#child.once("error", (error) => {
        clearTimeout(timer);
        fail(`the program of node ${id} could not be started: ${error.message}`);
      });
      this.#child.once("exit", (code, signal) => {
        clearTimeout(timer);
        const how = signal === null ? `ended with status ${code ?? "?"}` : `was ended by ${signal}`;
        fail(this.#lastWords() ?? `node ${id} ${how}; its last line: ${this.#lastLine()}`);
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  /** Its sentence of farewell. Null: it had no time for one. */
  #lastWords(): string | null {
    const line = this.#lastLine();
    return line.startsWith(LAST_WORDS) ? line.slice(LAST_WORDS.length) : null;
  }

  #lastLine(): string {
    try {
      const said = readFileSync(this.logFile).subarray(this.#logBegins).toString("utf8").trim();
      return said === "" ? "(nothing)" : (said.split("\n").at(-1) ?? "");
    } catch (error) {
      return `(the log cannot be read: ${error instanceof Error ? error.message : String(error)})`;
    }
  }
}

/** Starts all servers and waits until each listens. If one cannot, the others are stopped again. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalServer[]> {
  const servers = options.nodes.map((node) => new LocalServer(node, options));
  try {
    await Promise.all(servers.map((server) => server.ready()));
  } catch (error) {
    await stopLocalCluster(servers);
    throw error;
  }
  return servers;
}

export async function stopLocalCluster(servers: readonly LocalServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
