/** `client.locks`: locks of the whole cluster, in the shape of the Web Locks API. */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import {
  badArgument,
  type KeyValue,
  namesOf,
  orAborted,
  type RequestOptions,
  TEXT_EXPECTED,
  wrongBytes,
  wrongFunction,
  wrongRequestOptions,
} from "../terms/index.ts";
import { type Leases, wrongTtl } from "../leases/index.ts";
import { LOCKS_PREFIX, placeOf, requestIdOf, writtenName, type LockMode } from "./lock-keys.ts";
import { holdersIn, type LockQuery } from "./lock-query.ts";
import type { LockStore } from "./lock-store.ts";
import { HeldGuard, type Lock } from "./lock.ts";
import type { LentLease, SpareLeases } from "./spare-leases.ts";
import type { Line } from "./line.ts";
import { takeLock, type Taken } from "./take-lock.ts";

const LOCK_TTL_MS = 10_000;
/** Characters of a name with its view's prefix, as it is written in a key. */
const NAME_LENGTH_MAX = 1024;
const WRITTEN =
  "as a URL has it (three for each byte that is no letter, no digit and none of -_.!~*'())";

/** How a lock is asked for. */
export interface LockOptions {
  /** "shared" locks are held together, an "exclusive" one alone. Default "exclusive". */
  readonly mode?: LockMode;
  /** Do not wait: when the lock is held, or others wait, the function is called with null. */
  readonly ifAvailable?: boolean;
  /** Take the lock from its holders, before all waiters. The holders lose it (LOCK_LOST). Exclusive only. */
  readonly steal?: boolean;
  /** Gives up waiting. Of no effect once the lock is held. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which the lock is free again when this process has died or does not reach the cluster. Default 10,000.
   */
  readonly ttl?: number;
  /** Says in `query` who asks. Default: nothing. */
  readonly owner?: string;
}

const OPTION_NAMES = namesOf<LockOptions>({
  mode: true,
  ifAvailable: true,
  steal: true,
  signal: true,
  ttl: true,
  owner: true,
});

export interface LocksMachine {
  readonly clock: Clock;
  readonly store: LockStore;
  readonly leases: Leases;
  /** Of the client, as the leases are. */
  readonly spare: SpareLeases;
  /** Of the client, views included. */
  readonly line: Line;
  /** All keys with the prefix, of one state. */
  readonly list: (prefix: string, options: RequestOptions) => AsyncIterable<KeyValue>;
}

/** Locks of the whole cluster: `client.locks`. Promises reject with a KvError. */
export class Locks {
  readonly #machine: LocksMachine;
  readonly #prefix: string;

  constructor(machine: LocksMachine, prefix = "") {
    this.#machine = machine;
    this.#prefix = prefix;
  }

  /** A view of these whose names all begin with `prefix`. */
  within(prefix: string): Locks {
    if (typeof prefix !== "string") throw badArgument("prefix", "a string", prefix);
    if (!prefix.isWellFormed()) throw badArgument("prefix", TEXT_EXPECTED, prefix);
    return new Locks(this.#machine, this.#prefix + prefix);
  }

  /**
   * Waits for the lock, calls the function while it holds it, and gives it back when the function's promise is settled:
   *
   *     await client.locks.request("report", async (lock) => {
   *       await client.guarded(lock).write("report", text);
   *     });
   *
   * First come, first served, and requests of one client in the order of the calls. A holder that dies, or that does not reach the
   * cluster, loses the lock after `ttl`. A holder that only believes that it holds the lock finds `lock.signal` aborted. Nothing stops its
   * code, so bind writes to the lock with `client.guarded`, and pass `lock.token` to every other resource that the code changes.
   *
   * @returns what the function returns. Rejects with what it throws; with LEASE_LOST or LOCK_LOST when the lock was lost before the
   *   function was over, even if it returned; with CANCELLED by the signal; or as `write`
   */
  request<T>(name: string, carryOut: (lock: Lock) => Promise<T> | T): Promise<T>;
  request<T>(
    name: string,
    options: LockOptions & { readonly ifAvailable?: false },
    carryOut: (lock: Lock) => Promise<T> | T,
  ): Promise<T>;
  request<T>(
    name: string,
    options: LockOptions,
    carryOut: (lock: Lock | null) => Promise<T> | T,
  ): Promise<T>;
  async request<T>(
    name: string,
    second: LockOptions | ((lock: Lock) => Promise<T> | T),
    third?: (lock: Lock) => Promise<T> | T,
  ): Promise<T> {
    const options = typeof second === "function" || second === undefined ? {} : second;
    const carryOut = (typeof second === "function" ? second : third) as
      ((lock: Lock | null) => Promise<T> | T) | undefined;
    const wrong =
      wrongName(name, this.#prefix) ??
      wrongLockOptions(options) ??
      wrongFunction("callback", carryOut);
    // What is no function was refused.
    if (wrong !== null || carryOut === undefined) throw wrong;
    const { mode = "exclusive", signal, ttl = LOCK_TTL_MS, owner = "" } = options;
    const { clock, leases, store, spare, line } = this.#machine;
    const place = placeOf(LOCKS_PREFIX, this.#prefix + name);
    const turn = line.join();
    let lent = await spare.take(leases, ttl, signal).catch((error: unknown) => {
      turn.placed();
      throw error;
    });
    /** It is certain that no key is bound to the lease. */
    let isBare = false;
    try {
      const how =
        options.steal === true ? "steal" : options.ifAvailable === true ? "ifAvailable" : "wait";
      // A caller that gives up does not wait for its turn: the code below looks at the signal itself.
      await (signal === undefined ? turn.before : orAborted(turn.before, signal));
      const take = ({ lease, number }: LentLease): Promise<Taken | null> => {
        const wish = { place, id: requestIdOf(lease.id, number), mode, value: owner, how } as const;
        return takeLock(wish, { clock, lease, signal, store, turn });
      };
      const taken = await take(lent).catch(async (error: unknown) => {
        if (!lent.isUsed || !isLost(error)) throw error;
        // The request never was in line, or has lost its place: it comes last now.
        lent = await spare.anew(lent, leases, signal);
        return take(lent);
      });
      const { lease, isToSpare } = lent;
      if (taken === null) {
        isBare = true;
        return await carryOut(null);
      }
      const guard = new HeldGuard(taken.held, taken.token, lease);
      try {
        const { key, token, signal: lost } = guard;
        const result = await carryOut({ name, mode, key, token, signal: lost });
        lost.throwIfAborted();
        return result;
      } finally {
        guard.release();
        // A waiter takes a free lock by itself; ending the lease frees the lock as well.
        if (isToSpare || taken.hasWaited) isBare = await taken.giveBack();
      }
    } finally {
      turn.placed();
      // Even if this fails, the others wait no longer than the time to live.
      spare.noteEnd();
      if (lent.isToSpare && isBare) spare.give(lent.lease);
      else await lent.lease.revoke().catch(() => {});
    }
  }

  /**
   * Who holds locks, and who waits for them, in one state of the store; 10,000 at most. The requests that this client made before the call
   * are among them, unless the cluster takes longer than a second for one.
   */
  async query(options: RequestOptions = {}): Promise<LockQuery> {
    const wrong = wrongRequestOptions(options);
    if (wrong !== null) throw wrong;
    await this.#machine.line.allPlaced();
    return holdersIn((prefix) => this.#machine.list(prefix, options), LOCKS_PREFIX, this.#prefix);
  }
}

function isLost(error: unknown): boolean {
  return error instanceof KvError && error.code === "LEASE_LOST";
}

/** @param prefix the view's prefix, which stands before it in the whole name */
export function wrongName(name: unknown, prefix = ""): KvError | null {
  if (typeof name !== "string" || name === "") {
    return badArgument("name", "text of at least one character", name);
  }
  if (!name.isWellFormed()) return badArgument("name", TEXT_EXPECTED, name);
  const taken = writtenName(prefix).length;
  const { length } = writtenName(name);
  if (taken + length <= NAME_LENGTH_MAX) return null;
  const left = Math.max(0, NAME_LENGTH_MAX - taken);
  const beside = taken === 0 ? "" : `, which is what the prefix of the view leaves`;
  const text = `name: expected at most ${left} characters ${WRITTEN}${beside}, got ${length}`;
  return new KvError("BAD_REQUEST", text);
}

function wrongLockOptions(options: unknown): KvError | null {
  const wrong = wrongRequestOptions(options, OPTION_NAMES);
  if (wrong !== null) return wrong;
  const { mode, ifAvailable, steal, ttl, owner } = options as Record<keyof LockOptions, unknown>;
  if (mode !== undefined && mode !== "exclusive" && mode !== "shared") {
    return badArgument("mode", '"exclusive" or "shared"', mode);
  }
  for (const [name, flag] of Object.entries({ ifAvailable, steal })) {
    if (flag !== undefined && typeof flag !== "boolean") {
      return badArgument(name, "true or false", flag);
    }
  }
  if (steal === true && (mode === "shared" || ifAvailable === true)) {
    return badArgument("steal", "an exclusive lock without ifAvailable", options);
  }
  if (owner !== undefined && typeof owner !== "string")
    return badArgument("owner", "a string", owner);
  const wrongOwner = owner === undefined ? null : wrongBytes("owner", owner);
  if (wrongOwner !== null) return wrongOwner;
  return ttl === undefined ? null : wrongTtl(ttl);
}
