/** A channel of Node's `diagnostics_channel`: what is published there reaches whoever has subscribed in this process. */
import { channel } from "node:diagnostics_channel";
import type { DiagnosticsChannel } from "../ports/index.ts";

export function diagnosticsChannel(name: string): DiagnosticsChannel {
  return channel(name);
}
