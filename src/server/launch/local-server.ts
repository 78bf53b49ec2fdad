/** One server as a child process: the one place that knows how its command line and its log begin. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, fstatSync, readFileSync } from "node:fs";
import { KvError } from "../../base/index.ts";
import type { ClusterNode } from "../config/index.ts";
import { openPrivateLog } from "../../machine/host/index.ts";
import { builtModule } from "./built.ts";
import { NODE_FLAGS } from "./node-flags.ts";

export interface LocalServerOptions {
  readonly node: ClusterNode;
  /** The nodes of the cluster, as the server is told. */
  readonly nodes: readonly ClusterNode[];
  readonly clusterId: string;
  /** The server makes it when it is missing. */
  readonly dataDirectory: string;
  /** The server's output is appended to it. */
  readonly logFile: string;
  readonly flags: readonly string[];
  /** A prefix of its command line, to run it elsewhere: it must end up as the same process. */
  readonly wrap: readonly string[];
  /** The program of another build. Default: that of this one. */
  readonly program?: string | undefined;
}

/** Time for a server to recover and listen. */
const READY_TIMEOUT_MS = 60_000;
/** Time for a server to stop cleanly before it is killed. */
const STOP_TIMEOUT_MS = 10_000;
/** The beginning of the last line of a server that cannot start. */
const LAST_WORDS = "omnikv server: ";

export class LocalServer {
  readonly node: ClusterNode;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  /** Lines before it in the log are of earlier processes. */
  readonly #logBegins: number;
  #listened = false;
  /** Resolves when the process has ended and its last output has come. */
  readonly exited: Promise<void>;

  private constructor(options: LocalServerOptions, child: ChildProcess, logBegins: number) {
    const { node, dataDirectory, logFile } = options;
    this.node = node;
    this.dataDirectory = dataDirectory;
    this.logFile = logFile;
    this.#logBegins = logBegins;
    this.#child = child;
    child.once("message", () => (this.#listened = true));
    this.exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      // The program could not even be started; "exit" does not follow.
      child.once("error", () => resolve());
    });
  }

  /** @throws Error when the log cannot be written */
  static start(options: LocalServerOptions): LocalServer {
    const [program = "", ...args] = commandOf(options);
    const log = openPrivateLog(options.logFile);
    const logBegins = fstatSync(log).size;
    // Variables for one server are not meant for all of these.
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith("OMNIKV_"));
    // A process group of its own: Ctrl-C in the terminal is for the prompt. Through the channel the child tells when it is ready, and
    // learns when this process is gone.
    const child = spawn(program, args, {
      detached: true,
      env: Object.fromEntries(env),
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    return new LocalServer(options, child, logBegins);
  }

  /** The id of the process. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`node ${this.node.id} could not be started`);
    return pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** It runs, and has said that it listens. */
  get listening(): boolean {
    return this.running && this.#listened;
  }

  /** Null: it runs, or was ended by a signal. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** How the process ended, and its last words when it had some. Only after it has ended. */
  get farewell(): string {
    const { exitCode, signalCode } = this.#child;
    const how =
      signalCode === null ? `ended with status ${exitCode ?? "?"}` : `was ended by ${signalCode}`;
    const words = this.#lastWords();
    return `node ${this.node.id} ${how}${words === null ? "" : `: ${words}`}`;
  }

  /** What it has printed so far. */
  get output(): string {
    return readFileSync(this.logFile).subarray(this.#logBegins).toString("utf8");
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

  /** Resolves when it has ended; at once when it does not run. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    await this.exited;
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  /** The server's last sentence. Null: it had no time for one. */
  #lastWords(): string | null {
    const line = this.#lastLine();
    return line.startsWith(LAST_WORDS) ? line.slice(LAST_WORDS.length) : null;
  }

  #lastLine(): string {
    try {
      const said = this.output.trim();
      return said === "" ? "(nothing)" : (said.split("\n").at(-1) ?? "");
    } catch (error) {
      return `(the log cannot be read: ${error instanceof Error ? error.message : String(error)})`;
    }
  }
}

/** As --peers takes them. */
function peersFlag(nodes: readonly ClusterNode[]): string {
  return nodes.map(({ id, host, port, peerPort }) => `${id}=${host}:${port}:${peerPort}`).join(",");
}

function commandOf({
  node,
  nodes,
  clusterId,
  dataDirectory,
  flags,
  wrap,
  program = builtModule("bin/omnikv.js"),
}: LocalServerOptions): readonly string[] {
  return [
    ...wrap,
    process.execPath,
    ...NODE_FLAGS,
    program,
    "server",
    "--node",
    String(node.id),
    "--data-dir",
    dataDirectory,
    "--peers",
    peersFlag(nodes),
    "--cluster-id",
    clusterId,
    ...flags,
  ];
}
