/** One real server process of a row, and what it says. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ClusterNode, DEFAULT_CLUSTER_ID } from "../../../server/config/index.ts";
import { pause } from "../../../measure/index.ts";
import { LocalServer } from "../../../server/launch/index.ts";

/** What it says that waits for its place. */
const WAITING = "take the place of a lost disk";
const START_TIMEOUT_MS = 30_000;
/** What a sentence of farewell begins with. */
const FAREWELL = /^omnikv server: node \d+ (?:cannot start|stops): (.*)$/m;

/** A sentence that names what is wrong. */
export interface Said {
  readonly node: number;
  readonly code: string;
  readonly text: string;
  /** The process ended with it. */
  readonly ended: boolean;
}

export interface ServerOptions {
  readonly node: ClusterNode;
  /** As it is told. */
  readonly nodes: readonly ClusterNode[];
  readonly dataDirectory: string;
  /** What each process says is kept in a file of its own here. */
  readonly logDirectory: string;
  readonly flags: readonly string[];
  /** In front of the command line; it must become the server in the end. */
  readonly wrap: readonly string[];
}

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly code?: string;
  readonly reason?: string;
}

let processes = 0;

export class Server {
  readonly node: number;
  readonly dataDirectory: string;
  readonly #server: LocalServer;
  /** Null: it may say more. */
  #lastOutput: string | null = null;

  constructor({ node, nodes, dataDirectory, logDirectory, flags, wrap }: ServerOptions) {
    this.node = node.id;
    this.dataDirectory = dataDirectory;
    mkdirSync(logDirectory, { recursive: true });
    processes += 1;
    this.#server = LocalServer.start({
      node,
      nodes,
      dataDirectory,
      wrap,
      clusterId: DEFAULT_CLUSTER_ID,
      logFile: join(logDirectory, `node${node.id}-${processes}.txt`),
      flags: ["--log-format", "json", ...flags],
    });
  }

  get running(): boolean {
    return this.#server.running;
  }

  /** It ended by itself, because it could not start or go on. */
  get failed(): boolean {
    const { exitCode } = this.#server;
    return exitCode !== null && exitCode !== 0;
  }

  get #output(): string {
    if (this.#lastOutput !== null) return this.#lastOutput;
    const { running } = this;
    const { output } = this.#server;
    if (!running) this.#lastOutput = output;
    return output;
  }

  /** It waits for its place, by the last it said of it. */
  get joining(): boolean {
    const output = this.#output;
    return output.lastIndexOf(WAITING) > output.lastIndexOf("has taken the place of the lost one");
  }

  /** Resolves when it listens or has ended. */
  async ready(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    const server = this.#server;
    while (server.running && !server.listening && performance.now() < deadline) await pause(10);
  }

  end(signal: NodeJS.Signals): Promise<void> {
    return this.#server.kill(signal);
  }

  /** Why it ended, the peers that it refused, and those that refused it. Without the lines of a start in good order. */
  get said(): readonly Said[] {
    const { node } = this;
    const lines = this.#output.split("\n").slice(0, -1).map(parse);
    const said: Said[] = [];
    for (const { level, msg = "", code, reason } of lines) {
      if (level !== "warn" && level !== "error") continue;
      if (code !== undefined && reason !== undefined) {
        said.push({ node, code, text: reason, ended: false });
      } else if (level === "error" && !this.failed) {
        said.push({ node, code: code ?? "ERROR", text: msg, ended: false });
      }
    }
    if (this.running && this.joining) {
      const { msg = "", reason } = lines.findLast(({ msg }) => msg?.includes(WAITING)) ?? {};
      said.push({ node, code: "JOINING", text: `${msg}: ${reason ?? ""}`, ended: false });
    }
    if (!this.failed) return said;
    const text = FAREWELL.exec(this.#output)?.[1] ?? this.#crash;
    const code = lines.findLast(({ level }) => level === "error")?.code ?? "STATUS";
    return [...said, { node, code, text, ended: true }];
  }

  /** What it has printed that is no line of its log. */
  get #crash(): string {
    const lines = this.#output.split("\n").filter((line) => !line.startsWith("{"));
    return lines.join("\n").trim();
  }
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return {};
  }
}
