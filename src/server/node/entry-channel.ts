/** Publishes on a channel of this process which entries the node applies, and how long those of its own clients took. */
import type { DiagnosticsChannel } from "../../machine/ports/index.ts";
import type { AppliedEntry, RequestMetrics } from "../../replica/index.ts";

/** Subscribe on it with `diagnostics_channel` of Node.js, in the process of the server. */
export const ENTRY_CHANNEL = "omnikv:server:entry";

/** Published for each entry that a node has applied. Keys and values are not in it. */
export interface EntryMessage extends AppliedEntry {
  readonly node: number;
}

export class EntryChannel {
  readonly #channel: DiagnosticsChannel | null;
  readonly #served: Pick<RequestMetrics, "onEntry">;
  readonly #tell: (entry: AppliedEntry) => void;

  constructor(
    channel: DiagnosticsChannel | undefined,
    node: number,
    served: Pick<RequestMetrics, "onEntry">,
  ) {
    this.#channel = channel ?? null;
    this.#served = served;
    this.#tell = (entry) => {
      const message: EntryMessage = { node, ...entry };
      channel?.publish(message);
    };
  }

  /** Once a tick: the node does not check for each entry whether there are subscribers. */
  update(): void {
    if (this.#channel === null) return;
    this.#served.onEntry = this.#channel.hasSubscribers ? this.#tell : null;
  }
}
