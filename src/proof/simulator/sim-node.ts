/**
 * One machine with a disk that outlives its processes, and the process that runs a node there: started, stopped, paused and
 * killed as the plan wants.
 */
import type { KvState } from "../../store/index.ts";
import { type ErrorCode, KvError } from "../../base/index.ts";
import { StorageError, type StorageErrorCode } from "../../storage/index.ts";
import { Node, type NodeOptions } from "../../server/node/index.ts";
import {
  DiskFullError,
  type LogFields,
  type Logger,
  type SeededRandom,
} from "../../machine/ports/index.ts";
import type { Coverage } from "./coverage.ts";
import { simPasswords } from "./access-changes.ts";
import { memoryOn } from "./disk-memory.ts";
import { PausableClock, pausableNetwork } from "./pausable-clock.ts";
import type { SafetyChecker } from "./safety.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Ending } from "./mistake-plan.ts";
import { SimDisk, type DiskCopy } from "./sim-disk.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { Trace } from "./trace.ts";
import type { DiskChange, Trust } from "./trust.ts";

/** Thrown out of a disk operation, through the product's code: the process ends here. */
export class CrashPoint extends Error {
  override readonly name = "CrashPoint";
}

export interface Death {
  /** The machine is gone, and its peers are not told. */
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
  readonly trust: Trust;
  readonly syncMs: number;
  /** Its lives are counted from here on. Default 0. */
  readonly livesBefore?: number;
  /** The node is back: a process after the first runs. */
  readonly onBack: () => void;
  /** The process has said for good that it cannot go on: only an operator can bring the node back. */
  readonly onNoticed: () => void;
}

/** How an operator starts it, where that is not as usual. */
export type Invocation = Partial<Pick<NodeOptions, "rejoin" | "peerAddresses">>;

/** A disk with the starts that it knows of. */
export interface DiskImage {
  readonly files: DiskCopy;
  readonly lives: readonly number[];
}

/** A process that cannot start for a full disk is started again after so long, as a supervisor would. */
const RESTART_MS = 200;
const FOR_GOOD_MS = 1e9;
const STOP_MS = 1000;
const IDENTITY_FILE = "identity.json";
const FAR_FUTURE_OPERATIONS = Number.POSITIVE_INFINITY;
/** Between two looks whether the process has ended. */
const LOOK_MS = 1;

const FINAL: ReadonlySet<string> = new Set([
  "LOG_DAMAGED",
  "SNAPSHOT_DAMAGED",
  "IDENTITY_DAMAGED",
  "UNKNOWN_FORMAT",
  "NODE_MISMATCH",
  "MEMBERS_MISMATCH",
  "FOREIGN_LOG",
  "LOST_IDENTITY",
  "WENT_BACK",
  "REPLACED",
  "CONTRADICTED",
  "DIVERGED",
] satisfies (StorageErrorCode | ErrorCode)[]);

export class SimNode {
  /** The position of its node, or the place of a twin behind those. */
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
  /** Of a process that was asked to stop: how long it stays away then. */
  #downMs = 0;
  #invocation: Invocation = {};
  /** An operator works on its disk, or it has said that it cannot go on: it is not started meanwhile. */
  #isHeld = false;
  #isOut = false;
  #lostPower = false;

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
    this.#life = context.livesBefore ?? 0;
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

  /** Processes so far. */
  get life(): number {
    return this.#life;
  }

  get paused(): boolean {
    return this.#clock?.paused ?? false;
  }

  /** The process has said that it cannot go on for good. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** It is down by a loss of power, which may have taken what was not synced. */
  get hasLostPower(): boolean {
    return this.#lostPower;
  }

  start(): void {
    if (this.#node !== null || this.#isHeld || this.#isOut) return;
    this.#cancelStart();
    const { clock, network, random } = this.#context;
    this.#life += 1;
    const process = new PausableClock(clock.fork(this.#skew));
    this.#clock = process;
    this.#note("starts");
    try {
      this.#node = Node.open(
        { ...this.#options, ...this.#invocation },
        {
          clock: process,
          random: random.fork(`life ${this.#life}`),
          network: pausableNetwork(network.host(this.host), process),
          disk: this.disk,
          passwords: simPasswords(process),
          logger: this.#logger(),
        },
        { onListening: () => {}, onFatal: (error) => this.#onFatal(error) },
      );
    } catch (error) {
      this.#onStartFailed(error);
      return;
    }
    this.#state = this.#node.replica.state;
    this.#onStarted(this.#node);
    this.#node.start();
    if (this.#life > 1) this.#context.onBack();
  }

  #onStarted({ replica, bootId }: Node): void {
    const { safety, trust } = this.#context;
    const { incarnation } = this.#identity();
    const isWhole = trust.onStart(this.index, {
      life: this.#life,
      boot: bootId,
      memory: memoryOn(this.disk),
      disk: incarnation ?? "",
      joined: replica.joining === null,
      members: [...(this.#invocation.peerAddresses ?? this.#options.peerAddresses).keys()],
      claims: replica.core.durable,
      lack: safety.lackOf(this.index, replica),
    });
    safety.onStart(this.index, replica, isWhole);
    this.#lostPower = false;
  }

  /**
   * Ends the process and keeps the node down until `release`.
   * @param done told whether the process ran until then
   */
  hold(ends: Ending, done: (ran: boolean) => void): void {
    const { clock } = this.#context;
    const ran = this.#clock !== null;
    this.#isHeld = true;
    this.#cancelStart();
    if (ends === "stop" && !this.paused) this.stop(FOR_GOOD_MS);
    else this.crash({ silent: false, power: ends === "power", downMs: FOR_GOOD_MS });
    const look = (): void => {
      if (this.#clock === null) done(ran);
      else clock.after(LOOK_MS, look);
    };
    clock.after(0, look);
  }

  /** Starts it so, now and whenever it is started again. */
  release(invocation: Invocation = this.#invocation): void {
    this.#invocation = invocation;
    this.#isHeld = false;
    this.#isOut = false;
    this.start();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  image(): DiskImage {
    return { files: this.disk.copy(), lives: this.#context.trust.lives(this.index) };
  }

  /** While it is held: from now on its disk holds this. */
  changeDisk(files: DiskCopy, change: DiskChange): void {
    const { safety, trust } = this.#context;
    // A process that could not start may have left files open.
    this.disk.crash("process");
    this.disk.restore(files);
    trust.onChanged(this.index, change);
    safety.onDiskChanged(this.index);
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
    this.#lostPower = power;
    this.#context.network.crash(this.host, silent);
    this.disk.crash(power ? "power" : "process");
    this.#context.safety.onCrash(this.index, this.#isLogBegun());
    this.#context.trust.onMemory(this.index, memoryOn(this.disk));
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
    this.#downMs = downMs;
    let stopped = false;
    const ended = (): void => {
      if (stopped || this.#node !== node) return;
      stopped = true;
      this.crash({ silent: false, power: false, downMs: this.#downMs });
    };
    // Not from within the node's own call.
    node.retire(() => this.#context.clock.after(0, ended));
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

  /** No more trouble from this machine: planned faults are called off, and the process runs. */
  heal(): void {
    this.#operationsLeft = FAR_FUTURE_OPERATIONS;
    this.#armed = null;
    this.disk.failSyncs = 0;
    this.disk.capacityBytes = Number.POSITIVE_INFINITY;
    this.disk.syncMs = this.#context.syncMs;
    this.resume();
    // A process that is about to stop is started again as soon as it has.
    this.#downMs = 0;
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
    const { safety, coverage, trust } = this.#context;
    safety.check(this.index, replica);
    if (this.#node.otherLogs.length > 0) trust.onAlarm();
    if (replica.state !== this.#state) {
      this.#state = replica.state;
      coverage.hit("snapshot installed from a peer");
      if (replica.watches.watches > 0) coverage.hit("watch: its state is replaced");
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
    const slowed = this.#node?.replica.watches.slowed ?? 0;
    if (slowed > 0) coverage.hit("watch: leaves the live feed", slowed);
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
    const node = this.#node;
    const death = this.#fatal;
    this.#note(`cannot go on: ${error.message}`);
    if (this.#isFinal(error)) {
      // It is not started again: an operator must look at it first.
      clock.after(0, () => {
        if (this.#node === node) this.crash({ silent: false, power: false, downMs: FOR_GOOD_MS });
      });
      return;
    }
    if (!isOfTheDisk(error)) throw error;
    this.#fatal = null;
    coverage.hit("process ended by itself");
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
    if (this.#isFinal(error)) {
      this.#note(`cannot start: ${error instanceof Error ? error.message : ""}`);
      return this.#end();
    }
    if (!full) throw error;
    this.#note("cannot start: the disk is full");
    this.#context.coverage.hit("start refused by a full disk");
    this.#end();
    this.startAfter(RESTART_MS);
  }

  /** The node has noticed that something is wrong with its disk, or its state, and says so. */
  #isFinal(error: unknown): boolean {
    const { coverage, trust, safety, onNoticed } = this.#context;
    if (!(error instanceof StorageError) && !(error instanceof KvError)) return false;
    if (!FINAL.has(error.code)) return false;
    if (error.code === "DIVERGED" && safety.mayDiverge) return true;
    if (!trust.isTouched) return false;
    this.#isOut = true;
    coverage.hit(`noticed ${error.code}`);
    trust.onNoticed(this.index, error.code, error.message);
    onNoticed();
    return true;
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
    return this.#identity().logBegun;
  }

  #identity(): { readonly logBegun: boolean; readonly incarnation: string | null } {
    const { disk } = this;
    if (!disk.exists(IDENTITY_FILE)) return { logBegun: false, incarnation: null };
    const text = Buffer.from(disk.read(IDENTITY_FILE, 0, disk.size(IDENTITY_FILE))).toString();
    const { logBegun, content } = JSON.parse(text) as {
      readonly logBegun?: unknown;
      readonly content: { readonly incarnation: string };
    };
    return { logBegun: logBegun === 1, incarnation: content.incarnation };
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
        if (message === "this disk has taken the place of the lost one") {
          coverage.hit("an empty disk has its place");
        }
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
