/** A cluster and its clients in one process, on simulated clocks, network and disks. */
import { assert } from "../../base/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import { type Address, SeededRandom } from "../../machine/ports/index.ts";
import { NODE_DEFAULTS, type NodeOptions } from "../../server/node/index.ts";
import type { CredentialOptions } from "../../client/core/index.ts";
import { LIMITED_USERS, passwordOf, scheduleAccess } from "./access-changes.ts";
import { LimitedClient } from "./limited-client.ts";
import { AllKinds } from "./all-kinds.ts";
import { Coverage } from "./coverage.ts";
import type { FaultKind, Plan } from "./plan.ts";
import { memoryOn, NO_MEMORY } from "./disk-memory.ts";
import { History } from "./history.ts";
import { HostileClient } from "./hostile-client.ts";
import { scheduleSettings } from "./setting-changes.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { KeyReader } from "./key-reader.ts";
import { RangeReader } from "./range-reader.ts";
import { Transactor } from "./transactor.ts";
import type { PeerMessage } from "../../protocol/peer/index.ts";
import { describeMessage, isOfSession, messagesIn } from "./peer-tap.ts";
import { SafetyChecker } from "./safety.ts";
import { SimClient, type SimClientOptions } from "./sim-client.ts";
import { SessionFrames } from "./session-frames.ts";
import { SimClock } from "./sim-clock.ts";
import { SimNetwork } from "./sim-network.ts";
import { CrashPoint, type DiskImage, SimNode } from "./sim-node.ts";
import { Trace } from "./trace.ts";
import { Trust } from "./trust.ts";
import { Watcher as WatchingClient } from "./watcher.ts";

/** What arrives at a machine may not be heard by its node. */
const LOSSY: ReadonlySet<FaultKind> = new Set([
  "pause",
  "unfaithfulPath",
  "dropLink",
  "shape",
  "deposeLeader",
  "restartAsker",
] satisfies FaultKind[]);

/** So that long messages have several slices here too. */
const SLICE_BYTES_MIN = 512;

const HALF_OPEN_MS = 600;
/** Ranges of two keys take two pages, and pages that find nothing on their way are no rarity. */
const RANGE_PAGE = { keys: 1, cells: 2 };
/** A watch whose client does not read leaves the live feed after some events. */
const WATCH_UNREAD_BYTES = 300;
/** A revision of two keys is a large one, each of them a part, and together more than a turn looks at. */
const SMALL_WATCH_TURN = {
  changes: 2,
  pastChanges: 2,
  records: 2,
  bytes: 100,
  judged: 1,
  connections: 1,
  revisionKeys: 1,
  partBytes: 1,
};
const CLIENT_TIMEOUT_MS = 1200;
/** An event costs microseconds: a run that needs so many goes round in circles. */
const STEPS_MAX = 1_000_000;
/** Of a client that comes when a node is back: it asks at once. */
const NEWCOMER_THINK_MS = 5;
const NEWCOMER_PIPELINE = 2;
/** The machine on which a second process of some node runs. */
export const TWIN_HOST = "twin";
/** More than an original has lives. */
const LIVES_BEFORE_TWIN = 1_000_000;
const PEER_PORT = 7000;
const CLIENT_PORT = 4100;

type ClientHabits = Pick<
  SimClientOptions,
  "node" | "isNewcomer" | "operations" | "pipeline" | "thinkMsMax"
>;

/** Told of a message that leaves a node; both named by their positions. */
export type Watcher = (from: number, to: number, message: PeerMessage) => void;

export class SimWorld {
  readonly plan: Plan;
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly coverage = new Coverage();
  readonly history = new History();
  readonly trust: Trust;
  readonly safety: SafetyChecker;
  readonly trace: Trace;
  readonly nodes: readonly SimNode[];
  /** Those of the plan, and newcomers. */
  readonly clients: SimClient[];
  readonly hostiles: readonly HostileClient[];
  readonly rangeReaders: readonly RangeReader[];
  readonly keyReaders: readonly KeyReader[];
  readonly transactors: readonly Transactor[];
  readonly watchers: readonly WatchingClient[];
  readonly limited: readonly LimitedClient[];
  readonly leaseHolders: readonly LeaseHolder[];
  /** When each index was first decided, by any node. */
  readonly decidedMs: number[] = [];
  /** A node has said that it cannot go on for good. */
  onNoticed: (node: number) => void = () => {};
  readonly #watchers = new Set<Watcher>();
  readonly #frames: SessionFrames;
  #twin: SimNode | null = null;
  #isClosed = false;
  /** Of users and rights, at any node at any time. */
  #newestEpoch = 0;
  readonly #random: SeededRandom;
  #steps = 0;

  /** @param print gets the trace, one line an event; null: no trace */
  constructor(seed: string | number, plan: Plan, print: ((line: string) => void) | null) {
    this.plan = plan;
    this.trust = new Trust(
      plan.nodes,
      plan.faults.every(({ fault }) => !LOSSY.has(fault.kind)),
      {
        memory: (place) => {
          const machine = this.#machineAt(place);
          return machine === null ? NO_MEMORY : memoryOn(machine.disk);
        },
        lack: (place) => this.#frames.lackAt(place),
      },
    );
    this.safety = new SafetyChecker(this.trust);
    this.#frames = new SessionFrames(this.trust, this.safety, (place) => this.#machineAt(place));
    this.#random = new SeededRandom(seed);
    this.trace = new Trace(this.clock, print);
    this.network = new SimNetwork({
      clock: this.clock,
      random: this.#random.fork("network"),
      path: {
        delayMinMs: plan.delayMinMs,
        delayMaxMs: plan.delayMaxMs,
        breakPermille: 0,
        cut: "none",
      },
      halfOpenMs: HALF_OPEN_MS,
      quantumMs: plan.quantumMs,
      onFrame: (...frame) => this.#onFrame(...frame),
    });
    this.nodes = plan.skews.map((skew, index) => this.#newNode(index, skew));
    this.clients = Array.from({ length: plan.clients }, (_, index) => this.#newClient(index));
    const hostiles = plan.hostiles ?? 0;
    this.rangeReaders = Array.from({ length: plan.rangeReaders ?? 0 }, (_, index) =>
      this.#newRangeReader(index),
    );
    this.keyReaders = Array.from({ length: plan.keyReaders ?? 0 }, (_, index) =>
      this.#newKeyReader(index),
    );
    this.transactors = Array.from({ length: plan.transactors ?? 0 }, (_, index) =>
      this.#newTransactor(index),
    );
    this.leaseHolders = Array.from({ length: plan.leaseHolders ?? 0 }, (_, index) =>
      this.#newLeaseHolder(index),
    );
    const limitedWatchers = this.#hasUsers && plan.mistakes.length === 0 ? plan.limitedWatchers : 0;
    this.watchers = [
      ...Array.from({ length: plan.watchers ?? 0 }, (_, index) => this.#newWatcher(index, null)),
      ...LIMITED_USERS.slice(0, limitedWatchers).map((user, index) =>
        this.#newWatcher(index, user),
      ),
    ];
    const users = this.#hasUsers ? LIMITED_USERS : [];
    this.limited = users.map((user, index) => this.#newLimited(index, user));
    this.hostiles = Array.from({ length: hostiles }, (_, index) => this.#newHostile(index));
  }

  /** Events so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Position of the node that leads with the highest ballot, as it thinks itself. */
  get leader(): number | null {
    let best: { readonly index: number; readonly n: number } | null = null;
    for (const { index, node } of this.nodes) {
      const core = node?.replica.core;
      if (core === undefined || core.adoptedIdx === null) continue;
      if (best === null || core.promise.n > best.n) best = { index, n: core.promise.n };
    }
    return best?.index ?? null;
  }

  start(): void {
    for (const node of this.nodes) node.startAfter(this.plan.startsMs[node.index] ?? 0);
    this.#checkNodes();
    for (const client of this.clients) client.start();
    for (const hostile of this.hostiles) hostile.start();
    for (const reader of this.rangeReaders) reader.start();
    for (const reader of this.keyReaders) reader.start();
    scheduleSettings(this, this.plan.history ?? []);
    for (const transactor of this.transactors) transactor.start();
    for (const watcher of this.watchers) watcher.start();
    scheduleAccess(this, this.plan.access ?? [], this.#random.fork("access"));
    for (const client of this.limited) client.start();
    for (const holder of this.leaseHolders) holder.start();
  }

  /** Carries out the next event and checks what must always hold. */
  step(): void {
    this.#steps += 1;
    assert(this.#steps < STEPS_MAX, `the run goes round in circles: ${this.#steps} events`);
    try {
      this.clock.step();
    } catch (error) {
      if (!(error instanceof CrashPoint)) throw error;
    }
    this.#checkNodes();
    for (const watcher of this.watchers) watcher.observe();
  }

  /** @returns whether the condition came to hold within `ms` */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.clock.now() + ms;
    while (!condition()) {
      const next = this.clock.nextTime();
      if (next === null || next > end) return false;
      this.step();
    }
    return true;
  }

  run(ms: number): void {
    const end = this.clock.now() + ms;
    // An event at the end, so that time gets there even when nothing is due.
    this.clock.after(ms, () => {});
    this.runUntil(() => this.clock.now() >= end, ms);
  }

  /** A client of one node, outside the plan. */
  newProbe(index: number, node: number): SimClient {
    return this.#client(index, { ...this.#usual(0), node });
  }

  /** A client of the node at this position, outside the plan. */
  newAllKinds(index: number): AllKinds {
    const { plan, clock, network, coverage } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    const random = this.#random.fork(`all kinds ${index}`);
    const rest = { clock, network, coverage, nodes, random, credentials: this.#credentials };
    return new AllKinds({ ...rest, index, node: index + 1, timeoutMs: CLIENT_TIMEOUT_MS });
  }

  /** Where nodes of these ids are found. */
  addresses(ids: readonly NodeId[]): ReadonlyMap<NodeId, Address> {
    return new Map(ids.map((id) => [id, { host: hostOf(id - 1), port: PEER_PORT }]));
  }

  /** No new clients come any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** @returns ends it */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * A second process of this node, on a machine of its own. A run has one at most.
   * @returns the machine, on which the process runs
   */
  startTwin(of: number, { files, lives }: DiskImage): SimNode {
    assert(this.#twin === null, "a run has one twin at most");
    const { plan, trust } = this;
    const place = trust.addTwin(of);
    const options = this.#nodeOptions(of);
    const host = TWIN_HOST;
    const peerAddresses = new Map(options.peerAddresses).set(of + 1, { host, port: PEER_PORT });
    const clientAddress = { host, port: CLIENT_PORT };
    const where = { ...options, peerAddresses, clientAddress };
    const twin = new SimNode(place, host, where, plan.skews[of] ?? 1, {
      ...this.#aroundNode(host),
      livesBefore: LIVES_BEFORE_TWIN,
      onBack: () => {},
      onNoticed: () => {},
    });
    this.#twin = twin;
    twin.changeDisk(files, { isShown: false, lives, forgets: true });
    twin.start();
    return twin;
  }

  /** Who is connected to it may be connected to either process. */
  #hasTwinNow(id: NodeId): boolean {
    return this.#twin !== null && this.#twin.node !== null && this.trust.hasTwin(id - 1);
  }

  #machineAt(place: number): SimNode | null {
    return this.nodes[place] ?? this.#twin;
  }

  #checkNodes(): void {
    this.#twin?.check();
    for (const node of this.nodes) {
      node.check();
      const epoch = node.node?.replica.state.access.epoch ?? 0;
      this.#newestEpoch = Math.max(this.#newestEpoch, epoch);
    }
    const { length } = this.safety.decided;
    while (this.decidedMs.length < length) this.decidedMs.push(this.clock.now());
  }

  #newNode(index: number, skew: number): SimNode {
    const host = hostOf(index);
    return new SimNode(index, host, this.#nodeOptions(index), skew, {
      ...this.#aroundNode(host),
      onBack: () => this.#onBack(index),
      onNoticed: () => this.onNoticed(index),
    });
  }

  /** What a machine of this host has around it. */
  #aroundNode(host: string) {
    const { plan, clock, network, trace, coverage, safety, trust } = this;
    const { syncMs } = plan;
    const random = this.#random.fork(host);
    return { clock, network, trace, coverage, safety, trust, random, syncMs };
  }

  #onBack(index: number): void {
    const operations = this.plan.newcomerOperations;
    if (operations === 0 || this.#isClosed) return;
    this.coverage.hit("client a newcomer");
    const newcomer = this.#client(this.clients.length, {
      ...this.#usual(operations),
      node: index + 1,
      isNewcomer: true,
      pipeline: NEWCOMER_PIPELINE,
      thinkMsMax: NEWCOMER_THINK_MS,
    });
    this.clients.push(newcomer);
    newcomer.start();
  }

  #nodeOptions(index: number): NodeOptions {
    const { plan } = this;
    return {
      ...NODE_DEFAULTS,
      nodeId: index + 1,
      clusterId: "simulated",
      version: "0.0.0",
      peerAddresses: this.addresses(plan.skews.map((_, i) => i + 1)),
      clientAddress: { host: hostOf(index), port: CLIENT_PORT },
      allowFaults: true,
      timing: {
        tickMs: plan.tickMs,
        electionTimeoutMs: plan.electionTimeoutMs,
        resendMs: 2 * plan.electionTimeoutMs,
        requestWaitMs: plan.requestWaitMs,
      },
      compaction: {
        ...NODE_DEFAULTS.compaction,
        entriesMax: plan.snapshotEntries,
        retainedEntries: plan.retainedEntries,
      },
      load: {
        ...NODE_DEFAULTS.load,
        sliceBytes: plan.loadSliceBytes,
        pauseMs: plan.loadPauseMs,
      },
      linkLimits: {
        longMessageBytes: plan.longMessageBytes,
        sliceBytes: Math.max(plan.valueBytes, SLICE_BYTES_MIN),
      },
      segmentBytes: plan.segmentBytes,
      rangePage: plan.rangePage ?? RANGE_PAGE,
      watches: {
        ...NODE_DEFAULTS.watches,
        unreadBytes: WATCH_UNREAD_BYTES,
        progressMs: 100,
        ...(plan.smallWatchTurns === true ? { turn: SMALL_WATCH_TURN } : {}),
      },
    };
  }

  #newClient(index: number): SimClient {
    const { plan } = this;
    const random = this.#random.fork(`client ${index}`);
    const node = random.chance(0.4) ? random.between(1, plan.nodes) : null;
    return this.#client(index, { ...this.#usual(plan.operationsPerClient), node });
  }

  #usual(operations: number): ClientHabits {
    const { pipeline, thinkMsMax } = this.plan;
    return { node: null, isNewcomer: false, operations, pipeline, thinkMsMax };
  }

  #newRangeReader(index: number): RangeReader {
    const { plan, clock, network, coverage, history } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    return new RangeReader({
      index,
      clock,
      network,
      coverage,
      history,
      nodes,
      credentials: this.#credentials,
      random: this.#random.fork(`range reader ${index}`),
      keys: plan.keys,
      timeoutMs: CLIENT_TIMEOUT_MS,
      isCutOff: (node) => this.nodes[node - 1]?.node?.replica.standing().kind === "cutOff",
    });
  }

  #newKeyReader(index: number): KeyReader {
    const { plan, clock, network, coverage, history } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    const random = this.#random.fork(`key reader ${index}`);
    const rest = { clock, network, coverage, history, nodes, random };
    const credentials = this.#credentials;
    const { keys } = plan;
    return new KeyReader({ ...rest, index, keys, timeoutMs: CLIENT_TIMEOUT_MS, credentials });
  }

  #newTransactor(index: number): Transactor {
    const { plan, clock, network, coverage, history } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    const random = this.#random.fork(`transactor ${index}`);
    const rest = {
      clock,
      network,
      coverage,
      history,
      nodes,
      random,
      credentials: this.#credentials,
    };
    return new Transactor({ ...rest, index, timeoutMs: CLIENT_TIMEOUT_MS });
  }

  #newLeaseHolder(index: number): LeaseHolder {
    const { plan, clock, network, coverage, history } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    const random = this.#random.fork(`lease holder ${index}`);
    const rest = { clock, network, coverage, history, nodes, random };
    const writes = plan.leaseWrites ?? false;
    const credentials = this.#credentials;
    return new LeaseHolder({ ...rest, index, timeoutMs: CLIENT_TIMEOUT_MS, credentials, writes });
  }

  get #hasUsers(): boolean {
    return (this.plan.access ?? []).length > 0;
  }

  #newWatcher(index: number, user: string | null): WatchingClient {
    const { plan, clock, network, coverage } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    return new WatchingClient({
      index,
      clock,
      network,
      coverage,
      nodes,
      random: this.#random.fork(`${user === null ? "" : "limited "}watcher ${index}`),
      credentials: user === null ? this.#credentials : { user, password: passwordOf(user) },
      user,
      keys: plan.keys,
      isolatedMs: 2 * plan.electionTimeoutMs + 10 * (plan.delayMaxMs + plan.quantumMs),
      isCutOff: (node) => {
        const place = this.nodes[node - 1];
        if (place === undefined || place.paused || place.node === null) return null;
        if (this.#hasTwinNow(node)) return null;
        return place.node.replica.standing().kind === "cutOff";
      },
      lifeOf: (node) => this.nodes[node - 1]?.life ?? 0,
      checksSeen: plan.mistakes.length > 0,
      newestEpoch: () => this.#newestEpoch,
      stateOf: (node) =>
        this.#hasTwinNow(node) ? null : (this.nodes[node - 1]?.node?.replica.state ?? null),
      onWrongCluster: (text) => this.trust.onWrongCluster(`w${index}`, text),
    });
  }

  /** In a cluster with users, the client that may do everything is root. */
  get #credentials(): CredentialOptions {
    return this.#hasUsers ? { user: "root", password: passwordOf("root") } : {};
  }

  #newLimited(index: number, user: string): LimitedClient {
    const { plan, clock, network, coverage, history } = this;
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    const random = this.#random.fork(`limited ${index}`);
    const hasLeases = (plan.leaseHolders ?? 0) > 0;
    const leases = hasLeases ? this.#random.fork(`leases of limited ${index}`) : null;
    const rest = { clock, network, coverage, history, nodes, random, user, leases };
    return new LimitedClient({ ...rest, index, timeoutMs: CLIENT_TIMEOUT_MS });
  }

  #newHostile(index: number): HostileClient {
    const { plan, clock, network, coverage } = this;
    const random = this.#random.fork(`hostile ${index}`);
    const nodes = plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT }));
    return new HostileClient({ index, clock, network, coverage, random, nodes });
  }

  #client(index: number, habits: ClientHabits): SimClient {
    const { plan, clock, network, trace, coverage, history } = this;
    return new SimClient({
      ...habits,
      index,
      clock,
      network,
      trace,
      coverage,
      history,
      random: this.#random.fork(`client ${index} at work`),
      nodes: plan.skews.map((_, i) => ({ id: i + 1, host: hostOf(i), port: CLIENT_PORT })),
      credentials: this.#credentials,
      keys: plan.keys,
      valueBytes: plan.valueBytes,
      others: plan.otherWrites ?? 0,
      timeoutMs: CLIENT_TIMEOUT_MS,
      onWrongCluster: (text) => this.trust.onWrongCluster(`c${index}`, text),
    });
  }

  #onSent(from: number, to: number, message: PeerMessage): void {
    this.safety.onSent(from, message);
    for (const watcher of this.#watchers) watcher(from, to, message);
  }

  /** Of the process that runs on this machine. */
  #placeOf(host: string): number {
    return host === TWIN_HOST ? this.nodes.length : Number(host.slice(1)) - 1;
  }

  #onFrame(
    stage: "sent" | "received",
    from: string,
    to: string,
    frame: Uint8Array,
    isHeard: boolean,
  ): void {
    const peers = isNode(from) && isNode(to);
    const messages = peers ? messagesIn(frame) : [];
    for (const message of messages) {
      this.coverage.hit(`${stage} ${message.type}`);
      if (stage === "sent") this.#onSent(this.#placeOf(from), this.#placeOf(to), message);
    }
    if (peers && isOfSession(frame)) {
      const [sender, receiver] = [this.#placeOf(from), this.#placeOf(to)];
      if (stage === "sent") this.#frames.onSent(sender, frame);
      else this.#frames.onReceived(sender, receiver, frame, { messages, isHeard });
    }
    if (stage === "sent") return;
    this.trace.frame(from, to, frame, () =>
      messages.length === 0 ? `<${frame.length} bytes>` : messages.map(describeMessage).join("; "),
    );
  }
}

/** The machine of the node at this position. */
export function hostOf(index: number): string {
  return `n${index + 1}`;
}

function isNode(host: string): boolean {
  return host.startsWith("n") || host === TWIN_HOST;
}
