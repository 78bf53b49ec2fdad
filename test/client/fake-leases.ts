/** Leases and a store for locks in memory, in which time passes as the test says: what clients see of a cluster. */
import { KvError } from "../../src/base/errors.ts";
import type { LeasePort } from "../../src/client/leases/lease-port.ts";
import { Leases } from "../../src/client/leases/leases.ts";
import type { Waiting } from "../../src/client/locks/hand-over.ts";
import type { KeyState, LockStore } from "../../src/client/locks/lock-store.ts";
import { Locks } from "../../src/client/locks/locks.ts";
import { Line } from "../../src/client/locks/line.ts";
import { SpareLeases } from "../../src/client/locks/spare-leases.ts";
import type { TxnRequest, TxnResult } from "../../src/client/txn/txn-types.ts";
import type { RequestOptions } from "../../src/client/terms/types.ts";
import type { Clock } from "../../src/machine/ports/clock.ts";
import { SeededRandom } from "../../src/machine/ports/seeded-random.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { LockModel } from "./lock-model.ts";

const ANSWER_MS = 2;

export class FakeLeases implements LeasePort, LockStore {
  readonly clock = new SimClock();
  readonly model = new LockModel();
  /** Of each request: how many leases it was for. */
  readonly keepAlives: number[] = [];
  /** Told of keys that went, for each key that somebody waits for: what the nodes send. */
  events = 0;
  /** What becomes of requests: null for all is well. */
  failure: KvError | null = null;
  /** Requests are lost, and nobody answers. */
  isSilent = false;
  /** How long an answer is on its way. */
  answerMs = ANSWER_MS;
  /** For so long the clients' process has stood still: its timers are late by it. */
  standStillMs = 0;
  /** Of each timer of the clients: whether it is idle. */
  readonly timers: boolean[] = [];
  readonly #ends = new Map<number, number>();
  readonly #watchers = new Map<string, Set<(state: KeyState) => void>>();
  /** Transactions that were carried out, grants and revocations. */
  writes = 0;
  /** How often the nodes were asked to end a lease. */
  revokes = 0;
  /** Questions who waits or holds. */
  reads = 0;
  /** When each key began to be followed. */
  readonly followed: { readonly key: string; readonly ms: number }[] = [];
  #nextId = 1;

  /** A client of its own. */
  client(): { leases: Leases; locks: Locks } {
    const clock: Clock = {
      now: () => this.clock.now() + this.standStillMs,
      after: (ms, callback, isIdle = false) => {
        this.timers.push(isIdle);
        return this.clock.after(ms, callback);
      },
      endOfTurn: (callback) => this.clock.endOfTurn(callback),
    };
    const leases = new Leases(clock, this, new SeededRandom("leases"));
    return {
      leases,
      locks: new Locks({
        clock,
        store: this,
        leases,
        spare: new SpareLeases(clock),
        line: new Line(clock),
        list: () => this.#nothing(),
      }),
    };
  }

  async *#nothing(): AsyncGenerator<never> {}

  grant(ttlMs: number, options: RequestOptions): Promise<{ id: number; ttlMs: number }> {
    return this.#answer(options, () => {
      const id = this.#nextId++;
      this.#ends.set(id, this.clock.now() + ttlMs);
      return { id, ttlMs };
    });
  }

  async keepAlive(
    ids: readonly number[],
    options: RequestOptions,
  ): Promise<(number | null | KvError)[]> {
    this.keepAlives.push(ids.length);
    try {
      return await this.#answer(options, () =>
        ids.map((id) => {
          this.expire();
          if (!this.#ends.has(id)) return null;
          this.#ends.set(id, this.clock.now() + this.ttlMs);
          return this.ttlMs;
        }),
      );
    } catch (error) {
      return ids.map(() => error as KvError);
    }
  }

  /** Of all leases of the test. */
  ttlMs = 800;

  timeToLive(): Promise<null> {
    return Promise.resolve(null);
  }

  list(): Promise<[]> {
    return Promise.resolve([]);
  }

  revoke(id: number, options: RequestOptions): Promise<boolean> {
    this.revokes += 1;
    return this.#answer(options, () => {
      const existed = this.#ends.delete(id);
      this.#change(() => this.model.end(id));
      return existed;
    });
  }

  txn(request: TxnRequest, options: RequestOptions): Promise<TxnResult> {
    return this.#answer(options, () => {
      this.expire();
      const answer = this.#change(() => this.model.txn(request));
      if (answer === null) throw new KvError("LEASE_LOST", "no such lease");
      return { ...answer, node: 1 };
    });
  }

  lastBefore(prefix: string, revision: number, options: RequestOptions): Promise<string | null> {
    this.reads += 1;
    return this.#answer(options, () => this.model.lastBefore(prefix, revision));
  }

  firstOf(
    prefix: string,
    limit: number,
    _atLeast: number,
    options: RequestOptions,
  ): Promise<readonly Waiting[]> {
    this.reads += 1;
    return this.#answer(options, () => this.model.firstOf(prefix, limit));
  }

  async *follow(
    key: string | Uint8Array,
    from: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<KeyState, void, undefined> {
    const name = String(key);
    this.followed.push({ key: name, ms: this.clock.now() });
    const states: KeyState[] = [];
    let wake = (): void => {};
    const watcher = (state: KeyState): void => {
      states.push(state);
      wake();
    };
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers.add(watcher));
    const { revision } = this.model;
    if (from === null) states.push({ revision, createRevision: this.#created(name) });
    else {
      const history = this.model.history.get(name) ?? [];
      states.push(...history.filter((state) => state.revision >= from));
    }
    try {
      while (!signal.aborted) {
        const state = states.shift();
        if (state === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            signal.addEventListener("abort", () => resolve(), { once: true });
          });
        } else yield state;
      }
      throw new KvError("CANCELLED", "cancelled");
    } finally {
      watchers.delete(watcher);
    }
  }

  #created(key: string): number {
    return this.model.keys.get(key)?.createRevision ?? 0;
  }

  /** Leases whose time is up end, as at the nodes. */
  expire(): void {
    for (const [id, endMs] of this.#ends) {
      if (endMs > this.clock.now()) continue;
      this.#ends.delete(id);
      this.#change(() => this.model.end(id));
    }
  }

  hasLease(id: number): boolean {
    this.expire();
    return this.#ends.has(id);
  }

  #change<T>(change: () => T): T {
    this.writes += 1;
    const { revision } = this.model;
    const result = change();
    for (const [key, history] of this.model.history) {
      for (const state of history) {
        if (state.revision <= revision) continue;
        for (const watcher of this.#watchers.get(key) ?? []) {
          this.events += 1;
          this.clock.after(ANSWER_MS, () => watcher(state));
        }
      }
    }
    return result;
  }

  #answer<T>({ signal }: RequestOptions, carryOut: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new KvError("CANCELLED", "cancelled"));
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      if (this.isSilent) return;
      const { failure, answerMs } = this;
      this.clock.after(2 * ANSWER_MS + answerMs, () =>
        signal?.removeEventListener("abort", onAbort),
      );
      this.clock.after(ANSWER_MS, () => {
        if (failure !== null) return reject(failure);
        try {
          const result = carryOut();
          this.clock.after(answerMs, () => resolve(result));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Time passes, as far as `ms`, in steps in which promises get their turn. */
  async pass(ms: number, stepMs = 5): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.run(stepMs);
      this.expire();
      for (let i = 0; i < 12; i++) await Promise.resolve();
    }
  }
}
