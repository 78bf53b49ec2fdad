/** Elections: who leads is who holds an exclusive lock of its own, with a value for all to see. */
import { KvError } from "../base/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { wrongBytes, wrongRequestOptions } from "./argument-checks.ts";
import { againAndAgain, LEASE_TTL_MS, wrongTtl, type Leases } from "./leases.ts";
import { ELECTIONS_PREFIX, placeOf } from "./lock-keys.ts";
import type { LockStore } from "./lock-store.ts";
import { HeldGuard, type Guard } from "./lock.ts";
import { wrongName } from "./locks.ts";
import { takeLock } from "./take-lock.ts";
import type { Bytes } from "./types.ts";

export interface ElectOptions {
  /** What `observeElection` tells of who leads: where it is to be found. Default: nothing. */
  readonly value?: Bytes;
  /** Milliseconds after which another one can lead when this process has died or does not reach the cluster. Default 10,000. */
  readonly ttl?: number;
  /** Ends it: no more terms, and the one that lasts is given up. */
  readonly signal?: AbortSignal;
  /** Told once each time when a term was lost, before this process stands again. */
  readonly onLost?: (reason: KvError) => void;
}

/** For as long as its signal is not aborted this process leads, and nobody else. */
export interface Term extends Guard {
  readonly name: string;
  /** Resolves when the signal is aborted, or the term was given up. Never rejects. */
  readonly ended: Promise<void>;
  /** Gives it up: another one can lead. */
  resign(): Promise<void>;
}

export interface ElectionMachine {
  readonly clock: Clock;
  readonly store: LockStore;
  readonly leases: Leases;
}

export async function* elect(
  { clock, store, leases }: ElectionMachine,
  name: string,
  options: ElectOptions,
): AsyncGenerator<Term, void, undefined> {
  const wrong = wrongName(name) ?? wrongElectOptions(options);
  if (wrong !== null) throw wrong;
  const { value = "", ttl = LEASE_TTL_MS, signal, onLost } = options;
  const place = placeOf(ELECTIONS_PREFIX, name);
  yield* againAndAgain(clock, signal, async () => {
    const lease = await leases.keep(ttl, signal);
    const revoke = (): Promise<void> => lease.revoke().catch(() => {});
    try {
      const wish = { place, mode: "exclusive", value, how: "wait" } as const;
      const taken = await takeLock(wish, { clock, lease, signal, store });
      if (taken === null) throw new KvError("INTERNAL", "who waits was told not to");
      const guard = new HeldGuard(taken.key, taken.token, lease, store);
      const resign = (): Promise<void> => {
        guard.release();
        return revoke();
      };
      const { key, token, signal: lost } = guard;
      const ended = new Promise<void>((resolve) => {
        lost.addEventListener("abort", () => resolve(), { once: true });
        void lease.ended.then(() => resolve());
      });
      const onSignal = (): void => void resign();
      signal?.addEventListener("abort", onSignal, { once: true, signal: lease.signal });
      const end = async (): Promise<void> => {
        if (lost.aborted && lost.reason instanceof KvError) onLost?.(lost.reason);
        await resign();
      };
      return { value: { name, key, token, signal: lost, ended, resign }, end };
    } catch (error) {
      await revoke();
      throw error;
    }
  });
}

function wrongElectOptions(options: unknown): KvError | null {
  const wrong = wrongRequestOptions(options);
  if (wrong !== null) return wrong;
  const { value, ttl } = options as Record<keyof ElectOptions, unknown>;
  return (
    (value === undefined ? null : wrongBytes("value", value)) ??
    (ttl === undefined ? null : wrongTtl(ttl))
  );
}
