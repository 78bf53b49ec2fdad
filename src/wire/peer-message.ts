import type { HostMessage } from "./host-message.ts";
import type { NodePaxosMessage } from "./paxos-codec.ts";

/** All that nodes say to each other within a session. */
export type PeerMessage = NodePaxosMessage | HostMessage;
