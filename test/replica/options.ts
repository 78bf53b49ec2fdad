import { DEFAULT_COMPACTION } from "../../src/replica/snapshots/compaction.ts";
import type { ReplicaOptions } from "../../src/replica/turn/replica-options.ts";

const TIMING: ReplicaOptions["timing"] = {
  waitTicks: 300,
  retryTicks: 20,
  relayAfterTicks: 40,
  abandonTicks: 600,
  agreeTicks: 10,
};

type Core = Omit<ReplicaOptions["core"], "clusterConfig">;

/** Of a node of a cluster of these nodes, with room for all that a test does. */
export function replicaOptions(
  nodes: readonly number[],
  core: Core,
  timing: Partial<ReplicaOptions["timing"]> = {},
): ReplicaOptions {
  return {
    core: { clusterConfig: { configurationId: 1, nodes: [...nodes] }, ...core },
    timing: { ...TIMING, ...timing },
    compaction: DEFAULT_COMPACTION,
    proposalBytesMax: 1 << 20,
    proposalCommandsMax: 1000,
    readsMax: 1000,
    readBytesMax: 1 << 20,
  };
}
