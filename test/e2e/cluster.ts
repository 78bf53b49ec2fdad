/** Real servers as processes, driven through the real clients. Every wait is for a condition, with a deadline. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AdminCore } from "../../src/client/admin/admin-core.ts";
import { KvClient, type KvClientOptions } from "../../src/client/kv-client.ts";
import type { ClusterNode } from "../../src/server/config/cluster.ts";
import { loopbackNodes } from "../../src/measure/subjects/places.ts";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../../src/machine/runtime/node-random.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import { NODE_FLAGS } from "../../src/server/launch/node-flags.ts";
import type { AdminStatus } from "../../src/protocol/admin/admin.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const OMNIKV = join(ROOT, "dist/bin/omnikv.js");
/** The same of single files, for tests that change one of them. */
export const UNBUNDLED = join(ROOT, "test/e2e/unbundled.mjs");
/**
 * Three times what servers have by themselves: their heartbeats cost a third of a core for each idle cluster, and a machine
 * that runs several clusters at once holds elections that nobody asked for. Tests of how soon another one leads say 100.
 */
const ELECTION_TIMEOUT_MS = 300;

export type NodeInfo = ClusterNode;

/** Generous: the machine may be busy. */
const PATIENCE_MS = 90_000;

export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) return result;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, 20));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
}

export interface StartOptions {
  readonly flags?: readonly string[];
  readonly allowFaults?: boolean;
  /** What the command line begins with; it must become the server in the end. */
  readonly wrap?: readonly string[];
  /** Of Node.js. */
  readonly nodeFlags?: readonly string[];
  /** A module that is loaded before the server. */
  readonly imports?: string | null;
  /** The program; default: the one that was built of this checkout. */
  readonly program?: string;
  /** The user to run it as. */
  readonly uid?: number;
}

export class TestCluster {
  readonly directory: string;
  readonly nodes: readonly NodeInfo[];
  readonly clusterFile: string;
  readonly #processes = new Map<number, ChildProcess>();
  readonly #logs = new Map<number, string>();
  readonly #errors = new Map<number, string>();
  readonly #clients: { close(): void }[] = [];
  readonly #secret: string | null;

  static async create(size: number, options: { secret?: string } = {}): Promise<TestCluster> {
    const nodes = await loopbackNodes(size);
    return new TestCluster(nodes, options.secret ?? null);
  }

  private constructor(nodes: readonly NodeInfo[], secret: string | null) {
    this.directory = mkdtempSync(join(tmpdir(), "omnikv-test-"));
    this.nodes = nodes;
    this.#secret = secret;
    this.clusterFile = join(this.directory, "cluster.json");
    const secretFile = join(this.directory, "secret.txt");
    if (secret !== null) writeFileSync(secretFile, secret, { mode: 0o600 });
    const description = { nodes, ...(secret === null ? {} : { secretFile }) };
    writeFileSync(this.clusterFile, JSON.stringify(description));
  }

  dataDirectory(id: number): string {
    return join(this.directory, `node${id}`);
  }

  /** Starts a server; resolves when it listens or has ended. */
  async start(
    id: number,
    {
      flags = [],
      allowFaults = true,
      wrap = [],
      imports = null,
      nodeFlags = [],
      program = OMNIKV,
      uid,
    }: StartOptions = {},
  ): Promise<void> {
    const command = [
      ...[...wrap, process.execPath, ...(imports === null ? [] : ["--import", imports])],
      ...[...NODE_FLAGS, ...nodeFlags, program, "server", "--node", String(id)],
      ...["--cluster", this.clusterFile, "--data-dir", this.dataDirectory(id)],
      ...["--election-timeout-ms", String(ELECTION_TIMEOUT_MS)],
      ...(allowFaults ? ["--allow-faults"] : []),
      ...flags,
    ];
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#processes.set(id, child);
    this.#logs.set(id, "");
    this.#errors.set(id, "");
    const collect = (text: Buffer): void => {
      this.#logs.set(id, (this.#logs.get(id) ?? "") + text.toString());
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.stderr.on("data", (text: Buffer) => {
      this.#errors.set(id, (this.#errors.get(id) ?? "") + text.toString());
    });
    await eventually(
      `node ${id} listens`,
      () => this.log(id).includes("is ready") || child.exitCode !== null,
    );
  }

  /** Starts every server. @throws Error with what a server said that ended at once */
  async startAll(...flags: string[]): Promise<void> {
    await this.startEach(() => flags);
  }

  /** The same with flags of each node's own. @throws Error with what a server said that ended at once */
  async startEach(flagsOf: (id: number) => readonly string[]): Promise<void> {
    await Promise.all(this.nodes.map(({ id }) => this.start(id, { flags: flagsOf(id) })));
    const ended = this.nodes.find(({ id }) => this.exitCode(id) !== null);
    if (ended !== undefined) throw new Error(`node ${ended.id} ended:\n${this.log(ended.id)}`);
  }

  /** What the server of this node has said since it was last started. */
  log(id: number): string {
    return this.#logs.get(id) ?? "";
  }

  /** The part of it that went to standard error. */
  errors(id: number): string {
    return this.#errors.get(id) ?? "";
  }

  /** Waits for the server to end by itself, and for the last of what it said. @returns its status */
  async ended(id: number, timeoutMs = PATIENCE_MS): Promise<number | null> {
    const child = this.#processes.get(id);
    await eventually(
      `node ${id} ends`,
      () => this.exitCode(id) !== null && child?.stderr?.readableEnded === true,
      timeoutMs,
    );
    return this.exitCode(id);
  }

  /** Of its process, or 0. */
  pid(id: number): number {
    return this.#processes.get(id)?.pid ?? 0;
  }

  exitCode(id: number): number | null {
    return this.#processes.get(id)?.exitCode ?? null;
  }

  signal(id: number, signal: NodeJS.Signals): void {
    this.#processes.get(id)?.kill(signal);
  }

  async kill(id: number): Promise<void> {
    await this.#end(id, "SIGKILL");
  }

  async stop(id: number): Promise<number | null> {
    await this.#end(id, "SIGTERM");
    return this.exitCode(id);
  }

  client(options: Partial<KvClientOptions> = {}): KvClient {
    const client = new KvClient({
      nodes: this.nodes,
      clock: nodeClock,
      random: createNodeRandom(),
      network: new WsNetwork(),
      secret: this.#secret,
      timeoutMs: 10_000,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  admin(): AdminCore {
    const admin = new AdminCore({
      nodes: this.nodes,
      clock: nodeClock,
      random: createNodeRandom(),
      network: new WsNetwork(),
      secret: this.#secret,
    });
    this.#clients.push(admin);
    return admin;
  }

  /** The node that leads and hears a quorum. */
  async leader(admin: Pick<AdminCore, "call">, timeoutMs = PATIENCE_MS): Promise<number> {
    return eventually(
      "a leader",
      async () => {
        const statuses = await this.statuses(admin);
        return statuses.find(({ standing }) => standing === "leading")?.nodeId;
      },
      timeoutMs,
    );
  }

  /** All nodes run, and each has a leader: what a node passes on to it is not refused. */
  async led(admin: Pick<AdminCore, "call">): Promise<void> {
    await eventually("each node has a leader", async () => {
      const statuses = await this.statuses(admin);
      return (
        statuses.length === this.nodes.length &&
        statuses.every(({ standing }) => standing !== "cutOff")
      );
    });
  }

  /** Of the nodes that answer. */
  async statuses(admin: Pick<AdminCore, "call">): Promise<AdminStatus[]> {
    const answers = await Promise.allSettled(
      this.nodes.map(({ id }) => admin.call(id, "status", {})),
    );
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }

  /**
   * All links except these are broken, at both ends. Returns when every node has noticed: what is relayed to a neighbour in
   * the moment that loses it is lost, and times out at its client (ADR 3).
   */
  async keepOnly(
    admin: Pick<AdminCore, "call">,
    links: readonly (readonly [number, number])[],
  ): Promise<void> {
    const kept = (a: number, b: number): boolean =>
      links.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
    await Promise.all(
      this.nodes.flatMap(({ id }) =>
        this.nodes
          .filter((peer) => peer.id !== id && !kept(id, peer.id))
          .map((peer) => admin.call(id, "breakLink", { peer: peer.id, direction: "both" })),
      ),
    );
    await eventually("the cuts are noticed", async () => {
      const statuses = await this.statuses(admin);
      return (
        statuses.length === this.nodes.length &&
        statuses.every(({ nodeId, heartbeats }) =>
          heartbeats.every(({ peer }) => kept(nodeId, peer)),
        )
      );
    });
  }

  /** Every server runs and every link is whole, whatever a test that failed has left. */
  async makeWhole(): Promise<void> {
    const ended = this.nodes.filter(({ id }) => {
      const child = this.#processes.get(id);
      return child === undefined || child.exitCode !== null || child.signalCode !== null;
    });
    for (const { id } of this.nodes) this.signal(id, "SIGCONT");
    await Promise.all(ended.map(({ id }) => this.start(id)));
    const admin = this.admin();
    await this.heal(admin);
    admin.close();
  }

  async heal(admin: Pick<AdminCore, "call">): Promise<void> {
    await Promise.all(this.nodes.map(({ id }) => admin.call(id, "heal", {})));
  }

  /** All nodes have applied the same and hold the same. */
  async converged(admin: Pick<AdminCore, "call">): Promise<AdminStatus[]> {
    return eventually("all nodes are level", async () => {
      const statuses = await this.statuses(admin);
      const [first] = statuses;
      const level =
        statuses.length === this.nodes.length &&
        statuses.every(
          (status) =>
            status.appliedIdx === first?.appliedIdx && status.stateHash === first.stateHash,
        );
      return level ? statuses : undefined;
    });
  }

  /** Runs `omnikv …` against this cluster to its end. */
  run(
    args: readonly string[],
    input = "",
  ): { status: number | null; stdout: string; stderr: string } {
    const [command = "", ...rest] = args;
    const result = spawnSync(
      process.execPath,
      [OMNIKV, command, "--cluster", this.clusterFile, ...rest],
      {
        input,
        encoding: "utf8",
        timeout: PATIENCE_MS,
        env: { ...process.env, OMNIKV_HISTORY: "" },
      },
    );
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  }

  /** Ends everything and forgets the data. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all([...this.#processes.keys()].map((id) => this.#end(id, "SIGKILL")));
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(id: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }
}

export function readPackage(): { version: string } {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
}
