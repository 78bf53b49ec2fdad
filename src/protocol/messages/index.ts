/** The messages between nodes, as values; the codec is elsewhere. */
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
