import type { PaxosMessage } from "../../omnipaxos/index.ts";
import type { ReplicaMessage, SnapshotName } from "./replica-message.ts";

/** Protocol messages as this program sends them: entries are opaque bytes, snapshots are named and fetched apart. */
export type NodePaxosMessage = PaxosMessage<Uint8Array, SnapshotName>;

/** All messages that nodes send each other within a session. */
export type PeerMessage = NodePaxosMessage | ReplicaMessage;
