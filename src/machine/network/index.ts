/** Web sockets, as the network that links and clients see. */
export { FRAME_BYTES_MAX } from "./frame-limits.ts";
export { truncateReason } from "./close-reason.ts";
export { STRANGERS_MAX, WsNetwork } from "./ws-network.ts";
