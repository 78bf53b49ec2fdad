/**
 * Ends leases at the nodes when this client needs them no more, and keeps trying while no node has answered: otherwise a lock that the
 * client gives back while the cluster is out of reach would stay held until its time to live is over.
 *
 * Invariants:
 *   LEASEEND-1. The client tries to end a lease until a node answers for good, the client is closed, or the lease cannot exist any more.
 *   LEASEEND-2. No two tries for one lease are under way, and the pauses between them keep no process alive.
 */
import { KvError } from "../../base/index.ts";
import type { Clock, Random } from "../../machine/ports/index.ts";
import { backOffMs, type LeaseId, pause } from "../terms/index.ts";
import type { LeasePort } from "./lease-port.ts";

/**
 * Two tries are at least so far apart: by then the timers of the first one and the connections that it was making are over, so that a
 * process which waits for nothing else ends before the next try begins.
 */
const REST_MS = 2000;
const MORE = { minMs: 1000, maxMs: 3000 };
/**
 * Beyond its time to live the client tries a lease for so long: the cluster's clock stands still while it has no leader, so that a lease
 * lives longer than this machine's clock says. If the cluster stays out of reach even longer, the lease's time runs on with the next
 * leader.
 */
const STANDSTILL_MS_MAX = 600_000;

export class LeaseEnds {
  readonly #clock: Clock;
  readonly #port: LeasePort;
  readonly #random: Random;
  /** Those that no node has answered for yet. */
  readonly #unanswered = new Set<LeaseId>();
  readonly #closed = new AbortController();

  constructor(clock: Clock, port: LeasePort, random: Random) {
    this.#clock = clock;
    this.#port = port;
    this.#random = random;
  }

  /** Rejects as `write` when the first try fails; after an error that may pass, the client tries again in the background. */
  async end(id: LeaseId, ttl: number): Promise<void> {
    const lastMs = this.#clock.now() + ttl + STANDSTILL_MS_MAX;
    try {
      await this.#port.revoke(id, {});
    } catch (error) {
      if (isPassing(error)) void this.#goOn(id, lastMs);
      throw error;
    }
  }

  /** The client is closed: nothing is tried any more. @returns those that no node has answered for */
  close(): LeaseId[] {
    this.#closed.abort();
    return [...this.#unanswered];
  }

  async #goOn(id: LeaseId, lastMs: number): Promise<void> {
    const { signal } = this.#closed;
    if (signal.aborted || this.#unanswered.has(id)) return;
    this.#unanswered.add(id);
    for (let tries = 1; ; tries++) {
      const pauseMs = REST_MS + backOffMs(this.#random, tries, MORE);
      await pause(this.#clock, pauseMs, signal, { isIdle: true });
      if (signal.aborted || this.#clock.now() >= lastMs) break;
      try {
        await this.#port.revoke(id, {});
        break;
      } catch (error) {
        if (!isPassing(error)) break;
      }
    }
    this.#unanswered.delete(id);
  }
}

/** A session that has expired meanwhile is followed by another one. */
function isPassing(error: unknown): boolean {
  return error instanceof KvError && (error.retryable || error.code === "SESSION_EXPIRED");
}
