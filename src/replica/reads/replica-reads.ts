/** The reads of a node's clients, and the rounds of its core that they learn their index by. */
import { quorumOf, type NodeId, type OmniPaxos } from "../../omnipaxos/index.ts";
import type { ReplicaMessage, SnapshotName } from "../../protocol/messages/index.ts";
import type { AnswerOutbox } from "../turn/answer-outbox.ts";
import type { Applier } from "../writes/applier.ts";
import { ClientReads } from "./client-reads.ts";
import { readView } from "./read-view.ts";
import { ReadIndex } from "./read-index.ts";
import type { ReplicaOptions } from "../turn/replica-options.ts";
import type { RequestMetrics } from "../requests/request-metrics.ts";

const READ_ROUNDS_MAX = 2;

export interface ReadsParts {
  readonly peers: readonly NodeId[];
  readonly outbox: AnswerOutbox;
  readonly applier: Applier;
  readonly served: RequestMetrics;
  readonly send: (to: NodeId, message: ReplicaMessage) => void;
  readonly isHeldUpByDisk: () => boolean;
  readonly isCutOffForLong: () => boolean;
}

export function replicaReads(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  {
    core: { incarnation: boot, clusterConfig },
    timing,
    readsMax,
    readBytesMax,
    rangePage,
  }: ReplicaOptions,
  { peers, outbox, applier, served, send, isHeldUpByDisk, isCutOffForLong }: ReadsParts,
): ClientReads {
  const { waitTicks, retryTicks, slowTicks = Infinity } = timing;
  const { write: writeQuorum } = quorumOf(clusterConfig);
  const view = readView(core, { pid: core.pid, boot, peers, writeQuorum });
  return new ClientReads({
    waitTicks,
    retryTicks,
    slowTicks,
    readsMax,
    readBytesMax,
    rangePage,
    outbox,
    confirm: (ready) =>
      new ReadIndex(view, { roundsMax: READ_ROUNDS_MAX, retryTicks }, send, ready),
    state: () => applier.state,
    served,
    appliedIdx: () => applier.appliedIdx,
    decidedIdx: () => core.decidedIdx,
    knownIdx: () => Math.max(core.acceptedIdx, core.decidedIdx),
    isHeldUpByDisk,
    isCutOffForLong,
  });
}
