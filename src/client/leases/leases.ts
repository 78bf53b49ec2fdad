/** `client.leases`: leases of the cluster, kept alive in the background. */
import { KvError, LEASE_TTL_MAX_MS, LEASE_TTL_MIN_MS } from "../../base/index.ts";
import type { Clock, Random } from "../../machine/ports/index.ts";
import { WRITE_LEASE_ID_END, WRITE_LEASE_ID_MIN } from "../../store/commands/index.ts";
import {
  badArgument,
  cancelled,
  isPositive,
  type KnownNames,
  type LeaseId,
  namesOf,
  onAbort,
  pause,
  type RequestOptions,
  wrongFunction,
  wrongRequestOptions,
  wrongSignal,
} from "../terms/index.ts";
import { LeaseEnds } from "./lease-ends.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { LeaseInfo, LeaseKeys, LeasePort } from "./lease-port.ts";
import type { KeptLease, Lease } from "./lease.ts";

export const LEASE_TTL_MS = 10_000;
const TTL_EXPECTED = `milliseconds, an integer from ${LEASE_TTL_MIN_MS} to ${LEASE_TTL_MAX_MS}`;
/** Pause before a session that got no lease asks again: doubled each time. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5000;

/** How a lease is asked for. */
export interface LeaseOptions {
  /** Milliseconds for which the cluster keeps it without a sign of life. Default 10,000. */
  readonly ttl?: number;
  /** Gives up asking for it; later it gives up the lease: it is revoked. */
  readonly signal?: AbortSignal;
}

/** How a session keeps a lease: as a lease, and with a new one when it was lost. */
export interface SessionOptions extends LeaseOptions {
  /** Told once each time when the lease is lost, before the next one is asked for. */
  readonly onLost?: (reason: KvError) => void;
}

const LEASE_NAMES = namesOf<LeaseOptions>({ ttl: true, signal: true });
const SESSION_NAMES = namesOf<SessionOptions>({ ttl: true, signal: true, onLost: true });

/** Leases of a client, renewed in the background: `client.leases`. Promises reject with a KvError. */
export class Leases {
  readonly #clock: Clock;
  readonly #port: LeasePort;
  readonly #ends: LeaseEnds;
  readonly #keeper: LeaseKeeper;
  readonly #random: Random;

  constructor(clock: Clock, port: LeasePort, random: Random) {
    this.#clock = clock;
    this.#port = port;
    this.#random = random;
    this.#ends = new LeaseEnds(clock, port, random);
    this.#keeper = new LeaseKeeper(clock, port, this.#ends);
  }

  /**
   * A lease that is renewed in the background, until it is revoked, lost, or the client is closed. Rejects as `write`, and with
   * BAD_REQUEST when the nodes allow no such time to live.
   */
  async grant(options: LeaseOptions = {}): Promise<Lease> {
    const wrong = wrongLeaseOptions(options, LEASE_NAMES);
    if (wrong !== null) throw wrong;
    const { ttl = LEASE_TTL_MS, signal } = options;
    const lease = await this.keep(ttl, signal);
    revokeWith(signal, lease);
    return lease;
  }

  /** As `grant`; the signal is of no effect any more once it is there. */
  async keep(ttl: number, signal: AbortSignal | undefined): Promise<KeptLease> {
    const wrong = wrongTtl(ttl) ?? (signal === undefined ? null : wrongSignal("signal", signal));
    if (wrong !== null) throw wrong;
    const sentMs = this.#clock.now();
    const granted = await this.#grant(ttl, signal);
    return this.#keeper.keep(granted.id, granted.ttlMs, sentMs);
  }

  /** A grant that the caller cancels on its way may take effect nevertheless: then the client gives the lease back as soon as it knows. */
  async #grant(
    ttl: number,
    signal: AbortSignal | undefined,
  ): Promise<{ id: number; ttlMs: number }> {
    const kept = (): Promise<{ id: number; ttlMs: number }> =>
      this.#ofOwnId(keptId(this.#random), ttl, {});
    if (signal === undefined) return kept();
    if (signal.aborted) throw cancelled("there was a lease", signal);
    const granting = kept();
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        reject(cancelled("there was a lease", signal));
        granting.then(({ id, ttlMs }) => this.#ends.end(id, ttlMs)).catch(() => {});
      });
      void granting.then(resolve, reject).finally(stopListening);
    });
  }

  /** When nobody knows whether there is a lease now, the client ends the one that there may be, which it knows by its id. */
  async #ofOwnId(
    id: LeaseId,
    ttl: number,
    options: RequestOptions,
  ): Promise<{ id: number; ttlMs: number }> {
    try {
      return await this.#port.grant(ttl, options, id);
    } catch (error) {
      const isUnknown = error instanceof KvError && !error.definite;
      if (isUnknown) this.#ends.end(id, ttl).catch(() => {});
      throw error;
    }
  }

  /**
   * One lease after the other, for keys that should exist for as long as this process lives: a service that registers itself.
   *
   *     for await (const lease of client.leases.session({ ttl: 10_000, signal, onLost: log })) {
   *       await client.write("service/a/1", "10.0.0.1:80", { lease });
   *       await lease.ended;
   *     }
   *
   * When the body is over while the lease lives, the client revokes the lease. After a loss it asks until it gets the next one.
   * Leave it by `break`, or by the signal. Throws an error that no node would answer differently later.
   */
  async *session(options: SessionOptions = {}): AsyncGenerator<Lease, void, undefined> {
    const wrong = wrongLeaseOptions(options, SESSION_NAMES);
    if (wrong !== null) throw wrong;
    const { ttl = LEASE_TTL_MS, signal, onLost } = options;
    yield* againAndAgain(this.#clock, signal, async () => {
      const lease = await this.keep(ttl, signal);
      revokeWith(signal, lease);
      const end = async (): Promise<void> => {
        const { aborted, reason } = lease.signal;
        if (aborted && isLoss(reason)) onLost?.(reason);
        await lease.revoke().catch(() => {});
      };
      return { value: lease, end };
    });
  }

  /** Ends a lease, also one of another client, and deletes its keys. @returns false: there is no such lease */
  async revoke(id: LeaseId, options: RequestOptions = {}): Promise<boolean> {
    const wrong = wrongId(id) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    return this.#port.revoke(id, options);
  }

  /**
   * A lease that this client does not renew: it ends after its time unless `renew` is called. Rejects as `grant`.
   * @param ttl in milliseconds
   */
  async issue(ttl: number, options: RequestOptions = {}): Promise<LeaseInfo> {
    const wrong = wrongTtl(ttl) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    const granted = await this.#port.grant(ttl, options, "next");
    return { id: granted.id, ttl: granted.ttlMs, remaining: granted.ttlMs };
  }

  /**
   * As `issue`, for a single write: with an id that nobody can guess, and none is left behind. The cluster ends it with the key that is
   * bound to it, also when that is written again, if all nodes know such leases.
   */
  async issueBound(ttl: number, options: RequestOptions = {}): Promise<LeaseId> {
    const wrong = wrongTtl(ttl) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    return (await this.#ofOwnId(writeId(this.#random), ttl, options)).id;
  }

  /** Begins its time anew, also of another client's lease. @returns its time to live; null: there is no such lease */
  async renew(id: LeaseId, options: RequestOptions = {}): Promise<number | null> {
    const wrong = wrongId(id) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    const [outcome = null] = await this.#port.keepAlive([id], options);
    if (outcome instanceof KvError) throw outcome;
    return outcome;
  }

  /** @returns null: there is no such lease */
  async timeToLive(id: LeaseId, options: RequestOptions = {}): Promise<LeaseKeys | null> {
    const wrong = wrongId(id) ?? wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    return this.#port.timeToLive(id, options);
  }

  /** All leases of the cluster. */
  async list(options: RequestOptions = {}): Promise<readonly LeaseInfo[]> {
    const wrong = wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    return this.#port.list(options);
  }

  /** The client is closed. @returns those to be revoked, as far as that costs no waiting */
  close(): LeaseId[] {
    return [...this.#ends.close(), ...this.#keeper.close()];
  }
}

/** Of a lease that the client renews: an id of 53 bits, which is what a number holds. */
function keptId(random: Random): LeaseId {
  return WRITE_LEASE_ID_END + (random.uint32() % 2 ** 20) * 2 ** 32 + random.uint32();
}

/** Of a lease for a single write: the nodes know it by its id. */
function writeId(random: Random): LeaseId {
  return WRITE_LEASE_ID_MIN + (random.uint32() % 2 ** 19) * 2 ** 32 + random.uint32();
}

/** For as long as the lease lives. */
function revokeWith(signal: AbortSignal | undefined, lease: KeptLease): void {
  if (signal === undefined) return;
  const revoke = (): void => void lease.revoke().catch(() => {});
  if (signal.aborted) return revoke();
  void lease.ended.then(onAbort(signal, revoke));
}

function isLoss(reason: unknown): reason is KvError {
  return reason instanceof KvError && reason.code !== "CANCELLED";
}

/**
 * Yields what `begin` makes, ends it when the loop's body is over, and begins again, until the signal is aborted. When `begin` fails
 * it tries again after a pause, unless the next try would end the same way.
 */
export async function* againAndAgain<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  begin: () => Promise<{ readonly value: T; readonly end: () => Promise<void> }>,
): AsyncGenerator<T, void, undefined> {
  let retryMs = RETRY_MS_MIN;
  while (!isAborted(signal)) {
    let begun: Awaited<ReturnType<typeof begin>>;
    try {
      begun = await begin();
    } catch (error) {
      if (isAborted(signal)) return;
      if (!(error instanceof KvError) || !isPassing(error)) throw error;
      await pause(clock, retryMs, signal);
      retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
      continue;
    }
    retryMs = RETRY_MS_MIN;
    try {
      yield begun.value;
    } finally {
      await begun.end();
    }
  }
}

export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Another lease, or another time, may go better: this attempt has left nothing behind. */
function isPassing({ code, retryable }: KvError): boolean {
  return retryable || code === "LEASE_LOST" || code === "LOCK_LOST" || code === "SESSION_EXPIRED";
}

function wrongLeaseOptions(options: unknown, known: KnownNames): KvError | null {
  const wrong = wrongRequestOptions(options, known);
  if (wrong !== null) return wrong;
  const { ttl, onLost } = options as Record<keyof SessionOptions, unknown>;
  return (
    (onLost === undefined ? null : wrongFunction("onLost", onLost)) ??
    (ttl === undefined ? null : wrongTtl(ttl))
  );
}

function wrongId(id: unknown): KvError | null {
  return isPositive(id) ? null : badArgument("lease", "the id of a lease", id);
}

export function wrongTtl(ttl: unknown): KvError | null {
  const isInside = Number(ttl) >= LEASE_TTL_MIN_MS && Number(ttl) <= LEASE_TTL_MAX_MS;
  return isPositive(ttl) && isInside ? null : badArgument("ttl", TTL_EXPECTED, ttl);
}
