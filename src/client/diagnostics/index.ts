/** What requests take, told to whoever in this process has subscribed. */
export { observeRequest, REQUEST_CHANNEL, type RequestMessage } from "./request-channel.ts";
