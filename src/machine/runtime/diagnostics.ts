/** A channel of Node's `diagnostics_channel`: its messages reach the subscribers in this process. */
import { channel } from "node:diagnostics_channel";
import type { DiagnosticsChannel } from "../ports/index.ts";

export function diagnosticsChannel(name: string): DiagnosticsChannel {
  return channel(name);
}
