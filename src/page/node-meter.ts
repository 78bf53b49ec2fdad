/** Rates of one node, from the difference of counters that only grow. Their time is the node's own: its uptime. */
import type { AdminLink, AdminStatus } from "../protocol/admin/index.ts";

/** Long enough to be steady, short enough to be now. */
const WINDOW_MS = 1000;

/** Whether `later` is of the same run of the process, and later. */
export function follows(later: AdminStatus, earlier: AdminStatus): boolean {
  return later.uptimeMs > earlier.uptimeMs;
}

export class NodeMeter {
  /** Oldest first; the first is the youngest that is a window old. */
  #readings: AdminStatus[] = [];

  take(status: AdminStatus): void {
    const last = this.#readings.at(-1);
    if (status === last) return;
    if (last !== undefined && !follows(status, last)) this.#readings = [];
    this.#readings.push(status);
    const from = status.uptimeMs - WINDOW_MS;
    while ((this.#readings[1]?.uptimeMs ?? Infinity) <= from) this.#readings.shift();
  }

  /** The node is out of sight: later readings do not continue the earlier ones. */
  forget(): void {
    this.#readings = [];
  }

  /** Null: seen once only. */
  appliedPerSecond(): number | null {
    return this.#perSecond((status) => status.served.commandsApplied);
  }

  /** @param direction as the node sees it */
  messagesPerSecond(peer: number, direction: "in" | "out"): number {
    const counter = direction === "in" ? "messagesIn" : "messagesOut";
    return this.#perSecond((status) => linkTo(status, peer)?.[counter] ?? 0) ?? 0;
  }

  #perSecond(counter: (status: AdminStatus) => number): number | null {
    const first = this.#readings[0];
    const last = this.#readings.at(-1);
    if (first === undefined || last === undefined || first === last) return null;
    return perSecond(counter(last) - counter(first), last.uptimeMs - first.uptimeMs);
  }
}

export function perSecond(difference: number, ms: number): number {
  return (1000 * Math.max(0, difference)) / ms;
}

export function linkTo(status: AdminStatus, peer: number): AdminLink | undefined {
  return status.links.find((link) => link.peer === peer);
}
