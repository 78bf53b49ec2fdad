/** How long requests take, told to subscribers in this process. */
export { observeRequest, REQUEST_CHANNEL, type RequestMessage } from "./request-channel.ts";
