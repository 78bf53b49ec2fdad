/**
 * One machine with a disk that outlives its processes, and the process that runs a node there: started, stopped, paused and
 * killed as the plan wants.
 */
import type { KvState } from "../kv/index.ts";
import { StorageError } from "../storage/storage-error.ts";
import { Node } from "../node/node.ts";
import type { NodeOptions } from "../node/options.ts";
import { DiskFullError } from "../ports/disk.ts";
import type { LogFields, Logger } from "../ports/logger.ts";
import type { Coverage } from "./coverage.ts";
import { PausableClock, pausableNetwork } from "./pausable-clock.ts";
import type { SafetyChecker } from "./safety.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { Trace } from "./trace.ts";

/** Thrown out of a disk operation, through the product's code: the process ends here. */
export class CrashPoint extends Error {
  override readonly name = "CrashPoint";
}

export interface Death {
  /** The machine is gone, and tells nobody. */
  readonly silent: boolean;
  /** What was not synced may be lost. */
  readonly power: boolean;
  readonly downMs: number;
}

export interface SimNodeContext {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly safety: SafetyChecker;
  readonly syncMs: number;
  /** The node is back: a process after the first runs. */
  readonly onBack: () => void;
}

/** A process that cannot start for a full disk is started again after so long, as a supervisor would. */
const RESTART_MS = 200;
const STOP_MS = 1000;
const IDENTITY_FILE = "identity.json";
const FAR_FUTURE_OPERATIONS = Number.POSITIVE_INFINITY;

export class SimNode {
  readonly index: number;
  readonly host: string;
  readonly disk: SimDisk;
  readonly #context: SimNodeContext;
  readonly #options: NodeOptions;
  readonly #skew: number;
  #clock: PausableClock | null = null;
  #node: Node | null = null;
  #life = 0;
  #place = "";
  #state: KvState | null = null;
  #cancelStart: () => void = () => {};
  /** Disk operations until the process dies, and how. */
  #operationsLeft = FAR_FUTURE_OPERATIONS;
  #armed: Death | null = null;
  #doomed: Death | null = null;
  /** A sync was told to fail: then the process ends by itself. */
  #fatal: Death | null = null;

  constructor(
    index: number,
    host: string,
    options: NodeOptions,
    skew: number,
    context: SimNodeContext,
  ) {
    this.index = index;
    this.host = host;
    this.#options = options;
    this.#skew = skew;
    this.#context = context;
    this.disk = new SimDisk({
      random: context.random.fork("disk"),
      schedule: (ms, callback) => this.#clock?.after(ms, callback),
      onOperation: () => this.#onDiskOperation(),
    });
    this.disk.syncMs = context.syncMs;
  }

  /** Null: the process is down. */
  get node(): Node | null {
    return this.#node;
  }

  get paused(): boolean {
    return this.#clock?.paused ?? false;
  }

  start(): void {
    if (this.#node !== null) return;
    this.#cancelStart();
    const { clock, network, random, safety } = this.#context;
    this.#life += 1;
    const process = new PausableClock(clock.fork(this.#skew));
    this.#clock = process;
    this.#note("starts");
    try {
      this.#node = new Node(
        this.#options,
        {
          clock: process,
          random: random.fork(`life ${this.#life}`),
          network: pausableNetwork(network.host(this.host), process),
          disk: this.disk,
          logger: this.#logger(),
        },
        { onListening: () => {}, onFatal: (error) => this.#onFatal(error) },
      );
    } catch (error) {
      this.#onStartFailed(error);
      return;
    }
    this.#state = this.#node.replica.state;
    safety.onStart(this.index, this.#node.replica);
    this.#node.start();
    if (this.#life > 1) this.#context.onBack();
  }

  startAfter(ms: number): void {
    this.#cancelStart();
    this.#cancelStart = this.#context.clock.after(ms, () => this.start());
  }

  /** The process ends at once, wherever it is. */
  crash({ silent, power, downMs }: Death): void {
    if (this.#clock === null) return;
    this.#note(`dies${silent ? " silently" : ""}${power ? ", power lost" : ""}`);
    this.#context.coverage.hit(`crash ${power ? "power" : "process"}`);
    this.#end();
    this.#context.network.crash(this.host, silent);
    this.disk.crash(power ? "power" : "process");
    this.#context.safety.onCrash(this.index, this.#isLogBegun());
    this.startAfter(downMs);
  }

  /** The process dies in the middle of the disk operation that comes after so many others. */
  crashAtDisk(operations: number, death: Death): void {
    this.#operationsLeft = operations;
    this.#armed = death;
  }

  /** Ends the process in good order. */
  stop(downMs: number): void {
    const node = this.#node;
    if (node === null || this.paused) return;
    this.#note("is asked to stop");
    let stopped = false;
    const ended = (): void => {
      if (stopped || this.#node !== node) return;
      stopped = true;
      this.crash({ silent: false, power: false, downMs });
    };
    // Not from within the node's own call.
    node.stop(() => this.#context.clock.after(0, ended));
    this.#context.clock.after(STOP_MS, ended);
  }

  pause(): void {
    this.#clock?.pause();
  }

  resume(): void {
    this.#clock?.resume();
  }

  /** The next sync fails, and after that the process comes back as told. */
  failSync(death: Death): void {
    this.disk.failSyncs = 1;
    this.#fatal = death;
  }

  /** No more trouble from this machine: whatever was to come is called off, and the process runs. */
  heal(): void {
    this.#operationsLeft = FAR_FUTURE_OPERATIONS;
    this.#armed = null;
    this.disk.failSyncs = 0;
    this.disk.capacityBytes = Number.POSITIVE_INFINITY;
    this.disk.syncMs = this.#context.syncMs;
    this.resume();
    if (this.#clock === null) this.start();
  }

  /** After every step of the world. */
  check(): void {
    const doomed = this.#doomed;
    if (doomed !== null) {
      this.#doomed = null;
      this.crash(doomed);
    }
    if (this.#node === null) return;
    const { replica } = this.#node;
    const { safety, coverage } = this.#context;
    safety.check(this.index, replica);
    if (replica.state !== this.#state) {
      this.#state = replica.state;
      coverage.hit("snapshot installed from a peer");
    }
    const place = `role ${replica.core.role}/${replica.core.phase}`;
    if (place === this.#place) return;
    this.#place = place;
    coverage.hit(place);
  }

  /** What the core counted in this life. */
  countCore(): void {
    const { coverage } = this.#context;
    for (const [name, count] of Object.entries(this.#node?.replica.core.counters ?? {})) {
      if (count > 0) coverage.hit(`core ${name}`, count);
    }
    for (const [name, count] of Object.entries(this.#node?.replica.requests ?? {})) {
      if (count > 0) coverage.hit(`requests ${name}`, count);
    }
  }

  #onDiskOperation(): void {
    // What the process still does on its way out reaches no disk.
    if (this.#doomed !== null) throw new CrashPoint("the process is dead");
    if (this.#armed === null) return;
    this.#operationsLeft -= 1;
    if (this.#operationsLeft >= 0) return;
    this.#doomed = this.#armed;
    this.#armed = null;
    throw new CrashPoint("the process dies in a disk operation");
  }

  #onFatal(error: Error): void {
    const { coverage, clock } = this.#context;
    const death = this.#fatal;
    this.#note(`cannot go on: ${error.message}`);
    if (!isOfTheDisk(error)) throw error;
    this.#fatal = null;
    coverage.hit("process ended by itself");
    const node = this.#node;
    clock.after(0, () => {
      if (this.#node === node) {
        this.crash(death ?? { silent: false, power: false, downMs: RESTART_MS });
      }
    });
  }

  #onStartFailed(error: unknown): void {
    if (error instanceof CrashPoint) {
      this.#context.coverage.hit("crash while starting");
      return;
    }
    const full =
      error instanceof DiskFullError ||
      (error instanceof StorageError && error.code === "DISK_FULL");
    if (!full) throw error;
    this.#note("cannot start: the disk is full");
    this.#context.coverage.hit("start refused by a full disk");
    this.#end();
    this.startAfter(RESTART_MS);
  }

  #end(): void {
    this.countCore();
    this.#place = "";
    this.#clock?.stop();
    this.#clock = null;
    this.#node = null;
    this.#doomed = null;
  }

  #isLogBegun(): boolean {
    const { disk } = this;
    if (!disk.exists(IDENTITY_FILE)) return false;
    const text = Buffer.from(disk.read(IDENTITY_FILE, 0, disk.size(IDENTITY_FILE))).toString();
    return (JSON.parse(text) as { readonly logBegun?: unknown }).logBegun === 1;
  }

  #note(what: string): void {
    this.#context.trace.event(this.host, what);
  }

  #countRecovery({ entries, snapshotIdx }: LogFields): void {
    const { coverage } = this.#context;
    if (snapshotIdx !== 0) coverage.hit("recovery from a snapshot");
    if (entries !== 0) coverage.hit("recovery with entries");
    if (entries === 0 && snapshotIdx === 0) coverage.hit("recovery of an empty log");
  }

  #logger(): Logger {
    const { trace, coverage } = this.#context;
    const line =
      (level: string): Logger["info"] =>
      (message, fields) => {
        coverage.hit(`log "${message.replaceAll(/\d+/g, "#")}"`);
        if (message === "recovered from disk") this.#countRecovery(fields ?? {});
        if (Number(fields?.["slices"]) > 1) coverage.hit(`in slices: ${message}`);
        const text = `${level}: ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`;
        if (level === "debug") trace.remark(this.host, text);
        else trace.event(this.host, text);
      };
    return {
      enabled: () => true,
      debug: line("debug"),
      info: line("info"),
      warn: line("warn"),
      error: line("error"),
    };
  }
}

/** Our disk is what made the node give up. */
function isOfTheDisk(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message.includes("(simulated)") || isOfTheDisk(error.cause);
}
