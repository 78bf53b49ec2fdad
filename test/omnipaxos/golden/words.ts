/** How golden scripts name what they show: messages, writes, nodes, ballots. */
import { ballotText } from "../../../src/omnipaxos/index.ts";
import type { Ballot, NodeId, Result, Write } from "../../../src/omnipaxos/index.ts";
import type { Cluster } from "../harness/cluster.ts";
import { decidedOf, logOf, type Folded, type Message } from "../harness/view.ts";

/**
 * "node 1: follower/accept, promised 2.0.3, accepted 3 in 2.0.3, decided 2 [a b | c]": what is left of the bar is decided.
 * Of a disk that lags behind the node it says what a restart would find.
 */
export function stateText(cluster: Cluster, pid: NodeId): string {
  if (!cluster.slot(pid).up) return `node ${pid}: down`;
  const node = cluster.node(pid);
  const decided = decidedOf(node);
  const rest = logOf(node).slice(decided.length);
  const words = [
    `${node.role}/${node.phase}`,
    `promised ${ballotText(node.promise)}`,
    `accepted ${node.acceptedIdx} in ${ballotText(node.acceptedRound)}`,
    `decided ${node.decidedIdx}`,
    ...(node.compactedIdx > 0 ? [`compacted ${node.compactedIdx}`] : []),
    ...(node.isHappy ? [] : ["unhappy"]),
    ...diskWords(cluster, pid),
  ];
  return `node ${pid}: ${words.join(", ")} [${[...decided, "|", ...rest].join(" ")}]`;
}

function diskWords(cluster: Cluster, pid: NodeId): readonly string[] {
  const node = cluster.node(pid);
  const { promise, acceptedIdx } = node.durable;
  const lag = [
    ...(ballotText(promise) === ballotText(node.promise)
      ? []
      : [`promised ${ballotText(promise)}`]),
    ...(acceptedIdx === node.acceptedIdx ? [] : [`accepted ${acceptedIdx}`]),
  ];
  return lag.length === 0 ? [] : [`on disk only ${lag.join(" and ")}`];
}

export function writeText(write: Write<string, Folded>): string {
  switch (write.kind) {
    case "promise":
      return `promise ${ballotText(write.promise)}`;
    case "acceptedRound":
      return `accepted round ${ballotText(write.acceptedRound)}`;
    case "append":
      return `log from ${write.fromIdx} [${write.entries.join(" ")}]`;
    case "decided":
      return `decided ${write.decidedIdx}`;
    case "stopSign":
      return write.stopSign === null ? "no stop-sign" : "stop-sign";
    case "compact": {
      const { idx, snapshot } = write;
      return `compacted ${idx}${snapshot === null ? "" : `, snapshot to ${snapshot.idx}`}`;
    }
  }
}

/** Of a command that may be refused: whether it was, and why. */
export function resultText(result: Result<{ readonly kind: string }> | undefined): string {
  if (result === undefined) return "the node is down";
  if (result.ok) return "done";
  const { kind, ...details } = result.error;
  const numbers = Object.entries(details).filter(([, value]) => typeof value !== "object");
  return `refused: ${[kind, ...numbers.map(([name, value]) => `${name} ${String(value)}`)].join(", ")}`;
}

export function messageText(message: Message): string {
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
      return `AcceptSync ${inStream(message)}, decided ${message.decidedIdx}${syncText(message.logSync)}`;
    case "acceptDecide":
      return `AcceptDecide ${inStream(message)}, decided ${message.decidedIdx}, entries [${message.entries.join(" ")}]`;
    case "accepted":
      return `Accepted ${ballotText(message.n)}, up to ${message.acceptedIdx}`;
    case "decide":
      return `Decide ${inStream(message)}, decided ${message.decidedIdx}`;
    case "acceptStopSign":
      return `AcceptStopSign ${inStream(message)}`;
    case "notAccepted":
      return `NotAccepted, promised ${ballotText(message.n)}`;
    case "takeOver":
      return `TakeOver ${ballotText(message.n)}`;
    case "proposalForward":
      return `ProposalForward [${message.entries.join(" ")}]`;
    case "forwardStopSign":
      return "ForwardStopSign";
    case "compaction":
      return `Compaction ${message.compaction.kind} ${message.compaction.idx ?? "all"}`;
    case "progress":
      return `Progress ${inStream(message)}, decided ${message.decidedIdx}`;
  }
}

interface InStream {
  readonly n: Ballot;
  readonly seq: { readonly session: number; readonly counter: number };
}

function inStream({ n, seq }: InStream): string {
  return `${ballotText(n)} #${seq.session}.${seq.counter}`;
}

interface OwnLog {
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

function ownLog({ acceptedRound, acceptedIdx, decidedIdx }: OwnLog): string {
  return `accepted ${acceptedIdx} in ${ballotText(acceptedRound)}, decided ${decidedIdx}`;
}

function syncText(sync: Extract<Message, { type: "promise" }>["logSync"]): string {
  if (sync === null) return "";
  const { snapshot, syncIdx, suffix, stopSign } = sync;
  const base =
    snapshot === null
      ? ""
      : snapshot.kind === "delta"
        ? ` snapshot of ${snapshot.baseIdx} to ${snapshot.idx} [${snapshot.value.join(" ")}],`
        : ` snapshot to ${snapshot.idx},`;
  return `,${base} from ${syncIdx} [${[...suffix, ...(stopSign === null ? [] : ["SS"])].join(" ")}]`;
}
