/** The steps of a cluster of replicas, as values that can be written down and said in plain words. */
import { unreachable } from "../../../base/index.ts";
import type { NodeId } from "../../../omnipaxos/index.ts";

/** What stays the same throughout a walk. */
export interface ReplicaSetup {
  readonly nodes: number;
  /** Entries after which a node takes a snapshot; 0: never. */
  readonly snapshotEntries: number;
  readonly clients: number;
  readonly keys: number;
  /** Ticks after which what may have been lost is tried again. */
  readonly retryTicks: number;
}

export type ReplicaStep =
  /** The oldest message under way; heartbeats have a wire of their own. */
  | { readonly do: "deliver"; readonly from: NodeId; readonly to: NodeId }
  | { readonly do: "deliverHeartbeat"; readonly from: NodeId; readonly to: NodeId }
  /** The node's turn ends: it steps for all that has come in. */
  | { readonly do: "turn"; readonly node: NodeId }
  | { readonly do: "persist"; readonly node: NodeId }
  | { readonly do: "tick"; readonly node: NodeId }
  | { readonly do: "lead"; readonly node: NodeId }
  | { readonly do: "restart"; readonly node: NodeId; readonly durable: number }
  | { readonly do: "cut"; readonly a: NodeId; readonly b: NodeId }
  | { readonly do: "connect"; readonly a: NodeId; readonly b: NodeId }
  /** Writes a snapshot when one is due. */
  | { readonly do: "snapshot"; readonly node: NodeId }
  /** Makes a state of the snapshot that it has been told to load. */
  | { readonly do: "load"; readonly node: NodeId }
  /** The snapshot that it has received is durable. */
  | { readonly do: "received"; readonly node: NodeId }
  /** So many ticks in which these nodes, and the links among them, do all there is to do; the rest stands still. */
  | { readonly do: "calm"; readonly nodes: readonly NodeId[]; readonly ticks: number }
  /** A new client process takes the place of the last one. */
  | { readonly do: "client"; readonly client: number; readonly node: NodeId }
  /** The process connects to this node, and asks once more for what it has no answer to. */
  | { readonly do: "move"; readonly client: number; readonly node: NodeId }
  | { readonly do: "write"; readonly client: number; readonly key: string }
  | { readonly do: "read"; readonly client: number; readonly key: string };

export function sayReplicaStep(step: ReplicaStep): string {
  switch (step.do) {
    case "deliver":
      return `node ${step.to} gets the next message of node ${step.from}`;
    case "deliverHeartbeat":
      return `node ${step.to} gets the next heartbeat of node ${step.from}`;
    case "turn":
      return `node ${step.node}'s turn ends`;
    case "persist":
      return `node ${step.node}'s oldest write group under way is durable`;
    case "tick":
      return `node ${step.node}'s clock ticks`;
    case "lead":
      return `node ${step.node} tries to become leader`;
    case "restart":
      return (
        `node ${step.node} crashes and starts again; ` +
        `of the write groups that were under way it finds at most ${step.durable}`
      );
    case "cut":
      return `the session between nodes ${step.a} and ${step.b} ends`;
    case "connect":
      return `a session between nodes ${step.a} and ${step.b} begins`;
    case "snapshot":
      return `node ${step.node} writes a snapshot`;
    case "load":
      return `node ${step.node} loads a snapshot`;
    case "received":
      return `the snapshot that node ${step.node} has received is durable`;
    case "calm":
      return `for ${step.ticks} ticks all goes well among the nodes ${step.nodes.join(", ")}, and nothing else happens`;
    case "client":
      return `client ${step.client}: a new process connects to node ${step.node}`;
    case "move":
      return `client ${step.client} connects to node ${step.node}, and asks once more`;
    case "write":
      return `client ${step.client} writes ${step.key}`;
    case "read":
      return `client ${step.client} reads ${step.key}`;
    default:
      return unreachable(step, "step");
  }
}
