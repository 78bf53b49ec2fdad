import { CLIENT_FRAME_BYTES_MAX, PEER_FRAME_BYTES_MAX } from "../../base/index.ts";
import type { Channel } from "../ports/index.ts";

/** No frame of a channel is longer, in every network. */
export const FRAME_BYTES_MAX: Readonly<Record<Channel, number>> = {
  peer: PEER_FRAME_BYTES_MAX,
  client: CLIENT_FRAME_BYTES_MAX,
  admin: CLIENT_FRAME_BYTES_MAX,
};
