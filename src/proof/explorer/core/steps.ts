/** What can happen in a world, as values that can be written down and said in plain words. */
import { unreachable } from "../../../base/index.ts";
import type { Ballot, LogSync, NodeId } from "../../../omnipaxos/index.ts";
import type { Mail, Message } from "./live-node.ts";

export type CoreStep =
  /** With FIFO sessions: the first message from `from` to `to`. */
  | { readonly do: "deliver"; readonly mail: Mail }
  /** The message stays under way, and comes again. */
  | { readonly do: "deliverCopy"; readonly mail: Mail }
  | { readonly do: "persist"; readonly node: NodeId }
  | { readonly do: "propose"; readonly node: NodeId; readonly entry: string }
  | { readonly do: "lead"; readonly node: NodeId }
  | { readonly do: "tick"; readonly node: NodeId }
  /** And the next start, which finds the oldest `durable` of the write groups that were under way to the disk. */
  | { readonly do: "crash"; readonly node: NodeId; readonly durable: number }
  /** The session ends, what is under way is lost, and a new one begins: both ends are told. */
  | { readonly do: "breakSession"; readonly a: NodeId; readonly b: NodeId }
  /** One end is told that its session began anew. */
  | { readonly do: "reconnected"; readonly node: NodeId; readonly peer: NodeId };

/** The entry of the n-th proposal: one letter, so that a log is a word. */
export function entryOf(proposal: number): string {
  return String.fromCharCode(FIRST_ENTRY + proposal);
}

export function proposalOf(entry: string): number {
  return entry.charCodeAt(0) - FIRST_ENTRY;
}

const FIRST_ENTRY = 97;

export function sayStep(step: CoreStep): string {
  switch (step.do) {
    case "deliver":
      return `node ${step.mail.to} gets from node ${step.mail.from}: ${sayMessage(step.mail.message)}`;
    case "deliverCopy":
      return (
        `node ${step.mail.to} gets from node ${step.mail.from}: ${sayMessage(step.mail.message)} ` +
        `(which will come once more)`
      );
    case "persist":
      return `node ${step.node}'s oldest write group under way is durable`;
    case "propose":
      return `node ${step.node} is given the proposal ${step.entry}`;
    case "lead":
      return `node ${step.node} tries to become leader`;
    case "tick":
      return `node ${step.node}'s resend timer runs out`;
    case "crash":
      return (
        `node ${step.node} crashes and starts again; ` +
        `of the write groups that were under way it finds ${step.durable}`
      );
    case "breakSession":
      return `the session between nodes ${step.a} and ${step.b} breaks, what is under way is lost, and a new one begins`;
    case "reconnected":
      return `node ${step.node} is told that its session with node ${step.peer} began anew`;
    default:
      return unreachable(step, "step");
  }
}

const ballot = ({ n, pid }: Ballot): string => `${n}.${pid}`;

function sayLog({ syncIdx, suffix }: LogSync<string, never>): string {
  return `from ${syncIdx} on [${suffix.join(", ")}]`;
}

function sayMessage(message: Message): string {
  switch (message.type) {
    case "prepareReq":
      return `PrepareReq, its promise being ${ballot(message.n)}`;
    case "prepare":
      return `Prepare ${ballot(message.n)}`;
    case "promise": {
      const { n, acceptedRound, acceptedIdx, logSync } = message;
      const log = logSync === null ? "" : `, ${sayLog(logSync)}`;
      return `Promise ${ballot(n)}, ${acceptedIdx} accepted in round ${ballot(acceptedRound)}${log}`;
    }
    case "acceptSync":
      return `AcceptSync ${ballot(message.n)}, session ${message.seq.session}: ${sayLog(message.logSync)}, decided ${message.decidedIdx}`;
    case "acceptDecide":
      return `AcceptDecide ${ballot(message.n)}, number ${message.seq.session}.${message.seq.counter}: [${message.entries.join(", ")}], decided ${message.decidedIdx}`;
    case "decide":
      return `Decide ${ballot(message.n)}, number ${message.seq.session}.${message.seq.counter}: decided ${message.decidedIdx}`;
    case "accepted":
      return `Accepted ${ballot(message.n)} up to ${message.acceptedIdx}`;
    case "notAccepted":
      return `NotAccepted, its promise being ${ballot(message.n)}`;
    case "takeOver":
      return `TakeOver ${ballot(message.n)}`;
    case "proposalForward":
      return `ProposalForward [${message.entries.join(", ")}]`;
    case "progress":
      return `Progress ${ballot(message.n)}, number ${message.seq.session}.${message.seq.counter}: decided ${message.decidedIdx}`;
    default:
      return message.type;
  }
}
