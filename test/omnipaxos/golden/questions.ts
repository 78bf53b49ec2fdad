/** What golden scripts ask of nodes: nothing changes by it. */
import { ballotText, quorumOf } from "../../../src/omnipaxos/index.ts";
import type { NodeId } from "../../../src/omnipaxos/index.ts";
import type { Cluster } from "../harness/cluster.ts";
import type { Message } from "../harness/view.ts";
import { messageText } from "./words.ts";

/** Heartbeats are half of all messages and say little: scripts about elections ask for them. */
export const HEARTBEATS: ReadonlySet<Message["type"]> = new Set([
  "heartbeatRequest",
  "heartbeatReply",
]);

export function inFlight(cluster: Cluster, showsHeartbeats: boolean): readonly string[] {
  return cluster.links.flatMap(({ from, to }) =>
    cluster
      .channel(from, to)
      .filter(({ message }) => showsHeartbeats || !HEARTBEATS.has(message.type))
      .map(({ message }) => `in flight: ${from} > ${to}  ${messageText(message)}`),
  );
}

/** What stands at an index for those who read the log at this node. */
export function readable(cluster: Cluster, pid: NodeId, idx: number): string {
  const read = cluster.node(pid).read(idx);
  switch (read?.kind) {
    case undefined:
      return `index ${idx}: beyond the log`;
    case "decided":
    case "undecided":
      return `index ${idx}: ${read.kind} ${read.entry}`;
    case "trimmed":
      return `index ${idx}: trimmed up to ${read.idx}`;
    case "snapshotted":
      return `index ${idx}: in the snapshot to ${read.snapshot.idx} [${read.snapshot.value.join(" ")}]`;
    case "stopSign":
      return `index ${idx}: ${read.decided ? "decided" : "undecided"} stop-sign`;
  }
}

/**
 * What a linearizable read at a leader rests on: nodes that say now that they have promised its ballot, as many as a write
 * quorum; then the read waits until what the leader has decided or adopted is applied.
 */
export function readIndex(cluster: Cluster, pid: NodeId): readonly string[] {
  const node = cluster.node(pid);
  const { adoptedIdx } = node;
  if (adoptedIdx === null)
    return [`node ${pid} does not lead in the accept phase: it asks a leader`];
  const ballot = ballotText(node.promise);
  const confirms = (peer: NodeId): boolean =>
    peer === pid ||
    (cluster.slot(peer).up &&
      !cluster.isCut(pid, peer) &&
      !cluster.isCut(peer, pid) &&
      ballotText(cluster.node(peer).promise) === ballot);
  const nodes = cluster.pids.filter(confirms);
  const { write } = quorumOf(cluster.clusterConfig);
  const index = Math.max(node.decidedIdx, adoptedIdx);
  return [
    `promised ${ballot}: nodes ${nodes.join(", ")}, of ${write} that are needed`,
    nodes.length >= write
      ? `the read index is ${index}: adopted ${adoptedIdx}, decided ${node.decidedIdx}`
      : "no read index: another node may lead",
  ];
}

export function acknowledged(cluster: Cluster, pid: NodeId): string {
  const indexes = cluster.node(pid).acceptedIndexes();
  if (indexes === null) return `node ${pid} does not lead`;
  const known = [...indexes].map(([peer, idx]) => `node ${peer} ${idx}`);
  return `accepted in this round, for sure: ${known.join(", ")}`;
}
