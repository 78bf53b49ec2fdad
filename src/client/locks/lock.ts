/** A lock that is held. */
import { KvError } from "../../base/index.ts";
import { anySignal, checkedSignal, pause, type Revision } from "../terms/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import type { KeptLease } from "../leases/index.ts";
import type { LockMode } from "./lock-keys.ts";
import type { LockStore } from "./lock-store.ts";
import type { TxnCompare } from "../txn/index.ts";

/** What a write can be bound to: a lock that is held, or the term of who leads. */
export interface Guard {
  /**
   * Fencing token: a revision of the store, larger than that of everybody who held it before. What is not in the store is to
   * refuse whoever comes with a smaller one than it has seen.
   */
  readonly token: Revision;
  /** The key that is there as long as it is held. */
  readonly key: string;
  /**
   * Aborted when it is lost: before its lease can end at the nodes (as the `signal` of a lease), or as soon as this client hears that
   * somebody has stolen it. Not by giving it back. Its reason is a KvError: LEASE_LOST or LOCK_LOST.
   */
  readonly signal: AbortSignal;
}

/** A lock that this process holds, as the function of `locks.request` gets it. */
export interface Lock extends Guard {
  readonly name: string;
  readonly mode: LockMode;
}

/** When no node would tell whether it is still held. */
const LOOK_AGAIN_MS = 1000;

/** Holds as long as the lease lives, nobody takes the key away, and its holder does not give it back. */
export class HeldGuard implements Guard {
  readonly key: string;
  readonly token: Revision;
  readonly signal: AbortSignal;
  readonly #lease: KeptLease;
  readonly #controller = new AbortController();
  readonly #release = new AbortController();

  constructor(key: string, token: Revision, lease: KeptLease, store: LockStore, clock: Clock) {
    this.key = key;
    this.token = token;
    this.#lease = lease;
    this.signal = checkedSignal(this.#controller, () => void lease.check());
    const lost = (): void => this.#lose(lease.signal.reason);
    lease.signal.addEventListener("abort", lost, { signal: this.#release.signal });
    void this.#watch(store, clock);
    if (lease.signal.aborted) lost();
  }

  /** Given back: what happens from now on is no loss. */
  release(): void {
    this.#release.abort();
  }

  /** Given back while whoever has the signal may still be at work: the signal tells them. */
  giveUp(): void {
    this.#lose(new KvError("LOCK_LOST", `${this.key} was given up`));
    this.release();
  }

  /** @throws KvError when it is certain that it is not held any more */
  check(): void {
    this.signal.throwIfAborted();
    if (this.#release.signal.aborted) {
      throw new KvError("LOCK_LOST", `${this.key} was given back`);
    }
  }

  async #watch(store: LockStore, clock: Clock): Promise<void> {
    const over = anySignal(this.#release.signal, this.#lease.signal);
    let isKnown = false;
    while (!isKnown && !over.signal.aborted) {
      try {
        await store.gone(this.key, over.signal);
        isKnown = true;
      } catch {
        // Nothing is known then, and the lease goes on to tell what is certain.
        await pause(clock, LOOK_AGAIN_MS, over.signal);
      }
    }
    over.end();
    if (!over.signal.aborted) {
      this.#lose(
        new KvError("LOCK_LOST", `${this.key} is not held any more: it was stolen, or deleted`),
      );
    }
  }

  #lose(reason: unknown): void {
    if (!this.#release.signal.aborted) this.#controller.abort(reason);
  }
}

/** Holds as long as the guard's key is there that was made with its token. */
export function guardedBy({ key, token }: Guard): TxnCompare {
  return { key, createRevision: token };
}
