import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import type { Ballot, NodeId } from "../../../src/omnipaxos/index.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster.ts";
import { logOf } from "./view.ts";
import type { Node } from "./view.ts";

/** One recorded step of the reference. */
export interface TraceStep {
  readonly step: number;
  readonly cmd: string;
  readonly nodes: readonly TraceNode[];
  readonly chan: Readonly<Record<string, number>>;
}

interface TraceNode {
  readonly pid: NodeId;
  readonly up: boolean;
  readonly decided: number;
  readonly accepted: number;
  readonly compacted: number;
  readonly promise: readonly number[];
  readonly accRound: readonly number[];
  readonly role: string;
  readonly phase: string;
  readonly bleBallot: readonly number[];
  readonly bleLeader: readonly number[];
  readonly happy: boolean;
  readonly seq: readonly number[];
  readonly buffered: number;
  readonly log: readonly string[];
  readonly ss: boolean;
  readonly reconfigured: boolean;
}

export interface Divergence {
  readonly step: number;
  readonly cmd: string;
  readonly what: string;
}

export interface ReplayResult {
  readonly steps: number;
  readonly equalSteps: number;
  readonly divergence: Divergence | null;
  readonly cluster: Cluster;
}

export function readTrace(path: string): TraceStep[] {
  const lines = gunzipSync(readFileSync(path)).toString("utf8").trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as Partial<TraceStep>)
    .filter((step): step is TraceStep => step.cmd !== undefined);
}

/**
 * Runs a recorded schedule on the port and compares every node and the length of every channel after each step, until
 * the first difference; from there on the rest runs for the safety checker alone.
 */
export function replay(trace: readonly TraceStep[]): ReplayResult {
  const [init, ...rest] = trace;
  const cluster = new Cluster(initOptions(init!.cmd));
  let equalSteps = 0;
  let command = "init";
  cluster.filter = ({ from, message }) => {
    // The reference has no such message: its recordings must be met without.
    if (message.type === "progress") return false;
    // Nor does it pass on a stop-sign that a node kept while it had no leader.
    return message.type !== "forwardStopSign" || command.startsWith(`reconfig ${from} `);
  };
  let divergence: Divergence | null = null;
  for (const step of [init!, ...rest]) {
    command = step.cmd;
    if (step !== init) perform(cluster, step.cmd.split(" "));
    if (divergence !== null) continue;
    const what = difference(cluster, step);
    if (what === null) equalSteps += 1;
    else divergence = { step: step.step, cmd: step.cmd, what };
  }
  return { steps: trace.length, equalSteps, divergence, cluster };
}

function initOptions(cmd: string): ClusterOptions {
  const given = new Map(
    cmd
      .split(" ")
      .slice(1)
      .map((word) => word.split("=") as [string, string]),
  );
  const number = (key: string, otherwise: number): number => Number(given.get(key) ?? otherwise);
  const [read, write] = (given.get("fq") ?? "").split(",").map(Number);
  const n = number("n", 3);
  const pids =
    given.get("pids")?.split(",").map(Number) ?? Array.from({ length: n }, (_, i) => i + 1);
  const priorities = given.get("prio")?.split(",").map(Number) ?? [];
  return {
    pids,
    electionTicks: number("et", 1),
    resendTicks: number("resend", 5),
    flushTicks: number("flush", 5),
    batchSize: number("batch", 1),
    snapshots: number("snapshots", 0) === 1 ? "fold" : "off",
    eagerWrites: true,
    lazy: number("lazy", 0) === 1,
    priorities: Object.fromEntries(pids.map((pid, i) => [pid, priorities[i] ?? 0])),
    ...(write === undefined ? {} : { flexibleQuorum: { read: read!, write } }),
  };
}

function perform(cluster: Cluster, [name, ...args]: string[]): void {
  const [a, b] = args.map(Number) as [number, number];
  const idx = args[1] === "-" ? null : b;
  switch (name) {
    case "tick":
      if (args[0] === "*") cluster.tickAll(args[1] === undefined ? 1 : b);
      else cluster.tick(a, args[1] === undefined ? 1 : b);
      return;
    case "append":
      return cluster.append(a, args[1]!);
    case "reconfig": {
      const nodes = args[2]!.split(",").map(Number);
      cluster.call(a, (node) => node.reconfigure({ configurationId: b, nodes }));
      return;
    }
    case "snapshot":
      cluster.call(a, (node) => node.snapshot(idx, args[2] === "1"));
      return;
    case "trim":
      cluster.call(a, (node) => node.trim(idx));
      return;
    case "become":
      cluster.call(a, (node) => node.tryBecomeLeader());
      return;
    case "prio":
      cluster.call(a, (node) => node.setPriority(b));
      return;
    case "reconnected":
      cluster.call(a, (node) => node.reconnected(b));
      return;
    case "cut":
      return cluster.cut(a, b);
    case "heal":
      return cluster.heal(a, b);
    case "cut1":
      return cluster.cutOneWay(a, b);
    case "heal1":
      return cluster.healOneWay(a, b);
    case "isolate":
      return cluster.isolate(a);
    case "healall":
      return cluster.healAll();
    case "deliver":
      if (args[2] === "*") cluster.deliverAll(a, b);
      else for (let k = Number(args[2] ?? 1); k > 0; k -= 1) cluster.deliver(a, b);
      return;
    case "deliverk":
      cluster.deliver(a, b, Number(args[2]));
      return;
    case "dup": {
      const envelope = cluster.channel(a, b)[Number(args[2])];
      if (envelope !== undefined) cluster.channel(a, b).push(envelope);
      return;
    }
    case "drop":
      if (args[2] === "*") cluster.drop(a, b);
      else cluster.channel(a, b).splice(Number(args[2]), 1);
      return;
    case "crash":
      return cluster.crash(a);
    case "crashkeep":
      return cluster.crash(a, true);
    case "restart":
      return cluster.restart(a);
    case "settle":
      return cluster.settle();
    case "round":
      return cluster.round(args[0] === undefined ? 1 : a);
    case "drain":
      for (const pid of args[0] === "*" ? cluster.pids : [a]) cluster.drain(pid);
      return;
    case "auto":
    case "state":
    case "msgs":
      return;
    default:
      throw new Error(`the recording has a command this replay does not know: ${name}`);
  }
}

function difference(cluster: Cluster, step: TraceStep): string | null {
  for (const expected of step.nodes) {
    const { up, node } = cluster.slot(expected.pid);
    if (up !== expected.up) return `node ${expected.pid} up: ${up}`;
    if (!up) continue;
    const actual = describe(node);
    for (const key of Object.keys(actual) as (keyof typeof actual)[]) {
      const [got, want] = [JSON.stringify(actual[key]), JSON.stringify(expected[key])];
      if (got !== want) return `node ${expected.pid} ${key}: ${got} instead of ${want}`;
    }
  }
  for (const { from, to } of cluster.links) {
    const [got, want] = [cluster.channel(from, to).length, step.chan[`${from}>${to}`] ?? 0];
    if (got !== want) return `in flight ${from}>${to}: ${got} instead of ${want}`;
  }
  return null;
}

function describe(node: Node): Omit<TraceNode, "pid" | "up"> {
  const state = node.snapshotState();
  const ballot = ({ n, priority, pid }: Ballot): number[] => [n, priority, pid];
  const title = (word: string): string => word[0]!.toUpperCase() + word.slice(1);
  return {
    decided: state.decidedIdx,
    accepted: state.acceptedIdx,
    compacted: state.compactedIdx,
    promise: ballot(state.promise),
    accRound: ballot(state.acceptedRound),
    role: title(state.role),
    phase: title(state.phase),
    bleBallot: ballot(state.ownBallot),
    bleLeader: ballot(state.bleLeader),
    happy: state.happy,
    seq: [state.seq.session, state.seq.counter],
    buffered: state.buffered,
    log: logOf(node)
      .slice(state.compactedIdx)
      .filter((entry) => entry !== "SS"),
    ss: state.stopSign !== null,
    reconfigured: state.reconfigured,
  };
}
