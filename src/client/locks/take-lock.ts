/** Carries out the steps of a request for a lock. */
import { KvError, unreachable } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import type { KeptLease } from "../leases/index.ts";
import { giveBack, type Waiting } from "./hand-over.ts";
import { HeldKey } from "./held-key.ts";
import { waitPrefix } from "./lock-keys.ts";
import type { Turn } from "./line.ts";
import { LockRequest, type LockStep, type LockWish } from "./lock-request.ts";
import { gone, isWorthAnotherTry, type LockStore } from "./lock-store.ts";
import {
  anySignal,
  cancelled,
  pause,
  type RequestOptions,
  TIMEOUT_MS_MAX,
} from "../terms/index.ts";

/** Pause before a step that failed is tried again. */
const RETRY_MS = 100;
/**
 * Pause before the first waiter looks at who holds the lock. A holder hands it over, so the look only helps when the holder dies,
 * or gives the lock back without knowing of a waiter: most hand-overs are over by then.
 */
const REST_MS = 50;
/** A hand-over takes a write and an event: several times as long as a read. Where reads take long, the rest is longer, up to a limit. */
const REST_READS = 10;
const REST_MS_MAX = 500;
/** Time for a holder's question who waits, before it gives a lock back: without an answer the next waiter takes the lock by itself. */
const FIND_NEXT_MS = 500;

/** Ends the wait of a request. A new error each time would cost a stack that nobody reads. */
const HANDED = new KvError("CANCELLED", "the lock was handed over");

/** A lock that is held. */
export interface Taken {
  readonly held: HeldKey;
  readonly token: number;
  /** Others held the lock, or came before: then it is likely that others wait now. */
  readonly hasWaited: boolean;
  /**
   * Gives the lock back, to the next waiter if one is known.
   * @returns whether it is certain that there is no key of this request any more
   */
  giveBack(): Promise<boolean>;
}

export interface TakeOptions {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly lease: KeptLease;
  readonly signal: AbortSignal | undefined;
  /** The request's turn among those of its client; told when the request is on its way, and when it is in line. */
  readonly turn?: Pick<Turn, "sent" | "placed">;
}

/**
 * @returns null: the request wanted the lock at once or not at all, and could not have it; then it has left no key
 * @throws KvError CANCELLED by the signal, LEASE_LOST, LOCK_LOST when its place was taken away, or as `txn`. Then the lease is of
 *   no use any more: it may hold keys
 */
export async function takeLock(
  wish: Omit<LockWish, "lease">,
  options: TakeOptions,
): Promise<Taken | null> {
  const { lease, signal, store, clock } = options;
  const request = new LockRequest({ ...wish, lease: lease.id });
  const over = anySignal(lease.signal, signal);
  const held = new HeldKey(request.heldKey, store, clock);
  // If the client is closed, a request behind this one need not wait for the lease to end.
  lease.endsWithClient = true;
  try {
    const token = await new Taking(request, held, over.signal, options).run();
    if (token === null) {
      held.close();
      return null;
    }
    // The holder has as long to stop as it would have if the cluster were out of reach.
    lease.endsWithClient = false;
    const hasWaited = request.since > 0;
    const giveItBack = (): Promise<boolean> => release(wish.place, request, token, options);
    return { held, token, hasWaited, giveBack: giveItBack };
  } catch (error) {
    held.close();
    // The reason that ended the wait says more than that it was ended.
    if (signal?.aborted === true) throw cancelled("the lock was had", signal);
    lease.signal.throwIfAborted();
    throw error;
  } finally {
    over.end();
  }
}

class Taking {
  readonly #request: LockRequest;
  readonly #held: HeldKey;
  readonly #over: AbortSignal;
  readonly #options: TakeOptions;
  /** A request may wait for an answer as long as the lease lives. */
  readonly #timeoutMs: number;
  /** How long the node took to say which request is first. */
  #readMs = 0;

  constructor(request: LockRequest, held: HeldKey, over: AbortSignal, options: TakeOptions) {
    this.#request = request;
    this.#held = held;
    this.#over = over;
    this.#options = options;
    this.#timeoutMs = Math.min(options.lease.ttl, TIMEOUT_MS_MAX);
  }

  /** @returns the token; null: the lock was not free at once */
  async run(): Promise<number | null> {
    const { clock, lease } = this.#options;
    const handed = new AbortController();
    this.#held.onHad = (token) => {
      this.#request.had(token);
      handed.abort(HANDED);
    };
    const wait = anySignal(this.#over, handed.signal);
    try {
      for (;;) {
        this.#over.throwIfAborted();
        // Looks at the clock, even if no timer has fired.
        lease.signal.throwIfAborted();
        const { step, since } = this.#request;
        // It waits a little to learn what else must be watched: both watches then go in one frame, and miss nothing.
        if (since > 0 && step.do !== "look") this.#held.open(since + 1);
        if (step.do === "hold") return step.token;
        if (step.do === "stop") {
          if (step.why === "unavailable") return null;
          const why = "the place of this request was taken away while it waited";
          throw new KvError("LOCK_LOST", why);
        }
        try {
          await this.#carryOut(step, wait.signal);
        } catch (error) {
          if (this.#request.step.do === "hold") continue;
          const isHarmless = step.do !== "ask" && error instanceof KvError && error.retryable;
          if (!isHarmless && !isWorthAnotherTry(error)) throw error;
          await pause(clock, RETRY_MS, wait.signal);
        }
      }
    } finally {
      wait.end();
    }
  }

  /** @param wait aborted when there is nothing to wait for any more */
  async #carryOut(
    step: Exclude<LockStep, { do: "hold" | "stop" }>,
    wait: AbortSignal,
  ): Promise<void> {
    const { store, clock, turn } = this.#options;
    const request = this.#request;
    // When the lock has been handed over meanwhile, the answer does not matter.
    const patient: RequestOptions = { signal: wait, timeoutMs: this.#timeoutMs };
    const isStill = (): boolean => request.step === step;
    switch (step.do) {
      case "ask": {
        const asked = store.txn(step.request, patient);
        turn?.sent();
        const answer = await asked;
        turn?.placed();
        if (isStill()) request.answered(answer);
        return;
      }
      case "look": {
        // The request before this one may hand the lock over while this is unanswered, or if its answer is lost.
        const cancelOpen = clock.after(REST_MS, () => this.#held.open(request.since + 1));
        const key = await store.lastBefore(step.prefix, step.before, patient);
        cancelOpen();
        if (isStill()) request.found(key);
        return;
      }
      case "front": {
        const askedMs = clock.now();
        const front = await store.firstOf(step.prefix, 2, step.atLeast, patient);
        this.#readMs = clock.now() - askedMs;
        if (isStill()) request.foundFront(front);
        return;
      }
      case "holder": {
        const [holder] = await store.firstOf(step.prefix, 1, step.atLeast, patient);
        if (isStill()) request.foundHolder(holder ?? null);
        return;
      }
      case "rest":
        await pause(clock, restMs(this.#readMs), wait);
        if (isStill()) request.rested();
        return;
      case "wait": {
        const revision = await gone(store, step.key, step.since + 1, wait);
        if (isStill()) request.gone(revision);
        return;
      }
      default:
        unreachable(step, "step of a request for a lock");
    }
  }
}

/** @param readMs how long a read took */
function restMs(readMs: number): number {
  return Math.min(Math.max(REST_MS, REST_READS * readMs), REST_MS_MAX);
}

/** As of Taken.giveBack. */
async function release(
  place: string,
  request: LockRequest,
  token: number,
  { store, lease }: TakeOptions,
): Promise<boolean> {
  if (!lease.check()) return false;
  try {
    const next = await nextOf(place, request, token, store);
    await store.txn(giveBack(place, { key: request.heldKey, token }, next), {});
    return true;
  } catch {
    // Its lease ends then, and the keys with it.
    return false;
  }
}

/** A holder that did not have to wait asks for no waiters: most locks are not contended. */
async function nextOf(
  place: string,
  { since, next }: LockRequest,
  token: number,
  store: LockStore,
): Promise<Waiting | null> {
  if (since === 0 || next !== null) return next;
  const prefix = waitPrefix(place);
  const [first] = await store
    .firstOf(prefix, 1, token, { timeoutMs: FIND_NEXT_MS })
    .catch(() => []);
  return first ?? null;
}
