/** Frames between nodes. */
export { asLongMessage, type LongMessage } from "./long-message.ts";
export { PeerFrameReader, type PeerFrameSink, PeerFrameWriter } from "./peer-frame.ts";
export {
  decodePeerMessage,
  encodePeerMessage,
  isReplicaMessage,
  type PeerMessage,
} from "./peer.ts";
export { ANY_STOP_SIGN, SNAPSHOT_NAME } from "./protocol-fields.ts";
