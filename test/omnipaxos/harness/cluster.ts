import { OmniPaxos } from "../../../src/omnipaxos/index.ts";
import type {
  ClusterConfig,
  DurableState,
  Envelope,
  NodeId,
  OmniPaxosConfig,
  Outgoing,
  SnapshotPolicy,
  WriteGroup,
} from "../../../src/omnipaxos/index.ts";
import type { Folded, Message, Node } from "./view.ts";
import { SafetyChecker } from "./safety-checker.ts";
import { SimDisk } from "./sim-disk.ts";

type Group = WriteGroup<string, Folded>;
export type Link = { readonly from: NodeId; readonly to: NodeId };

export interface ClusterOptions {
  readonly pids?: readonly NodeId[];
  readonly n?: number;
  readonly flexibleQuorum?: { readonly read: number; readonly write: number };
  readonly snapshots?: "off" | "fold" | "host";
  readonly electionTicks?: number;
  readonly resendTicks?: number;
  readonly flushTicks?: number;
  readonly batchSize?: number;
  readonly priorities?: Readonly<Record<NodeId, number>>;
  /** What the disks of some nodes hold at the start. */
  readonly recovered?: Readonly<Record<NodeId, Partial<DurableState<string, Folded>>>>;
  /** `immediate`: writes are durable at once. `delayed`: only `sync` makes them so. Default immediate. */
  readonly durability?: "immediate" | "delayed";
  /** Messages stay in the node until `drain` or `settle`. Default false. */
  readonly lazy?: boolean;
  /** Every write of the reference is durable at once, also those that the port puts off. Default false. */
  readonly eagerWrites?: boolean;
  /** Check safety after every step. Default true. */
  readonly checked?: boolean;
}

interface Slot {
  readonly pid: NodeId;
  node: Node;
  up: boolean;
  incarnation: number;
  readonly disk: SimDisk<string, Folded>;
  /** Taken from the node, waiting for their writes. */
  held: Outgoing<string, Folded>[];
  rejected: string[];
}

export const FOLD: SnapshotPolicy<string, Folded> = {
  kind: "fold",
  create: (entries) => entries.slice(),
  merge: (base, delta) => [...base, ...delta],
};

/** A deterministic cluster in memory: one first-in first-out channel per directed link, moved by hand. */
export class Cluster {
  readonly pids: readonly NodeId[];
  readonly options: ClusterOptions;
  readonly checker = new SafetyChecker();
  /** Sees every message as it enters a channel; answering false drops it. */
  filter: (envelope: Envelope<string, Folded>) => boolean = () => true;
  readonly sent: Envelope<string, Folded>[] = [];
  /** Told of every message as it leaves a node, and of every write group as it is handed to a disk. */
  watch: {
    sent(envelope: Envelope<string, Folded>): void;
    staged(pid: NodeId, group: Group): void;
  } = { sent: () => {}, staged: () => {} };
  readonly #slots = new Map<NodeId, Slot>();
  readonly #channels = new Map<string, Envelope<string, Folded>[]>();
  readonly #cuts = new Set<string>();

  constructor(options: ClusterOptions = {}) {
    this.options = options;
    this.pids = options.pids ?? Array.from({ length: options.n ?? 3 }, (_, i) => i + 1);
    for (const pid of this.pids) {
      const recovered = options.recovered?.[pid];
      const disk = new SimDisk<string, Folded>(recovered);
      const config = this.#config(pid, 1);
      const node =
        recovered === undefined ? new OmniPaxos(config) : new OmniPaxos(config, disk.state);
      const slot = { pid, node, up: true, incarnation: 1, disk, held: [], rejected: [] };
      this.#slots.set(pid, slot);
    }
    for (const pid of this.pids) this.drain(pid);
  }

  get clusterConfig(): ClusterConfig {
    const { flexibleQuorum } = this.options;
    return {
      configurationId: 1,
      nodes: this.pids,
      ...(flexibleQuorum === undefined ? {} : { flexibleQuorum }),
    };
  }

  node(pid: NodeId): Node {
    return this.slot(pid).node;
  }

  slot(pid: NodeId): Slot {
    return this.#slots.get(pid)!;
  }

  get upPids(): NodeId[] {
    return this.pids.filter((pid) => this.slot(pid).up);
  }

  rejected(pid: NodeId): readonly string[] {
    return this.slot(pid).rejected;
  }

  /** Calls into a node that is up, then moves its effects on. */
  call<R>(pid: NodeId, action: (node: Node) => R): R | undefined {
    const slot = this.slot(pid);
    if (!slot.up) return undefined;
    const result = action(slot.node);
    this.#after(pid);
    return result;
  }

  append(pid: NodeId, ...entries: string[]): void {
    for (const entry of entries) this.call(pid, (node) => node.append(entry));
  }

  tick(pid: NodeId, times = 1): void {
    for (let i = 0; i < times; i += 1) this.call(pid, (node) => node.tick());
  }

  tickAll(times = 1): void {
    for (let i = 0; i < times; i += 1) for (const pid of this.pids) this.tick(pid);
  }

  reconnect(a: NodeId, b: NodeId): void {
    this.call(a, (node) => node.reconnected(b));
    this.call(b, (node) => node.reconnected(a));
  }

  // Links

  cut(a: NodeId, b: NodeId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }
  cutOneWay(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
  }
  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }
  heal(a: NodeId, b: NodeId): void {
    this.healOneWay(a, b);
    this.healOneWay(b, a);
  }
  healOneWay(from: NodeId, to: NodeId): void {
    this.#cuts.delete(`${from}>${to}`);
  }
  isolate(pid: NodeId): void {
    for (const peer of this.pids) if (peer !== pid) this.cut(pid, peer);
  }
  healAll(): void {
    this.#cuts.clear();
  }
  /** Leaves only these links (both ways); what is in flight on the others stays in flight. */
  keepOnly(links: readonly (readonly [NodeId, NodeId])[]): void {
    const kept = new Set(links.flatMap(([a, b]) => [`${a}>${b}`, `${b}>${a}`]));
    for (const from of this.pids) {
      for (const to of this.pids) {
        if (from === to) continue;
        if (kept.has(`${from}>${to}`)) this.healOneWay(from, to);
        else this.cutOneWay(from, to);
      }
    }
  }

  channel(from: NodeId, to: NodeId): Envelope<string, Folded>[] {
    const key = `${from}>${to}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = [];
      this.#channels.set(key, channel);
    }
    return channel;
  }

  get links(): Link[] {
    return this.pids.flatMap((from) =>
      this.pids.filter((to) => to !== from).map((to) => ({ from, to })),
    );
  }

  /** Delivers the message at `at` in the channel (default: the head). False when there is none. */
  deliver(from: NodeId, to: NodeId, at = 0): boolean {
    const [envelope] = this.channel(from, to).splice(at, 1);
    if (envelope === undefined) return false;
    this.inject(envelope);
    return true;
  }

  deliverAll(from: NodeId, to: NodeId): void {
    for (let left = this.channel(from, to).length; left > 0; left -= 1) this.deliver(from, to);
  }

  /** Delivers the first message of this type; throws when there is none: a scenario that went another way. */
  deliverType(from: NodeId, to: NodeId, type: Message["type"]): void {
    const at = this.channel(from, to).findIndex((envelope) => envelope.message.type === type);
    if (at < 0) throw new Error(`no ${type} in flight from ${from} to ${to}`);
    this.deliver(from, to, at);
  }

  inject(envelope: Envelope<string, Folded>): void {
    this.call(envelope.to, (node) => node.receive(envelope));
  }

  drop(from: NodeId, to: NodeId): void {
    this.channel(from, to).length = 0;
  }

  /** Every head in turn, until nothing is in flight; in delayed mode disks keep up. */
  settle(maxSteps = 100_000): void {
    for (let steps = 0; ; steps += 1) {
      if (steps > maxSteps) throw new Error("the cluster does not settle");
      for (const pid of this.pids) {
        this.drain(pid);
        this.sync(pid);
      }
      const busy = this.links.filter(({ from, to }) => this.channel(from, to).length > 0);
      if (busy.length === 0) return;
      for (const { from, to } of busy) this.deliver(from, to);
    }
  }

  /** `times` election time-outs for every node, all messages delivered after each. */
  round(times = 1): void {
    for (let i = 0; i < times; i += 1) {
      for (let t = 0; t < (this.options.electionTicks ?? 1); t += 1) this.tickAll();
      this.settle();
    }
  }

  // Crashes

  /** The node loses what is not durable; what is in flight from and to it is lost too, unless `keepInFlight`. */
  crash(pid: NodeId, keepInFlight = false): void {
    const slot = this.slot(pid);
    slot.up = false;
    slot.held = [];
    slot.disk.crash();
    if (keepInFlight) return;
    for (const peer of this.pids) {
      this.drop(pid, peer);
      this.drop(peer, pid);
    }
  }

  restart(pid: NodeId): void {
    const slot = this.slot(pid);
    if (slot.up) return;
    slot.incarnation += 1;
    slot.up = true;
    const config = this.#config(pid, slot.incarnation);
    const { disk } = slot;
    if (this.options.eagerWrites === true) disk.writeDecided(slot.node.decidedIdx);
    slot.node = disk.used ? new OmniPaxos(config, disk.state) : new OmniPaxos(config);
    this.checker.restarted(pid);
    this.#after(pid);
  }

  // Effects

  /** Takes a node's effects: stages its writes, and moves what may leave into the channels. */
  drain(pid: NodeId): void {
    const slot = this.slot(pid);
    if (!slot.up) return;
    const effects = slot.node.takeEffects();
    slot.disk.stage(effects.writes);
    for (const group of effects.writes) this.watch.staged(pid, group);
    for (const message of effects.messages) slot.held.push(message);
    for (const entry of effects.rejected) slot.rejected.push(entry);
    this.#release(slot);
    if (this.options.durability !== "delayed") this.sync(pid);
  }

  /** Makes the oldest `count` staged groups of a node durable, tells it, and releases what waited. */
  sync(pid: NodeId, count = Infinity): void {
    const slot = this.slot(pid);
    if (!slot.up) return;
    const seq = slot.disk.sync(count);
    if (seq === 0) return;
    slot.node.persisted(seq);
    this.checker.persisted(pid, seq);
    if (this.options.checked !== false) this.checker.durable(pid, slot.node, slot.disk);
    this.#release(slot);
    this.#after(pid);
  }

  #release(slot: Slot): void {
    const durable = this.checker.persistedSeq(slot.pid);
    const waiting: Outgoing<string, Folded>[] = [];
    const blocked = new Set<NodeId>();
    for (const outgoing of slot.held) {
      if (outgoing.after > durable || blocked.has(outgoing.to)) {
        blocked.add(outgoing.to);
        waiting.push(outgoing);
        continue;
      }
      const { from, to, message } = outgoing;
      const envelope = { from, to, message };
      this.checker.left(slot.pid, slot.incarnation, slot.disk, message);
      this.sent.push(envelope);
      this.watch.sent(envelope);
      if (this.#cuts.has(`${from}>${to}`) || !this.filter(envelope)) continue;
      this.channel(from, to).push(envelope);
    }
    slot.held = waiting;
  }

  #after(pid: NodeId): void {
    if (this.options.lazy !== true) this.drain(pid);
    if (this.options.checked !== false) this.checker.check(pid, this.slot(pid).node);
  }

  #config(pid: NodeId, incarnation: number): OmniPaxosConfig<string, Folded> {
    const { options } = this;
    const kind = options.snapshots ?? "off";
    return {
      clusterConfig: this.clusterConfig,
      pid,
      electionTickTimeout: options.electionTicks ?? 1,
      resendMessageTickTimeout: options.resendTicks ?? 100,
      flushBatchTickTimeout: options.flushTicks ?? 200,
      batchSize: options.batchSize ?? 1,
      leaderPriority: options.priorities?.[pid] ?? 0,
      incarnation: pid * 1000 + incarnation,
      snapshots: kind === "fold" ? FOLD : { kind },
    };
  }
}

// Looking at a cluster

/** The only node that leads in the accept phase with the highest ballot of all; undefined when there is none. */
export function leaderOf(cluster: Cluster): NodeId | undefined {
  const leaders = cluster.upPids
    .map((pid) => cluster.node(pid))
    .filter((node) => node.role === "leader" && node.phase === "accept")
    .sort((a, b) => b.promise.n - a.promise.n || b.promise.pid - a.promise.pid);
  return leaders[0]?.pid;
}

/** Runs election rounds until some node leads in the accept phase. */
export function elect(cluster: Cluster, maxRounds = 10): NodeId {
  cluster.settle();
  for (let i = 0; i < maxRounds; i += 1) {
    cluster.round();
    const leader = leaderOf(cluster);
    if (leader !== undefined) return leader;
  }
  throw new Error(`no leader after ${maxRounds} rounds`);
}

/** A node other than those named. */
export function other(cluster: Cluster, ...not: NodeId[]): NodeId {
  return cluster.upPids.find((pid) => !not.includes(pid))!;
}
