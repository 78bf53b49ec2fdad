/** Carries out what a request for a lock says is to be done. */
import { KvError, unreachable } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import type { KeptLease } from "../leases/index.ts";
import { LockRequest, type LockWish } from "./lock-request.ts";
import { isWorthAnotherTry, type LockStore } from "./lock-store.ts";
import { anySignal, cancelled, pause, TIMEOUT_MS_MAX } from "../terms/index.ts";

/** Before what could not be done is tried again. */
const RETRY_MS = 100;

export interface Taken {
  readonly key: string;
  readonly token: number;
}

export interface TakeOptions {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly lease: KeptLease;
  readonly signal: AbortSignal | undefined;
}

/**
 * @returns null: it was to be had at once or not at all, and is not
 * @throws KvError CANCELLED by the signal, LEASE_LOST, LOCK_LOST when somebody took its place away, or as `txn`. Then the lease is of
 *   no use any more: it may hold keys
 */
export async function takeLock(
  wish: Omit<LockWish, "lease" | "id">,
  options: TakeOptions,
): Promise<Taken | null> {
  const { lease, signal } = options;
  const request = new LockRequest({ ...wish, lease: lease.id, id: String(lease.id) });
  const over = anySignal(lease.signal, signal);
  try {
    return await carryOut(request, over.signal, options);
  } catch (error) {
    // What ended the wait is worth more than that it was ended.
    if (signal?.aborted === true) throw cancelled("the lock was had", signal);
    lease.signal.throwIfAborted();
    throw error;
  } finally {
    over.end();
  }
}

async function carryOut(
  request: LockRequest,
  over: AbortSignal,
  { store, clock, lease }: TakeOptions,
): Promise<Taken | null> {
  // The answer to what the request asks is worth waiting for as long as the lease lives.
  const patient = { signal: over, timeoutMs: Math.min(lease.ttl, TIMEOUT_MS_MAX) };
  for (;;) {
    over.throwIfAborted();
    // Looks at the clock, whatever has fired.
    lease.signal.throwIfAborted();
    const { step } = request;
    try {
      switch (step.do) {
        case "ask":
          request.answered(await store.txn(step.request, patient));
          break;
        case "look":
          request.found(await store.lastBefore(step.prefix, step.before, patient));
          break;
        case "wait":
          await store.gone(step.key, over);
          request.gone();
          break;
        case "hold":
          return { key: step.key, token: step.token };
        case "stop":
          if (step.why === "unavailable") return null;
          throw new KvError(
            "LOCK_LOST",
            "the place of this request was taken away while it waited",
          );
        default:
          unreachable(step, "step of a request for a lock");
      }
    } catch (error) {
      const isHarmless = step.do !== "ask" && error instanceof KvError && error.retryable;
      if (!isHarmless && !isWorthAnotherTry(error)) throw error;
      await pause(clock, RETRY_MS, over);
    }
  }
}
