import type { NodeId } from "../../../src/omnipaxos/index.ts";
import { Cluster, leaderOf } from "./cluster.ts";
import type { ClusterOptions } from "./cluster.ts";
import { decidedOf } from "./view.ts";

/** One step of a random schedule: which kind (by weight), and three choices that it interprets. */
export type Move = readonly [kind: number, x: number, y: number, z: number];

export interface ScheduleOptions extends ClusterOptions {
  /** Whether links may deliver out of order and twice. */
  readonly unordered: boolean;
  /** What a schedule is made of; default KINDS. */
  readonly kinds?: Kinds;
}

export type Kinds = readonly (readonly [weight: number, name: string])[];

export const KINDS: Kinds = [
  [220, "deliver"],
  [200, "flow"],
  [30, "deliverAny"],
  [20, "duplicate"],
  [25, "drop"],
  [110, "tick"],
  [60, "tickAll"],
  [110, "append"],
  [70, "sync"],
  [50, "syncAll"],
  [12, "crash"],
  [25, "restart"],
  [15, "cut"],
  [10, "cutOneWay"],
  [25, "heal"],
  [6, "healAll"],
  [12, "reconnect"],
  [12, "become"],
  [12, "handOver"],
  [4, "priority"],
  [30, "compact"],
  [3, "reconfigure"],
];
export const KIND_TOTAL = totalOf(KINDS);

/**
 * Links that are no links: whatever was ever sent may arrive at any time, as often as it likes. Few faults otherwise, so
 * that rounds live long enough to be hurt by it.
 */
export const ANY_ORDER: Kinds = [
  [200, "deliver"],
  [60, "flow"],
  [200, "deliverAny"],
  [20, "drop"],
  [60, "again"],
  [200, "againRecent"],
  [30, "tick"],
  [60, "append"],
  [30, "sync"],
  [80, "syncAll"],
  [1, "crash"],
  [12, "restart"],
  [60, "reconnect"],
  [2, "become"],
  [2, "replaced"],
  [5, "compact"],
  [1, "reconfigure"],
];

/** Disks go back in time, now and then. */
export const BROKEN_DISKS: Kinds = [...ANY_ORDER, [12, "goBack"]];

export function totalOf(kinds: Kinds): number {
  return kinds.reduce((sum, [weight]) => sum + weight, 0);
}

/** Plays a schedule; the cluster's checker watches every step. */
export class Schedule {
  readonly cluster: Cluster;
  readonly #options: ScheduleOptions;
  #appended = 0;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.cluster = new Cluster(options);
  }

  play(moves: readonly Move[]): void {
    for (const move of moves) this.#play(move);
  }

  /**
   * Ends all faults. "converged" once everybody has the same log, nothing was lost and new work is decided; otherwise the
   * state of every node.
   */
  converge(maxRounds: number): string {
    const { cluster } = this;
    cluster.healAll();
    for (const pid of cluster.pids) cluster.restart(pid);
    for (let round = 0; round < maxRounds; round += 1) {
      cluster.round();
      const leader = leaderOf(cluster);
      if (round === Math.floor(maxRounds / 2) && leader !== undefined)
        cluster.append(leader, "last");
      if (round > maxRounds / 2 && this.#converged()) return "converged";
    }
    const states = cluster.pids.map((pid) => JSON.stringify(cluster.node(pid).snapshotState()));
    return states.join("\n");
  }

  #converged(): boolean {
    const { cluster } = this;
    const known = cluster.checker.canonical.length;
    return cluster.pids.every((pid) => {
      const node = cluster.node(pid);
      const complete = node.decidedIdx === known && node.acceptedIdx === known;
      return complete && (node.isReconfigured() !== null || decidedOf(node).at(-1) === "last");
    });
  }

  #play([kind, x, y, z]: Move): void {
    const { cluster } = this;
    const pid = this.#pid(x);
    switch (kindName(this.#options.kinds ?? KINDS, kind)) {
      case "deliver":
        return this.#onBusyLink(x, (from, to) => cluster.deliver(from, to));
      case "flow":
        for (const each of cluster.pids) cluster.drain(each);
        for (const { from, to } of cluster.links) cluster.deliver(from, to);
        return;
      case "deliverAny":
        return this.#onBusyLink(x, (from, to, length) =>
          cluster.deliver(from, to, this.#options.unordered ? y % length : 0),
        );
      case "duplicate":
        if (!this.#options.unordered) return;
        return this.#onBusyLink(x, (from, to, length) => {
          const channel = cluster.channel(from, to);
          channel.splice(z % (length + 1), 0, channel[y % length]!);
        });
      case "again":
        return this.#again(Math.floor((cluster.sent.length * (x * 144 + y * 12 + z)) / 8640));
      case "againRecent":
        return this.#again(cluster.sent.length - 1 - x);
      case "drop":
        return this.#onBusyLink(x, (from, to, length) =>
          cluster.channel(from, to).splice(y % length, 1),
        );
      case "tick":
        return cluster.tick(pid, 1 + (y % 3));
      case "tickAll":
        return cluster.tickAll();
      case "append":
        for (let i = 0; i <= y % 3; i += 1) cluster.append(pid, `e${(this.#appended += 1)}`);
        return;
      case "sync":
        cluster.drain(pid);
        return cluster.sync(pid, 1 + (y % 2));
      case "syncAll":
        for (const each of cluster.pids) cluster.sync(each);
        return;
      case "crash":
        return cluster.crash(pid, this.#options.unordered && y % 2 === 0);
      case "restart":
        return cluster.restart(pid);
      case "goBack":
        cluster.crash(pid, true);
        cluster.slot(pid).disk.goBack(1 + ((y * 12 + z) >> 2));
        return cluster.restart(pid);
      case "cut":
        return cluster.cut(pid, this.#peer(x, y));
      case "cutOneWay":
        return cluster.cutOneWay(pid, this.#peer(x, y));
      case "heal":
        return cluster.heal(pid, this.#peer(x, y));
      case "healAll":
        return cluster.healAll();
      case "reconnect":
        return cluster.reconnect(pid, this.#peer(x, y));
      case "replaced":
        for (const each of cluster.pids)
          if (each !== pid) cluster.call(each, (node) => node.replaced(pid));
        return;
      case "become":
        cluster.call(pid, (node) => node.tryBecomeLeader());
        return;
      case "handOver": {
        const from = leaderOf(cluster) ?? pid;
        cluster.call(from, (node) => {
          const heirs = node.heirs();
          const heir = heirs[y % Math.max(1, heirs.length)];
          if (heir !== undefined) node.handOver(heir);
        });
        return;
      }
      case "priority":
        cluster.call(pid, (node) => node.setPriority(y % 4));
        return;
      case "compact":
        return this.#compact(pid, y, z);
      case "reconfigure":
        cluster.call(pid, (node) => node.reconfigure({ configurationId: 2, nodes: [1, 2] }));
        return;
      default:
        throw new Error(`no move of kind ${kind}`);
    }
  }

  #again(at: number): void {
    const envelope = this.cluster.sent[at];
    if (envelope !== undefined) this.cluster.inject(envelope);
  }

  #compact(pid: NodeId, y: number, z: number): void {
    this.cluster.call(pid, (node) => {
      switch (this.#options.snapshots ?? "off") {
        case "off":
          node.trim(y % 3 === 0 ? null : y);
          break;
        case "fold":
          node.snapshot(y % 3 === 0 ? null : y, z % 2 === 0);
          break;
        case "host": {
          const decided = decidedOf(node).filter((entry) => entry !== "SS");
          const idx = Math.max(node.storedSnapshot?.idx ?? 0, decided.length - (y % 3));
          const value = decided.slice(0, idx);
          node.compact(Math.max(node.compactedIdx, idx - z), { kind: "complete", idx, value });
          break;
        }
      }
    });
  }

  #pid(x: number): NodeId {
    const { pids } = this.cluster;
    return pids[x % pids.length]!;
  }

  #peer(x: number, y: number): NodeId {
    const { pids } = this.cluster;
    return pids[(x + 1 + (y % Math.max(1, pids.length - 1))) % pids.length]!;
  }

  #onBusyLink(x: number, act: (from: NodeId, to: NodeId, length: number) => void): void {
    const { cluster } = this;
    const busy = cluster.links.filter(({ from, to }) => cluster.channel(from, to).length > 0);
    const link = busy[x % Math.max(1, busy.length)];
    if (link !== undefined) act(link.from, link.to, cluster.channel(link.from, link.to).length);
  }
}

function kindName(kinds: Kinds, kind: number): string {
  let left = kind % totalOf(kinds);
  for (const [weight, name] of kinds) {
    if (left < weight) return name;
    left -= weight;
  }
  throw new Error("weights do not add up");
}
