/** What nodes say to each other, as values; nothing of how it is written. */
export {
  type DiskPlace,
  type DurableClaims,
  type ReplicaMessage,
  isReplicaAnswer,
  type KeptVersions,
  type NodeReport,
  type RelayedFrame,
  type RequestName,
  sameSnapshot,
  type SnapshotName,
  STATE_CHECKPOINTS_MAX,
  type StateCheckpoint,
  type StateHashes,
} from "./replica-message.ts";
export type { NodePaxosMessage, PeerMessage } from "./peer-message.ts";
