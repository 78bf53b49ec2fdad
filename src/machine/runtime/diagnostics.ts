/** A channel of Node's `diagnostics_channel`: what is published there reaches whoever has subscribed in this process. */
import { channel } from "node:diagnostics_channel";

export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  /** A subscriber that throws does so in a turn of its own, not in this call. */
  publish(message: unknown): void;
}

export function diagnosticsChannel(name: string): DiagnosticsChannel {
  return channel(name);
}
