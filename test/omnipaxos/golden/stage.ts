/**
 * Plays a golden script: a protocol run as a play, in which each line is a command and what is indented below it is what
 * came of it. README.md has the commands.
 *
 * A script is its own expectation: playing it gives the text back, with the outcomes of this code.
 */
import { ballotText } from "../../../src/omnipaxos/index.ts";
import type { NodeId } from "../../../src/omnipaxos/index.ts";
import { Cluster, type ClusterOptions } from "../harness/cluster.ts";
import { logOf } from "../harness/view.ts";
import { deliver, drop, onLink, repeat } from "./mail.ts";
import { acknowledged, HEARTBEATS, inFlight, readable, readIndex } from "./questions.ts";
import { messageText, resultText, stateText, writeText } from "./words.ts";

const INDENT = "  ";
/** Before a command whose messages and writes are beside the point. */
const QUIETLY = "quietly ";
/** So long that no timer but the election's fires unless a script asks for it. */
const NEVER_TICKS = 10_000;

/** @returns the script with what each command prints now @throws Error for a command that it does not know */
export function play(script: string): string {
  const stage = new Stage();
  const lines = script.split("\n").filter((line) => !line.startsWith(INDENT));
  const played = lines.flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [line];
    return [line, ...stage.perform(line).map((said) => INDENT + said)];
  });
  return played.join("\n");
}

class Stage {
  #cluster: Cluster | null = null;
  #showsHeartbeats = false;
  #showsWrites = false;
  /** What was sent and written since the last command. */
  #happened: string[] = [];
  readonly #states = new Map<NodeId, string>();
  /** How many proposals of each node were handed back. */
  readonly #handedBack = new Map<NodeId, number>();
  readonly #inert = new Set<NodeId>();

  perform(line: string): readonly string[] {
    const isQuiet = line.startsWith(QUIETLY);
    const [command = "", ...args] = line.slice(isQuiet ? QUIETLY.length : 0).split(/\s+/);
    if (command === "cluster") return this.#begin(args);
    const cluster = this.#running;
    this.#happened = [];
    if (command === "leader") return this.#settleOn(cluster, pidOf(cluster, args[0]));
    const said = this.#act(cluster, command, args, line);
    return [...said, ...(isQuiet ? [] : this.#happened), ...this.#changes(cluster)];
  }

  /** A play begins when somebody leads and everybody knows: how that came about is another play. */
  #settleOn(cluster: Cluster, pid: NodeId): readonly string[] {
    cluster.call(pid, (node) => node.tryBecomeLeader());
    cluster.settle();
    cluster.round();
    this.#changes(cluster);
    return [`node ${pid} leads, promised ${ballotText(cluster.node(pid).promise)}`];
  }

  get #running(): Cluster {
    if (this.#cluster === null) throw new Error("a script begins with a cluster");
    return this.#cluster;
  }

  #begin([nodes = "3", ...words]: readonly string[]): readonly string[] {
    const options = clusterOptions(nodes, words);
    this.#showsHeartbeats = words.includes("heartbeats");
    this.#showsWrites = words.includes("writes");
    const cluster = new Cluster(options);
    this.#cluster = cluster;
    this.#happened = [];
    const first = cluster.sent.slice();
    cluster.watch = {
      sent: (envelope) => this.#sent(cluster, envelope),
      staged: (pid, { seq, writes }) => {
        if (!this.#showsWrites) return;
        this.#happened.push(`${pid} writes ${seq}: ${writes.map(writeText).join("; ")}`);
      },
    };
    for (const envelope of first) this.#sent(cluster, envelope);
    for (const pid of cluster.pids) this.#states.set(pid, stateText(cluster, pid));
    return this.#happened;
  }

  #sent(cluster: Cluster, { from, to, message }: Cluster["sent"][number]): void {
    if (!this.#showsHeartbeats && HEARTBEATS.has(message.type)) return;
    const cut = cluster.isCut(from, to) ? " (cut)" : "";
    this.#happened.push(`${from} > ${to}  ${messageText(message)}${cut}`);
  }

  #act(
    cluster: Cluster,
    command: string,
    args: readonly string[],
    line: string,
  ): readonly string[] {
    const pids = (words: readonly string[]): readonly NodeId[] =>
      words[0] === "all" ? cluster.pids : words.map((word) => pidOf(cluster, word));
    const [first = "", ...rest] = args;
    const pid = (): NodeId => pidOf(cluster, first);
    switch (command) {
      case "tick":
        for (const each of pids(args)) cluster.tick(each);
        return [];
      case "round":
        cluster.round(Number(first === "" ? 1 : first));
        return [];
      case "settle":
        cluster.settle();
        return [];
      case "deliver":
        return deliver(cluster, args);
      case "drop":
        return drop(cluster, args);
      case "repeat":
        return repeat(cluster, args);
      case "append":
        return rest.flatMap((entry) => refusal(cluster.call(pid(), (node) => node.append(entry))));
      case "lead":
        cluster.call(pid(), (node) => node.tryBecomeLeader());
        return [];
      case "handover":
        return refusal(cluster.call(pid(), (node) => node.handOver(pidOf(cluster, rest[0]))));
      case "priority":
        cluster.call(pid(), (node) => node.setPriority(Number(rest[0])));
        return [];
      case "reconfigure": {
        const next = { configurationId: 2, nodes: rest.map(Number) };
        return refusal(cluster.call(pid(), (node) => node.reconfigure(next)));
      }
      case "trim":
        return [resultText(cluster.call(pid(), (node) => node.trim(Number(rest[0]))))];
      case "snapshot": {
        const isLocal = rest[1] !== "everywhere";
        return [resultText(cluster.call(pid(), (node) => node.snapshot(Number(rest[0]), isLocal)))];
      }
      case "compact":
        return [compact(cluster, pid(), Number(rest[0]), Number(rest[1]))];
      case "sync":
        cluster.sync(pid(), rest[0] === undefined ? Infinity : Number(rest[0]));
        return [];
      case "cut":
        for (const link of args) onLink(link, (a, b) => cluster.cutOneWay(a, b));
        return [];
      case "heal":
        if (first === "all") cluster.healAll();
        else for (const link of args) onLink(link, (a, b) => cluster.healOneWay(a, b));
        return [];
      case "isolate":
        for (const each of pids(args)) cluster.isolate(each);
        return [];
      case "keep":
        cluster.keepOnly(args.map((link) => link.split("-").map(Number) as [NodeId, NodeId]));
        return [];
      case "reconnect":
        onLink(first, (a, b) => cluster.call(a, (node) => node.reconnected(b)));
        return [];
      case "crash":
        for (const each of pids(args)) cluster.crash(each);
        return [];
      case "restart":
        for (const each of pids(args)) cluster.restart(each);
        return [];
      case "empty":
        cluster.slot(pid()).disk.empty();
        return [];
      case "replaced":
        onLink(first, (old, told) => cluster.call(told, (node) => node.replaced(old)));
        return [];
      case "show":
        return pids(first === "" ? ["all"] : args).map((each) => stateText(cluster, each));
      case "flight":
        return inFlight(cluster, this.#showsHeartbeats);
      case "read":
        return [readable(cluster, pid(), Number(rest[0]))];
      case "readindex":
        return readIndex(cluster, pid());
      case "acknowledged":
        return [acknowledged(cluster, pid())];
      default:
        throw new Error(`no such command: ${line}`);
    }
  }

  #changes(cluster: Cluster): readonly string[] {
    const changed: string[] = [];
    for (const pid of cluster.pids) {
      const state = stateText(cluster, pid);
      if (this.#states.get(pid) === state) continue;
      this.#states.set(pid, state);
      changed.push(state);
    }
    for (const pid of cluster.pids) {
      const back = cluster.rejected(pid).slice(this.#handedBack.get(pid) ?? 0);
      this.#handedBack.set(pid, cluster.rejected(pid).length);
      if (back.length > 0) changed.push(`node ${pid} hands back [${back.join(" ")}]`);
      const { contradiction } = cluster.node(pid);
      if (contradiction === null || this.#inert.has(pid)) continue;
      this.#inert.add(pid);
      const { kind, with: peer, from, to } = contradiction;
      changed.push(`node ${pid} is inert: contradicted by node ${peer}, ${kind}, [${from}, ${to})`);
    }
    return changed;
  }
}

const FLAGS: readonly string[] = ["heartbeats", "writes", "delayed", "unchecked"];
const SETTINGS: readonly string[] = ["election", "resend", "flush", "batch", "snapshots", "quorum"];

/** `cluster 3`: nodes 1 to 3; `cluster 6,7,8`: these. */
function clusterOptions(nodes: string, words: readonly string[]): ClusterOptions {
  const settings = new Map(words.map((word) => word.split("=") as [string, string | undefined]));
  for (const [name, value] of settings) {
    const known = value === undefined ? FLAGS : SETTINGS;
    if (!known.includes(name)) throw new Error(`no such option: ${name}`);
  }
  const number = (name: string, otherwise: number): number =>
    Number(settings.get(name) ?? otherwise);
  const snapshots = settings.get("snapshots") as ClusterOptions["snapshots"];
  const [read, write] = (settings.get("quorum") ?? "").split("/").map(Number);
  return {
    ...(nodes.includes(",") ? { pids: nodes.split(",").map(Number) } : { n: Number(nodes) }),
    electionTicks: number("election", 1),
    resendTicks: number("resend", NEVER_TICKS),
    flushTicks: number("flush", NEVER_TICKS),
    batchSize: number("batch", 1),
    durability: words.includes("delayed") ? "delayed" : "immediate",
    checked: !words.includes("unchecked"),
    ...(snapshots === undefined ? {} : { snapshots }),
    ...(read === undefined || write === undefined ? {} : { flexibleQuorum: { read, write } }),
  };
}

function pidOf(cluster: Cluster, word = ""): NodeId {
  const pid = Number(word);
  if (!cluster.pids.includes(pid)) throw new Error(`no node ${word}`);
  return pid;
}

/** What a proposal says only when it is not taken. */
function refusal(result: Parameters<typeof resultText>[0]): readonly string[] {
  return result?.ok === true ? [] : [resultText(result)];
}

/** A snapshot of the application's: the entries themselves. */
function compact(cluster: Cluster, pid: NodeId, compactIdx: number, idx: number): string {
  const value = logOf(cluster.node(pid)).slice(0, idx);
  const snapshot = { kind: "complete" as const, idx, value };
  return resultText(cluster.call(pid, (node) => node.compact(compactIdx, snapshot)));
}
