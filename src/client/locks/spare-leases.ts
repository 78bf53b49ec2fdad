/**
 * Leases of requests that are over, for the next requests of the same client: a client that asks for locks again and again needs no new
 * lease each time. A lease is given here only when it is certain that no key is bound to it; one request at a time uses it.
 */
import type { Clock } from "../../machine/ports/index.ts";
import type { KeptLease, Leases } from "../leases/index.ts";

/** The client keeps an unused lease for so long. */
const SPARE_MS = 1000;
/** The nodes keep a lease that this process leaves behind unused for no longer than this. */
const SPARE_TTL_MS_MAX = 60_000;

export interface LentLease {
  readonly lease: KeptLease;
  /** Of this request among all of the client. */
  readonly number: number;
  /** To be given here when the request is over. */
  readonly isToSpare: boolean;
  /** An earlier request had it. It may have ended since, which only its next use tells. */
  readonly isUsed: boolean;
}

export class SpareLeases {
  readonly #clock: Clock;
  readonly #spare = new Map<KeptLease, () => void>();
  #lastNumber = 0;
  /** When a request was over; before there was any: long ago. */
  #lastMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One that is spare, or a new one. Rejects as `leases.keep`. */
  async take(leases: Leases, ttl: number, signal: AbortSignal | undefined): Promise<LentLease> {
    const isBusy = this.#clock.now() - this.#lastMs < SPARE_MS;
    const isToSpare = isBusy && ttl <= SPARE_TTL_MS_MAX;
    const number = ++this.#lastNumber;
    const spare = this.#taken(ttl, signal);
    const lease = spare ?? (await leases.keep(ttl, signal));
    return { lease, number, isToSpare, isUsed: spare !== null };
  }

  /** In place of a lease that turned out to have ended. Rejects as `leases.keep`. */
  async anew(
    { lease, number, isToSpare }: LentLease,
    leases: Leases,
    signal: AbortSignal | undefined,
  ): Promise<LentLease> {
    return { lease: await leases.keep(lease.ttl, signal), number, isToSpare, isUsed: false };
  }

  /** A request is over. */
  noteEnd(): void {
    this.#lastMs = this.#clock.now();
  }

  /** @param lease no key is bound to it */
  give(lease: KeptLease): void {
    if (!lease.check()) return;
    lease.endsWithClient = true;
    const revoke = (): void => {
      this.#spare.delete(lease);
      void lease.revoke().catch(() => {});
    };
    const cancel = this.#clock.after(SPARE_MS, revoke);
    this.#spare.set(lease, cancel);
    // Lost, or the client was closed.
    const forget = (): void => {
      if (this.#spare.delete(lease)) cancel();
    };
    void lease.ended.then(forget);
  }

  #taken(ttl: number, signal: AbortSignal | undefined): KeptLease | null {
    if (signal?.aborted === true) return null;
    for (const [lease, cancel] of this.#spare) {
      if (lease.ttl !== Math.ceil(ttl)) continue;
      cancel();
      this.#spare.delete(lease);
      if (lease.check()) return lease;
    }
    return null;
  }
}
