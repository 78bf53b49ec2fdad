/** One row while it is played: disks, servers, what was acknowledged, what was said, what readers were told. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createAdminClient, createClient } from "../../../client/api/index.ts";
import type { AdminStatus } from "../../../protocol/admin/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";
import type { Image, Roles, Stage } from "./image.ts";
import { copyDirectory, placeOf } from "./places.ts";
import { pause } from "../../../measure/index.ts";
import { Server, type Said, type ServerOptions } from "./server.ts";
import type { Facts } from "./verdict.ts";
import type { Acknowledged } from "./writes.ts";

const SERVED_TIMEOUT_MS = 15_000;
/** A cluster that is refused something serves soon after, or not at all. */
const AFTER_NEWS_MS = 3000;
const LEVEL_TIMEOUT_MS = 30_000;
/** Nothing changes any more: it will not get better. */
const STALL_MS = 4000;
/** The same for a node that has applied nothing, or does not answer: it may be taking 50 MB of the log, on a busy machine. */
const STALL_EMPTY_MS = 15_000;
/** With a snapshot each ten entries. */
const FILLERS = 60;
const FILLER_BYTES = 500_000;
const READ_TIMEOUT_MS = 2500;
/** So long nothing must have happened. */
const CALM_MS = 400;

export interface StartOptions {
  readonly flags?: readonly string[];
  /** Default: the nodes of the cluster. */
  readonly list?: readonly number[];
  /** Where it keeps its data. Default: its directory. */
  readonly dataDirectory?: string;
  readonly wrap?: readonly string[];
}

export interface SceneOptions extends Roles {
  readonly size: number;
  readonly image: Image;
  readonly directory: string;
  readonly places: readonly ClusterNode[];
}

export class Scene {
  readonly size: number;
  readonly ids: readonly number[];
  readonly hurt: number;
  readonly behind: readonly number[];
  readonly knowing: readonly number[];
  readonly image: Image;
  readonly acknowledged: Acknowledged;
  readonly directory: string;
  /** Undoes a mistake that did no damage; else the sentences say what to do. */
  mend: (() => Promise<void>) | null = null;
  /** How many disks hold what they held. */
  intact: number;
  /** The nodes that have to run in the end. */
  whole: readonly number[];
  readonly #places: readonly ClusterNode[];
  /** The last process of each node. */
  readonly #servers = new Map<number, Server>();
  readonly #all: Server[] = [];
  readonly #notes: string[] = [];
  /** Keys that a reader was told no or an old value of. */
  readonly #missed = new Set<string>();
  /** Keys that a reader was told the last value of. */
  readonly #seen = new Set<string>();
  #probes = 0;
  #moved = 0;

  constructor({ size, image, directory, places, hurt, behind, knowing }: SceneOptions) {
    this.size = size;
    this.ids = Array.from({ length: size }, (_, i) => i + 1);
    this.hurt = hurt;
    this.behind = behind;
    this.knowing = knowing;
    this.image = image;
    this.intact = size - 1;
    this.whole = this.ids;
    this.acknowledged = image.acknowledged.copy();
    this.directory = directory;
    this.#places = places;
    for (const id of this.ids) {
      if (existsSync(join(image.directory, "end", `node${id}`))) this.restore("end", id);
    }
  }

  get majority(): number {
    return Math.floor(this.size / 2) + 1;
  }

  data(node: number): string {
    return join(this.directory, `node${node}`);
  }

  /** The node's disk as it was then. */
  restore(stage: Stage, node: number): void {
    copyDirectory(this.image.of(stage, node), this.data(node));
  }

  /** Something in the node's disk as it was then. */
  restorePart(stage: Stage, node: number, part: string): void {
    copyDirectory(join(this.image.of(stage, node), part), join(this.data(node), part));
  }

  /** The directory is somewhere else from now on. @returns where */
  moveAway(node: number): string {
    this.#moved += 1;
    const to = `${this.data(node)}-before-${this.#moved}`;
    renameSync(this.data(node), to);
    return to;
  }

  server(node: number): Server | undefined {
    return this.#servers.get(node);
  }

  async start(nodes: readonly number[], options: StartOptions = {}): Promise<void> {
    const servers = nodes.map((node) => {
      const server = this.spawn(node, options);
      this.#servers.set(node, server);
      return server;
    });
    await Promise.all(servers.map((server) => server.ready()));
  }

  /** A process that is not the node's own: a second one of it, for example. */
  spawn(node: number, options: StartOptions): Server {
    const { flags = [], list = this.ids, dataDirectory = this.data(node), wrap = [] } = options;
    const server = new Server({
      ...this.#who(node, list),
      dataDirectory,
      wrap,
      flags: [...this.image.flags, ...flags],
    });
    this.#all.push(server);
    return server;
  }

  /** A start that ends before the node is ready, so many times in all: another process listens on its port for clients. */
  async startInVain(node: number, times: number): Promise<void> {
    const { host, port } = this.#place(node);
    const squatter = createServer();
    await new Promise<void>((listens) => squatter.listen(port, host, listens));
    for (let i = 0; i < times; i++) {
      const server = new Server({
        ...this.#who(node, this.ids),
        dataDirectory: this.data(node),
        wrap: [],
        flags: this.image.flags,
      });
      await server.ready();
      if (server.running) throw new Error(`node ${node} has started where somebody else listens`);
    }
    await new Promise((closed) => squatter.close(closed));
  }

  /** The ports of a place that no node of the row has. */
  otherPorts(): readonly string[] {
    const place = this.#places.at(-1);
    return ["--port", String(place?.port), "--peer-port", String(place?.peerPort)];
  }

  async end(nodes: readonly number[], signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await Promise.all(nodes.map(async (node) => this.#servers.get(node)?.end(signal)));
  }

  /** In the order that is most dangerous: what was damaged and who was behind, then those who know. */
  async dangerousFirst(): Promise<void> {
    await this.start([this.hurt, ...this.behind]);
    await this.settle("without those who know");
    await this.start(this.knowing);
    await this.settle("with all");
  }

  get running(): readonly number[] {
    return [...this.#servers].filter(([, { running }]) => running).map(([node]) => node);
  }

  /** The servers of the nodes whose last process ended by itself. */
  get failed(): readonly Server[] {
    return [...this.#servers.values()].filter(({ failed }) => failed);
  }

  get said(): readonly Said[] {
    return this.#all.flatMap((server) => server.said);
  }

  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text);
  }

  /**
   * Waits until those that run serve and are level, or it is plain that they do not; then reads every key at each of them.
   * @param what when this is, for notes
   */
  async settle(what: string): Promise<void> {
    if (!(await this.#serves())) return;
    await this.level();
    await this.read(what);
  }

  /** Large values over and over, until more than the retained log has been written. */
  async fill(): Promise<void> {
    const client = createClient({ nodes: this.running.map((node) => this.#place(node)) });
    try {
      for (let i = 0; i < FILLERS; i++) await client.write("filler", Buffer.alloc(FILLER_BYTES));
    } finally {
      client.close();
    }
  }

  /** Writes a key, which must not be lost either. @returns whether it was acknowledged */
  async write(timeoutMs = 1500): Promise<boolean> {
    const running = this.running.map((node) => this.#place(node));
    if (running.length === 0) return false;
    const client = createClient({ nodes: running, timeoutMs });
    this.#probes += 1;
    const key = `later-${this.#probes}`;
    try {
      await client.write(key, "there");
      this.acknowledged.add(key, "there");
      return true;
    } catch {
      return false;
    } finally {
      client.close();
    }
  }

  async #serves(): Promise<boolean> {
    const deadline = performance.now() + SERVED_TIMEOUT_MS;
    let news = this.said.length;
    let newsMs = performance.now();
    for (;;) {
      if (this.running.length < Math.min(this.majority, this.whole.length)) return false;
      if (await this.write()) return true;
      const now = performance.now();
      if (this.said.length !== news) [news, newsMs] = [this.said.length, now];
      if (now > deadline || (news > 0 && now > newsMs + AFTER_NEWS_MS)) return false;
    }
  }

  /** @returns whether all that run have the same state; and nothing happened for a while */
  async level(): Promise<boolean> {
    const deadline = performance.now() + LEVEL_TIMEOUT_MS;
    let calmSince = performance.now();
    let changedMs = calmSince;
    let before = "";
    for (;;) {
      const { running } = this;
      const statuses = await this.statuses();
      const states = statuses.map(({ appliedIdx, stateHash }) => `${appliedIdx} ${stateHash}`);
      const isLevel = statuses.length === running.length && new Set(states).size === 1;
      const now = performance.now();
      const seen = `${running.join()} ${states.join()} ${this.said.length}`;
      if (seen !== before || !isLevel) calmSince = now;
      if (seen !== before) changedMs = now;
      before = seen;
      if (isLevel && now > calmSince + CALM_MS) return true;
      const isBusy =
        statuses.length < running.length || statuses.some(({ appliedIdx }) => appliedIdx === 0);
      if (now > deadline || now > changedMs + (isBusy ? STALL_EMPTY_MS : STALL_MS)) {
        this.note(`not level: ${states.join(" | ")}`);
        return false;
      }
      await pause(30);
    }
  }

  async statuses(): Promise<readonly AdminStatus[]> {
    const nodes = this.running.map((node) => this.#place(node));
    if (nodes.length === 0) return [];
    const admin = createAdminClient({ nodes });
    const calls = nodes.map(({ id }) => admin.call(id, "status", {}, { timeoutMs: 2000 }));
    const answers = await Promise.allSettled(calls);
    admin.close();
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }

  /** Every key, linearizably, at each node that runs. @returns the keys that some node served without their last value */
  async read(what: string, consistency: "linearizable" | "local" = "linearizable"): Promise<void> {
    for (const node of this.running) {
      // It serves no client, and says so.
      if (this.server(node)?.joining === true) continue;
      const client = createClient({ nodes: [this.#place(node)], timeoutMs: READ_TIMEOUT_MS });
      const { keys } = this.acknowledged;
      const answers = await Promise.allSettled(
        keys.map((key) => client.read(key, { consistency, node })),
      );
      client.close();
      const lost = keys.filter((key, i) => {
        const answer = answers[i];
        return answer?.status === "fulfilled" && this.acknowledged.isLost(key, answer.value);
      });
      for (const [i, key] of keys.entries()) {
        if (answers[i]?.status === "fulfilled" && !lost.includes(key)) this.#seen.add(key);
      }
      const unanswered = answers.filter(({ status }) => status === "rejected").length;
      if (unanswered > 0) this.note(`${what}: node ${node} did not answer ${unanswered} reads`);
      for (const key of lost) this.#missed.add(key);
      if (lost.length > 0) this.note(`${what}: node ${node} served without ${lost.length} writes`);
    }
  }

  /** What stands at the end. */
  async facts(): Promise<Facts> {
    const missedBefore = this.#missed.size;
    this.#missed.clear();
    this.#seen.clear();
    const isLevel = this.running.length > 0 && (await this.level());
    const isServed = await this.write(5000);
    await this.read("at the end");
    if (isServed && isLevel) {
      await this.level();
      await this.read("at the end, local", "local");
    }
    const isJoining = [...this.#servers.values()].some(
      ({ running, joining }) => running && joining,
    );
    const lost = [...this.#missed];
    return {
      isRunning: this.whole.every((id) => this.running.includes(id)),
      isServed,
      isLevel,
      isJoining,
      said: this.said,
      missedBefore,
      lost,
      nowhere: this.acknowledged.keys.filter((key) => !this.#seen.has(key) && !this.#isKept(key)),
      majorityIntact: this.intact >= this.majority,
      notes: this.#notes,
    };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.end("SIGKILL")));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Whether its last value stands on some disk of the row, in a log or a snapshot. */
  #isKept(key: string): boolean {
    const value = this.acknowledged.values.get(key)?.at(-1) ?? "";
    const files = readdirSync(this.directory, { recursive: true, encoding: "utf8" });
    return files.some((file) => {
      if (!/\.(?:log|snapshot)$/.test(file)) return false;
      const path = join(this.directory, file);
      if (!statSync(path).isFile()) return false;
      const bytes = readFileSync(path);
      for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
        const next = bytes.subarray(at + key.length, at + key.length + value.length + 16);
        if (next.includes(value)) return true;
      }
      return false;
    });
  }

  #who(
    node: number,
    list: readonly number[],
  ): Pick<ServerOptions, "node" | "nodes" | "logDirectory"> {
    return {
      node: this.#place(node),
      nodes: list.map((id) => this.#place(id)),
      logDirectory: join(this.directory, "said"),
    };
  }

  #place(node: number): ClusterNode {
    return placeOf(this.#places, node);
  }
}
