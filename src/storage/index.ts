/** What a node keeps on its disk. */
export {
  type DataDirectory,
  IDENTITY_FILE,
  LOG_DIRECTORY,
  openDataDirectory,
  SNAPSHOT_DIRECTORY,
} from "./data-directory.ts";
export { claimedFrameBytes, FILE_HEADER_BYTES, readFrame } from "./frame.ts";
export { type EndMark, LogEnd, logEndPath } from "./log-end.ts";
export { type LogFile, LogStorage } from "./log-storage.ts";
export { lookIntoDirectory, type SeenDirectory } from "./look-into-directory.ts";
export { metPeer, PEER_MEMORY_FILE, type PeerMemory, type RememberedPeer } from "./peer-memory.ts";
export { SlotFile } from "./slot-file.ts";
export { SnapshotReceiver } from "./snapshot-receiver.ts";
export { SnapshotGivenUp, SnapshotStore } from "./snapshot-store.ts";
export { StorageError, type StorageErrorCode } from "./storage-error.ts";
