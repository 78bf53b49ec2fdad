/** One real server process of a row, and what it says. */
import { spawn, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { NODE_FLAGS } from "../../src/server/node-flags.ts";

export const OMNIKV = resolve(import.meta.dirname, "../../dist/bin/omnikv.js");
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
  readonly node: number;
  readonly dataDirectory: string;
  /** As --peers takes it. */
  readonly peers: string;
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

export class Server {
  readonly node: number;
  readonly dataDirectory: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  #output = "";
  #errors = "";

  constructor({ node, dataDirectory, peers, flags, wrap }: ServerOptions) {
    this.node = node;
    this.dataDirectory = dataDirectory;
    const command = [
      ...[...wrap, process.execPath, ...NODE_FLAGS, OMNIKV, "server", "--node", String(node)],
      ...["--data-dir", dataDirectory, "--peers", peers, "--log-format", "json", ...flags],
    ];
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (text: Buffer) => (this.#output += text.toString()));
    this.#child.stderr?.on("data", (text: Buffer) => (this.#errors += text.toString()));
    // After the last of what it said.
    this.#closed = new Promise((closed) => this.#child.once("close", () => closed()));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** It ended by itself, because it could not start or go on. */
  get failed(): boolean {
    return this.#child.exitCode !== null && this.#child.exitCode !== 0;
  }

  get listening(): boolean {
    return this.running && this.#output.includes(" is ready");
  }

  /** It waits for its place, by the last it said of it. */
  get joining(): boolean {
    return (
      this.#output.lastIndexOf(WAITING) >
      this.#output.lastIndexOf("has taken the place of the lost one")
    );
  }

  /** Resolves when it listens or has ended. */
  async ready(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (this.running && !this.listening && performance.now() < deadline) await pause(10);
    if (!this.running) await this.#closed;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.running) this.#child.kill(signal);
    await this.#closed;
  }

  /** Why it ended, and whom it did not let in or was not let in by. Not what a start says in good order. */
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
    const text = FAREWELL.exec(this.#errors)?.[1] ?? this.#errors.trim();
    const code = lines.findLast(({ level }) => level === "error")?.code ?? "STATUS";
    return [...said, { node, code, text, ended: true }];
  }

  /** Its last line, for whoever looks for why a row failed. */
  get lastLine(): string {
    return this.#output.trim().split("\n").at(-1) ?? "";
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return {};
  }
}
