/** How much of its clients' writes a node has under way to the log at once. */
import type { ProposalsOptions } from "./proposals.ts";
import type { ReplicaOptions } from "../turn/replica-options.ts";

/**
 * This node repeats a proposal only after so many retry times: the session that loses one notices it, and to repeat a proposal
 * that is merely slow makes a busy cluster slower.
 */
const PROPOSAL_RETRIES = 5;
/**
 * Each batch costs every node a write, a sync and some frames, however small it is; so writes that come in while three are under
 * way share the next one. Three: with two, one being sent and one being written, 1024 clients at once lost a sixth.
 */
const BATCHES_UNDER_WAY_MAX = 3;
const BATCH_UNDER_WAY_TICKS = 3;
const BYTES_UNDER_WAY_MAX = 2 * 1024 * 1024;
/** Bytes of a batch: beyond it larger batches gain nothing. */
const ENTRY_BYTES = 1024 * 1024;
/** Groups of a batch: each may come to carry the name of its user, which is not counted among the bytes. */
const ENTRY_GROUPS = 4096;

export function proposalsOptions(options: ReplicaOptions): ProposalsOptions {
  const { timing, proposalBytesMax, proposalCommandsMax } = options;
  return {
    bytesMax: proposalBytesMax,
    commandsMax: proposalCommandsMax,
    waitTicks: timing.waitTicks,
    retryTicks: timing.retryTicks * PROPOSAL_RETRIES,
    abandonTicks: timing.abandonTicks,
    underWayMax: BATCHES_UNDER_WAY_MAX,
    underWayTicks: BATCH_UNDER_WAY_TICKS,
    underWayBytesMax: BYTES_UNDER_WAY_MAX,
    entryBytes: ENTRY_BYTES,
    entryGroups: ENTRY_GROUPS,
  };
}
