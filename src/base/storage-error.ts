/** Why a data directory cannot be used. Codes are stable; every message names the file and the way out. */
export type StorageErrorCode =
  /** A record, a segment or a snapshot is damaged or missing in the middle: what follows cannot be trusted. */
  | "LOG_DAMAGED"
  | "SNAPSHOT_DAMAGED"
  | "IDENTITY_DAMAGED"
  /** Written by another version of the program. */
  | "UNKNOWN_FORMAT"
  | "CLUSTER_MISMATCH"
  | "NODE_MISMATCH"
  /** The peers know another disk under this node's id, or one that held more. */
  | "LOST_IDENTITY"
  | "WENT_BACK"
  /** Another disk has taken this one's place. */
  | "REPLACED"
  /** The others have lost, or never had, what this node has decided. */
  | "CONTRADICTED"
  /** The directory belongs to a cluster of other nodes. */
  | "MEMBERS_MISMATCH"
  /** The directory does not name the nodes of its cluster, and what it does say leaves several possible. */
  | "MEMBERS_UNCONFIRMED"
  /** The log in it belongs to another node or another data directory. */
  | "FOREIGN_LOG"
  /** Another process uses the directory. */
  | "LOCKED"
  /** The system does not let this process use the directory or something in it, or it is not what it has to be. */
  | "DIRECTORY_UNUSABLE"
  /** The system's limit of open files is too low for a server. */
  | "TOO_MANY_FILES"
  /** So many writes wait for a full disk that memory would run out. */
  | "DISK_FULL"
  /** A write or a sync failed: this process cannot know what is on the disk, so it must not try again. */
  | "DISK_FAILED";

export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
