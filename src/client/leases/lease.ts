/** A lease as its holder sees it. */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import { checkedSignal, type LeaseId } from "../terms/index.ts";
import { LeaseTime } from "./lease-time.ts";

/**
 * A lease that the client renews in the background for as long as this process runs and reaches the cluster. Keys can be bound to it: the
 * nodes delete them when it ends, all in one revision.
 */
export interface Lease extends AsyncDisposable {
  /** As the cluster names it. */
  readonly id: LeaseId;
  /** Milliseconds for which the cluster keeps it without a sign of life. */
  readonly ttl: number;
  /**
   * Aborted when the lease is over: because it was revoked, or because the client could not renew it in time. In the second case it aborts
   * before the lease can end at the nodes (by an eighth of its time to live, two seconds at most), by this machine's monotonic clock,
   * counted from when the client sent the last acknowledged keep-alive. Each look at the signal looks at the clock. Its reason is a
   * KvError: LEASE_LOST, or CANCELLED after `revoke`.
   */
  readonly signal: AbortSignal;
  /** Resolves when the signal is aborted, with its reason. Never rejects. */
  readonly ended: Promise<KvError>;
  /** Milliseconds that are left if nothing renews it; 0 when it is over. */
  readonly remaining: number;
  /**
   * Ends it now, and deletes its keys. It ends here in any case. Rejects as `write` when no node can be told: then the client asks again
   * in the background while it is open, and at the latest the lease ends there after its time. Calling it again does no harm.
   */
  revoke(): Promise<void>;
}

/** What the leases of a client have in common. */
export interface LeaseOwner {
  readonly clock: Clock;
  /** Told once, when one is over. */
  over(lease: KeptLease): void;
  /** As of LeaseEnds. */
  endAtNodes(lease: KeptLease): Promise<void>;
}

export class KeptLease implements Lease {
  readonly id: LeaseId;
  readonly ttl: number;
  readonly signal: AbortSignal;
  readonly ended: Promise<KvError>;
  readonly #owner: LeaseOwner;
  readonly #time: LeaseTime;
  readonly #controller = new AbortController();
  /** When it is to be renewed next. */
  dueMs = 0;
  /** The client does not need it yet, or any more: it ends at the nodes too when the client is closed. */
  endsWithClient = false;
  #isOver = false;
  /** At the nodes. */
  #isRevoked = false;
  #resolveEnded: (reason: KvError) => void = () => {};

  /** @param sentMs when its grant was sent */
  constructor(owner: LeaseOwner, id: LeaseId, ttl: number, sentMs: number) {
    this.#owner = owner;
    this.id = id;
    this.ttl = ttl;
    this.#time = new LeaseTime(ttl, sentMs);
    this.signal = checkedSignal(this.#controller, () => void this.check());
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get endMs(): number {
    return this.#time.endMs;
  }

  get remaining(): number {
    return this.check() ? Math.max(0, this.endMs - this.#owner.clock.now()) : 0;
  }

  /** @returns whether it certainly lives; if not, it is over from now on */
  check(): boolean {
    const nowMs = this.#owner.clock.now();
    if (!this.#isOver && this.#time.isOver(nowMs)) {
      const silentMs = Math.round(nowMs - this.#time.sentMs);
      this.lose(
        `no keep-alive was acknowledged that was sent in the last ${silentMs} ms: it may have ended at the nodes, or soon will`,
      );
    }
    return !this.#isOver;
  }

  /** A keep-alive was acknowledged that was sent at `sentMs`. */
  acknowledged(sentMs: number, ttlMs: number): void {
    if (this.check()) this.#time.acknowledged(sentMs, ttlMs, this.#owner.clock.now());
  }

  lose(why: string): void {
    this.#end(new KvError("LEASE_LOST", `lease ${this.id} is lost: ${why}`));
  }

  /** Ends here, and not at the nodes. */
  giveUp(why: string): void {
    this.#end(new KvError("CANCELLED", why, { definite: true }));
  }

  async revoke(): Promise<void> {
    if (this.#isRevoked) return;
    this.giveUp("the lease was revoked");
    await this.#owner.endAtNodes(this);
    this.#isRevoked = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.revoke();
  }

  #end(reason: KvError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#time.end();
    this.#owner.over(this);
    this.#controller.abort(reason);
    this.#resolveEnded(reason);
  }
}
