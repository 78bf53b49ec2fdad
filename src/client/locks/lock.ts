/** A lock that is held. */
import { KvError } from "../../base/index.ts";
import {
  badArgument,
  checkedSignal,
  isPositive,
  onAbort,
  type Revision,
  wrongBytes,
  wrongSignal,
} from "../terms/index.ts";
import type { KeptLease } from "../leases/index.ts";
import { holdingIn, type LockMode } from "./lock-keys.ts";
import type { HeldKey } from "./held-key.ts";
import type { TxnCompare } from "../txn/index.ts";

/** What a write can be bound to: a lock that is held, or the term of a leader. */
export interface Guard {
  /**
   * Fencing token: a revision of the store, larger than that of every holder before. A resource outside the store must refuse a token
   * that is smaller than the greatest one it has seen.
   */
  readonly token: Revision;
  /** The key that is there as long as it is held. */
  readonly key: string;
  /**
   * Aborted when the lock is lost: before its lease can end at the nodes (as the `signal` of a lease), or as soon as this client hears
   * that another request has stolen it. Giving it back does not abort it. Its reason is a KvError: LEASE_LOST or LOCK_LOST.
   */
  readonly signal: AbortSignal;
}

/** A lock that this process holds, as the function of `locks.request` gets it. */
export interface Lock extends Guard {
  readonly name: string;
  readonly mode: LockMode;
}

/** Holds as long as the lease lives, no other request takes the key away, and its holder does not give it back. */
export class HeldGuard implements Guard {
  readonly key: string;
  readonly token: Revision;
  readonly signal: AbortSignal;
  readonly #held: HeldKey;
  readonly #stopListening: () => void;
  readonly #controller = new AbortController();
  #isReleased = false;

  constructor(held: HeldKey, token: Revision, lease: KeptLease) {
    this.key = held.key;
    this.token = token;
    this.#held = held;
    this.signal = checkedSignal(this.#controller, () => void lease.check());
    const lost = (): void => this.#lose(lease.signal.reason);
    this.#stopListening = onAbort(lease.signal, lost);
    held.onGone = () =>
      this.#lose(
        new KvError("LOCK_LOST", `${holdingIn(this.key)} is over: it was stolen, or deleted`),
      );
    held.holds(token);
    if (lease.signal.aborted) lost();
  }

  /** Given back: what happens from now on is no loss. */
  release(): void {
    this.#isReleased = true;
    this.#stopListening();
    this.#held.close();
  }

  /** Given back while code that has the signal may still be at work: the signal tells it. */
  giveUp(): void {
    this.#lose(new KvError("LOCK_LOST", `${holdingIn(this.key)} was given up`));
    this.release();
  }

  /** @throws KvError when it is certain that it is not held any more */
  check(): void {
    this.signal.throwIfAborted();
    if (this.#isReleased) {
      throw new KvError("LOCK_LOST", `${holdingIn(this.key)} was given back`);
    }
  }

  /** After the loss its holder may work on without end, or never ask for the next term: there is nothing to watch for any more. */
  #lose(reason: unknown): void {
    if (!this.#isReleased) this.#controller.abort(reason);
    this.#held.close();
  }
}

/** Each write checks the guard that the user gave to `guarded`: a wrong one is refused at once. */
export function wrongGuard(guard: unknown): KvError | null {
  if (typeof guard !== "object" || guard === null) {
    return badArgument("guard", "a lock that is held, or a term", guard);
  }
  const { key, token, signal } = guard as Record<keyof Guard, unknown>;
  if (typeof key !== "string" || key === "") {
    return badArgument("guard.key", "the key of a lock or of a term", key);
  }
  const wrong = wrongBytes("guard.key", key);
  if (wrong !== null) return wrong;
  if (!isPositive(token)) return badArgument("guard.token", "a positive integer", token);
  return wrongSignal("guard.signal", signal);
}

/** Holds as long as the guard's key is there that was made with its token. */
export function guardedBy({ key, token }: Guard): TxnCompare {
  return { key, createRevision: token };
}
