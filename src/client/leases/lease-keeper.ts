/**
 * Keeps the leases of a client alive.
 *
 * Invariants:
 *   KEEPER-1. One request renews every lease that is due or will be due soon: a thousand leases cost one frame an interval.
 *   KEEPER-2. No keep-alive waits for the answer to the one before: a lost answer costs one interval.
 *   KEEPER-3. A lease is over here before it can be over at the nodes (LeaseTime), whether a timer fires in time or not.
 */
import type { KvError } from "../../base/index.ts";
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";
import { Deadlines } from "../core/index.ts";
import type { LeaseEnds } from "./lease-ends.ts";
import type { LeasePort } from "./lease-port.ts";
import { KeptLease, type LeaseOwner } from "./lease.ts";
import { keepAliveIntervalOf } from "./lease-time.ts";
import type { LeaseId } from "../terms/index.ts";

/** As a part of its interval: so much earlier the client renews a lease along with another one. */
const SOONER_PART = 2;
/** After a failure, as a part of the interval, and at most. */
const RETRY_PART = 4;
const RETRY_MS_MAX = 500;

export class LeaseKeeper implements LeaseOwner {
  readonly clock: Clock;
  readonly #port: LeasePort;
  readonly #atNodes: LeaseEnds;
  readonly #epoch: number;
  readonly #leases = new Map<LeaseId, KeptLease>();
  readonly #ends: Deadlines;
  #cancelRenewal: CancelTimer | null = null;
  #renewalMs = Infinity;

  constructor(clock: Clock, port: LeasePort, ends: LeaseEnds) {
    this.clock = clock;
    this.#port = port;
    this.#atNodes = ends;
    this.#epoch = clock.now();
    this.#ends = new Deadlines(clock, this.#epoch, () => this.#checkAll());
  }

  /** Leases that are kept. */
  get count(): number {
    return this.#leases.size;
  }

  /** @param sentMs when the grant was sent */
  keep(id: LeaseId, ttl: number, sentMs: number): KeptLease {
    const lease = new KeptLease(this, id, ttl, sentMs);
    this.#leases.set(id, lease);
    lease.dueMs = sentMs + keepAliveIntervalOf(ttl);
    this.#ends.add(lease.endMs - this.#epoch);
    this.#schedule(lease.dueMs);
    return lease;
  }

  over(lease: KeptLease): void {
    this.#leases.delete(lease.id);
    if (this.#leases.size > 0) return;
    this.#cancelRenewal?.();
    this.#cancelRenewal = null;
    this.#renewalMs = Infinity;
    this.#ends.stop();
  }

  endAtNodes({ id, ttl }: KeptLease): Promise<void> {
    return this.#atNodes.end(id, ttl);
  }

  /** The client is closed: nothing is renewed any more. @returns those to be revoked, as far as that costs no waiting */
  close(): LeaseId[] {
    const leases = [...this.#leases.values()];
    for (const lease of leases) lease.giveUp("the client was closed");
    return leases.filter(({ endsWithClient }) => endsWithClient).map(({ id }) => id);
  }

  #checkAll(): number {
    let earliest = Infinity;
    for (const lease of this.#leases.values()) {
      if (lease.check()) earliest = Math.min(earliest, lease.endMs - this.#epoch);
    }
    return earliest;
  }

  #schedule(dueMs: number): void {
    if (dueMs >= this.#renewalMs) return;
    this.#cancelRenewal?.();
    this.#renewalMs = dueMs;
    this.#cancelRenewal = this.clock.after(Math.max(0, dueMs - this.clock.now()), () => {
      this.#cancelRenewal = null;
      this.#renewalMs = Infinity;
      this.#renew();
    });
  }

  #renew(): void {
    const nowMs = this.clock.now();
    const due: KeptLease[] = [];
    let nextMs = Infinity;
    for (const lease of this.#leases.values()) {
      if (!lease.check()) continue;
      const intervalMs = keepAliveIntervalOf(lease.ttl);
      if (lease.dueMs - nowMs <= intervalMs / SOONER_PART) {
        due.push(lease);
        lease.dueMs = nowMs + intervalMs;
      }
      nextMs = Math.min(nextMs, lease.dueMs);
    }
    if (nextMs < Infinity) this.#schedule(nextMs);
    if (due.length > 0) void this.#keepAlive(due, nowMs);
  }

  async #keepAlive(leases: readonly KeptLease[], sentMs: number): Promise<void> {
    const timeoutMs = Math.max(...leases.map(({ ttl }) => ttl));
    const outcomes = await this.#port.keepAlive(
      leases.map(({ id }) => id),
      { timeoutMs },
    );
    for (const [i, lease] of leases.entries()) {
      const outcome = outcomes[i];
      if (outcome === null) lease.lose("the nodes have ended it");
      else if (typeof outcome === "number") lease.acknowledged(sentMs, outcome);
      else this.#soonAgain(lease, outcome);
    }
  }

  /** Unless a node refuses it for good, the client tries again until the lease is over. */
  #soonAgain(lease: KeptLease, error: KvError | undefined): void {
    if (!lease.check()) return;
    if (error?.code === "CANCELLED") return lease.giveUp(error.message);
    const retryMs = Math.min(keepAliveIntervalOf(lease.ttl) / RETRY_PART, RETRY_MS_MAX);
    lease.dueMs = Math.min(lease.dueMs, this.clock.now() + retryMs);
    this.#schedule(lease.dueMs);
  }
}
