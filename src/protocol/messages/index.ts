/** What nodes say to each other, as values; nothing of how it is written. */
export {
  type DiskPlace,
  type DurableClaims,
  type HostMessage,
  isHostAnswer,
  type KeptVersions,
  type NodeReport,
  type RelayedFrame,
  type RequestName,
  type SnapshotName,
  STATE_CHECKPOINTS_MAX,
  type StateCheckpoint,
  type StateHashes,
} from "./host-message.ts";
export type { NodePaxosMessage, PeerMessage } from "./peer-message.ts";
