/**
 * Plays a golden script: a protocol run as a play, in which each line is a command and what is indented below it is what
 * came of it. README.md has the commands.
 *
 * A script is its own expectation: playing it gives the text back, with the outcomes of this code.
 */
import type { Ballot, NodeId } from "../../../src/omnipaxos/index.ts";
import { Cluster, type ClusterOptions } from "../harness/cluster.ts";
import { decidedOf, logOf, type Message } from "../harness/view.ts";

const INDENT = "  ";
/** Before a command whose messages are beside the point. */
const QUIETLY = "quietly ";
/** So long that no timer but the election's fires unless a script asks for it. */
const NEVER_TICKS = 10_000;
/** Heartbeats are half of all messages and say little: scripts about elections ask for them. */
const HEARTBEATS: ReadonlySet<Message["type"]> = new Set(["heartbeatRequest", "heartbeatReply"]);

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
  #sent = 0;
  readonly #states = new Map<NodeId, string>();
  /** How many proposals of each node were. */
  readonly #handedBack = new Map<NodeId, number>();

  perform(line: string): readonly string[] {
    const isQuiet = line.startsWith(QUIETLY);
    const [command = "", ...args] = line.slice(isQuiet ? QUIETLY.length : 0).split(/\s+/);
    if (command === "cluster") return this.#begin(args);
    const cluster = this.#running;
    if (command === "leader") return this.#settleOn(cluster, Number(args[0]));
    this.#sent = cluster.sent.length;
    const said = this.#act(cluster, command, args, line);
    const messages = isQuiet ? [] : this.#messages(cluster);
    return [...said, ...messages, ...this.#changes(cluster)];
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

  #begin(args: readonly string[]): readonly string[] {
    const options = new Map(args.map((arg) => arg.split("=") as [string, string]));
    const number = (name: string, otherwise: number): number =>
      Number(options.get(name) ?? otherwise);
    const snapshots = options.get("snapshots") as ClusterOptions["snapshots"];
    const [n = "3"] = args;
    this.#showsHeartbeats = options.has("heartbeats");
    this.#cluster = new Cluster({
      n: Number(n),
      electionTicks: number("election", 1),
      resendTicks: number("resend", NEVER_TICKS),
      flushTicks: number("flush", NEVER_TICKS),
      batchSize: number("batch", 1),
      durability: options.has("delayed") ? "delayed" : "immediate",
      ...(snapshots === undefined ? {} : { snapshots }),
    });
    const cluster = this.#cluster;
    this.#sent = 0;
    for (const pid of cluster.pids) this.#states.set(pid, stateOf(cluster, pid));
    return this.#messages(cluster);
  }

  #act(
    cluster: Cluster,
    command: string,
    args: readonly string[],
    line: string,
  ): readonly string[] {
    const pids = (words: readonly string[]): readonly NodeId[] =>
      words[0] === "all" ? cluster.pids : words.map(Number);
    const [first = "", ...rest] = args;
    const pid = Number(first);
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
        for (const entry of rest) cluster.append(pid, entry);
        return [];
      case "lead":
        cluster.call(pid, (node) => node.tryBecomeLeader());
        return [];
      case "priority":
        cluster.call(pid, (node) => node.setPriority(Number(rest[0])));
        return [];
      case "reconfigure":
        cluster.call(pid, (node) =>
          node.reconfigure({ configurationId: 2, nodes: rest.map(Number) }),
        );
        return [];
      case "trim":
        return [JSON.stringify(cluster.call(pid, (node) => node.trim(Number(rest[0]))))];
      case "snapshot":
        cluster.call(pid, (node) => node.snapshot(Number(rest[0]), true));
        return [];
      case "sync":
        cluster.sync(pid, rest[0] === undefined ? Infinity : Number(rest[0]));
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
      case "show":
        return pids(first === "" ? ["all"] : args).map((each) => stateOf(cluster, each));
      case "flight":
        return inFlight(cluster, this.#showsHeartbeats);
      default:
        throw new Error(`no such command: ${line}`);
    }
  }

  #messages(cluster: Cluster): readonly string[] {
    return cluster.sent
      .slice(this.#sent)
      .filter(({ message }) => this.#showsHeartbeats || !HEARTBEATS.has(message.type))
      .map((envelope) => {
        const cut = cluster.isCut(envelope.from, envelope.to) ? " (cut)" : "";
        return `${envelope.from} > ${envelope.to}  ${messageText(envelope.message)}${cut}`;
      });
  }

  #changes(cluster: Cluster): readonly string[] {
    const changed: string[] = [];
    for (const pid of cluster.pids) {
      const state = stateOf(cluster, pid);
      if (this.#states.get(pid) === state) continue;
      this.#states.set(pid, state);
      changed.push(state);
    }
    for (const pid of cluster.pids) {
      const back = cluster.rejected(pid).slice(this.#handedBack.get(pid) ?? 0);
      this.#handedBack.set(pid, cluster.rejected(pid).length);
      if (back.length > 0) changed.push(`node ${pid} hands back [${back.join(" ")}]`);
    }
    return changed;
  }
}

/** "1>2": that way; "1-2": both. */
function onLink(link: string, action: (from: NodeId, to: NodeId) => void): void {
  const [a = 0, b = 0] = link.split(/[->]/).map(Number);
  action(a, b);
  if (link.includes("-")) action(b, a);
}

/** `deliver 1>2`: the first message; `deliver 1>2 promise`: the first of that type, or the `last`; `deliver all 1>2`: all. */
function deliver(
  cluster: Cluster,
  [first = "", second, which]: readonly string[],
): readonly string[] {
  if (first === "all") {
    onLink(second ?? "", (a, b) => cluster.deliverAll(a, b));
    return [];
  }
  onLink(first, (a, b) => {
    if (which === "last") {
      const at = cluster.channel(a, b).findLastIndex(({ message }) => message.type === second);
      cluster.deliver(a, b, at);
    } else if (second !== undefined) cluster.deliverType(a, b, second as Message["type"]);
    else if (!cluster.deliver(a, b)) throw new Error(`nothing in flight from ${a} to ${b}`);
  });
  return [];
}

/** `drop 1>2`: all in flight there; `drop 1>2 accepted`: those of that type. */
function drop(cluster: Cluster, [link = "", type]: readonly string[]): readonly string[] {
  onLink(link, (a, b) => {
    const channel = cluster.channel(a, b);
    const kept = channel.filter(({ message }) => type !== undefined && message.type !== type);
    channel.splice(0, channel.length, ...kept);
  });
  return [];
}

/** `repeat 1>2 promise`: the last one of that type that was sent there arrives once more, later than all in flight. */
function repeat(cluster: Cluster, [link = "", type]: readonly string[]): readonly string[] {
  onLink(link, (a, b) => {
    const sent = cluster.sent.findLast(
      ({ from, to, message }) => from === a && to === b && message.type === type,
    );
    if (sent === undefined) throw new Error(`no ${type ?? "message"} was sent from ${a} to ${b}`);
    cluster.channel(a, b).push(sent);
  });
  return [];
}

function inFlight(cluster: Cluster, showsHeartbeats: boolean): readonly string[] {
  return cluster.links.flatMap(({ from, to }) =>
    cluster
      .channel(from, to)
      .filter(({ message }) => showsHeartbeats || !HEARTBEATS.has(message.type))
      .map(({ message }) => `in flight: ${from} > ${to}  ${messageText(message)}`),
  );
}

/** "node 1: leader/accept  2.0.1  [a b | c]": what is left of the bar is decided. */
function stateOf(cluster: Cluster, pid: NodeId): string {
  if (!cluster.slot(pid).up) return `node ${pid}: down`;
  const node = cluster.node(pid);
  const decided = decidedOf(node);
  const rest = logOf(node).slice(decided.length);
  const log = `[${[...decided, "|", ...rest].join(" ")}]`;
  const round = `promised ${ballotText(node.promise)}, accepted in ${ballotText(node.acceptedRound)}`;
  const unhappy = node.isHappy ? "" : ", unhappy";
  return `node ${pid}: ${node.role}/${node.phase}, ${round}${unhappy} ${log}`;
}

function ballotText({ n, priority, pid }: Ballot): string {
  return `${n}.${priority}.${pid}`;
}

function seqText({ session, counter }: { session: number; counter: number }): string {
  return `#${session}.${counter}`;
}

function messageText(message: Message): string {
  switch (message.type) {
    case "heartbeatRequest":
      return `HeartbeatRequest round ${message.round}`;
    case "heartbeatReply": {
      const { round, ballot, leader, happy } = message;
      return `HeartbeatReply round ${round}, ballot ${ballotText(ballot)}, leader ${ballotText(leader)}${happy ? "" : ", unhappy"}`;
    }
    case "prepareReq":
      return `PrepareReq ${ballotText(message.n)}`;
    case "prepare":
      return `Prepare ${ballotText(message.n)}, ${ownLog(message)}`;
    case "promise":
      return `Promise ${ballotText(message.n)}, ${ownLog(message)}${syncText(message.logSync)}`;
    case "acceptSync":
      return `AcceptSync ${ballotText(message.n)} ${seqText(message.seq)}, decided ${message.decidedIdx}${syncText(message.logSync)}`;
    case "acceptDecide":
      return `AcceptDecide ${ballotText(message.n)} ${seqText(message.seq)}, decided ${message.decidedIdx}, entries [${message.entries.join(" ")}]`;
    case "accepted":
      return `Accepted ${ballotText(message.n)}, up to ${message.acceptedIdx}`;
    case "decide":
      return `Decide ${ballotText(message.n)} ${seqText(message.seq)}, decided ${message.decidedIdx}`;
    case "acceptStopSign":
      return `AcceptStopSign ${ballotText(message.n)} ${seqText(message.seq)}`;
    case "notAccepted":
      return `NotAccepted, promised ${ballotText(message.n)}`;
    case "proposalForward":
      return `ProposalForward [${message.entries.join(" ")}]`;
    case "forwardStopSign":
      return "ForwardStopSign";
    case "compaction":
      return `Compaction ${message.compaction.kind} ${message.compaction.idx ?? "all"}`;
    case "progress":
      return `Progress ${ballotText(message.n)} ${seqText(message.seq)}, decided ${message.decidedIdx}`;
  }
}

function ownLog({
  acceptedRound,
  acceptedIdx,
  decidedIdx,
}: {
  acceptedRound: Ballot;
  acceptedIdx: number;
  decidedIdx: number;
}): string {
  return `accepted ${acceptedIdx} in ${ballotText(acceptedRound)}, decided ${decidedIdx}`;
}

function syncText(sync: Extract<Message, { type: "promise" }>["logSync"]): string {
  if (sync === null) return "";
  const { snapshot, syncIdx, suffix, stopSign } = sync;
  const base = snapshot === null ? "" : ` ${snapshot.kind} snapshot to ${snapshot.idx},`;
  return `,${base} from ${syncIdx} [${[...suffix, ...(stopSign === null ? [] : ["SS"])].join(" ")}]`;
}
