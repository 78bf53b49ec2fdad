/**
 * One request for a lock, from its first transaction until it holds. Pure: it says what its caller must do next, and the caller tells it
 * the outcome. Elections are requests for exclusive locks of their own.
 *
 * A holder has a key among the held ones, a waiter one among the waiting ones. Each key is bound to the lease of its request, so that a
 * request without a process ends with its lease.
 *
 * Invariants:
 *   LOCKREQUEST-1. Safety lies in the transactions alone: only a transaction makes a held key, and it checks, in the same step, that there
 *       is no other that excludes it (or, to steal, takes those away). So of the held keys of a name at any revision either one is
 *       exclusive, and there is no other, or all are shared. This holds whatever requests believe, and in whatever order answers come.
 *   LOCKREQUEST-2. The token is the revision at which the held key was made, by the request itself or by the holder before, which hands
 *       the lock over (hand-over.ts). No request had that token before, and tokens grow from holder to holder, also when one has stolen
 *       the lock.
 *   LOCKREQUEST-3. First come, first served: no request takes a lock past one that waits. Each waiter waits for the last waiter before it
 *       (an exclusive one: for any; a shared one: for an exclusive one). The waiters before it only ever become fewer, so a request that
 *       saw none, in any state since it began to wait, is the first from then on.
 *   LOCKREQUEST-4. No request waits for more than one key of others, and none asks again before that key is gone: the cost of a release
 *       does not grow with the number of waiters.
 *   LOCKREQUEST-5. A key of a request is made once and goes once. So a key that was there in any state since this request began to wait is
 *       there until an event says that it has gone, and a watch from that revision on misses nothing.
 */
import { allBut, heldPrefix, isExclusiveIn, waitPrefix, type LockMode } from "./lock-keys.ts";
import type { Waiting } from "./hand-over.ts";
import type { TxnCompare, TxnOperation, TxnRequest, TxnResult } from "../txn/index.ts";
import type { Bytes, LeaseId, RangeSelector } from "../terms/index.ts";

export interface LockWish {
  /** As of placeOf. */
  readonly place: string;
  /** Names this request and no other, ever, as requestIdOf makes it. It stands in its keys. */
  readonly id: string;
  readonly mode: LockMode;
  /** All of its keys are bound to it. */
  readonly lease: LeaseId;
  /** What its keys hold, for others to see. */
  readonly value: Bytes;
  /** "wait" for it; take it only "ifAvailable"; "steal" it. */
  readonly how: "wait" | "ifAvailable" | "steal";
}

export type LockStep =
  /** Carry this out, then call `answered`. */
  | { readonly do: "ask"; readonly request: TxnRequest }
  /** Find the last key with the prefix that was created before this revision, in a state that is not older than it, then call `found`. */
  | { readonly do: "look"; readonly prefix: string; readonly before: number }
  /** Find the first two keys with the prefix by creation, in a state not older than the revision, then call `foundFront`. */
  | { readonly do: "front"; readonly prefix: string; readonly atLeast: number }
  /** Find the first key with the prefix, in a state not older than the revision, then call `foundHolder`. */
  | { readonly do: "holder"; readonly prefix: string; readonly atLeast: number }
  /** Wait until there is no such key, which was there at `since` or after it, then call `gone`. May be called too early. */
  | { readonly do: "wait"; readonly key: Bytes; readonly since: number }
  /** The request before this one has just got the lock, and will most likely hand it over. Call `rested` after a moment. */
  | { readonly do: "rest" }
  | { readonly do: "hold"; readonly key: string; readonly token: number }
  /** The lock was not free at once, or the request's key was taken away while it waited. */
  | { readonly do: "stop"; readonly why: "unavailable" | "lost" };

export class LockRequest {
  readonly heldKey: string;
  readonly #wish: LockWish;
  readonly #waitKey: string;
  /** The revision of the waiting key; 0: there is none yet. */
  #since = 0;
  /** Of the newest state that this request was told of. */
  #seen = 0;
  /** The key that it waits for is that of an exclusive request which waits. */
  #isBehindExclusive = false;
  /** LOCKREQUEST-3: it waits for the holders, and no waiter is before it. */
  #isFirst = false;
  /** The request that it waits for holds the lock alone: when that key is gone the lock is free. */
  #isBehindOne = false;
  #next: Waiting | null = null;
  #step: LockStep;

  constructor(wish: LockWish) {
    const { place, mode, id } = wish;
    this.#wish = wish;
    this.heldKey = `${heldPrefix(place, mode)}${id}`;
    this.#waitKey = `${waitPrefix(place, mode)}${id}`;
    this.#step = { do: "ask", request: wish.how === "steal" ? this.#steal() : this.#enter() };
  }

  /** What the caller must do next. */
  get step(): LockStep {
    return this.#step;
  }

  /** The revision since which it waits, or has waited; 0: it did not have to. While it waits a holder may hand it the lock. */
  get since(): number {
    return this.#since;
  }

  /** The waiter behind it, as far as it knows: the first of the other waiters when it became the first itself. */
  get next(): Waiting | null {
    return this.#next;
  }

  /** The outcome of the transaction. An unknown outcome may be told again, or asked for again: `step` stays as it is. */
  answered({
    succeeded,
    revision,
    results,
  }: Pick<TxnResult, "succeeded" | "revision" | "results">): void {
    this.#seen = Math.max(this.#seen, revision);
    if (succeeded) {
      this.#hold(revision);
    } else if (this.#since !== 0) {
      this.#step = this.#afterTry(results);
    } else if (this.#wish.how === "ifAvailable") {
      this.#step = { do: "stop", why: "unavailable" };
    } else {
      this.#since = revision;
      this.#step = this.#look();
    }
  }

  /** @param key the last waiter before this request; null: there is none, and this request is the first */
  found(key: Bytes | null): void {
    this.#isFirst = key === null;
    this.#isBehindExclusive = key !== null && isExclusiveIn(this.#wish.place, key);
    this.#step = key === null ? this.#holder() : { do: "wait", key, since: this.#since };
  }

  /** @param waiting the first two waiters, of any mode */
  foundFront([first, second]: readonly Waiting[]): void {
    if (first?.key !== this.#waitKey) {
      this.#step = this.#look();
      return;
    }
    this.#isFirst = true;
    this.#next = second ?? null;
    this.#step = { do: "rest" };
  }

  rested(): void {
    this.#step = this.#holder();
  }

  /** @param holder the first holder of the lock that excludes this request; null: there is none */
  foundHolder(holder: Pick<Waiting, "key" | "createRevision"> | null): void {
    if (holder === null) this.#step = { do: "ask", request: this.#take() };
    else if (holder.key === this.heldKey) this.#hold(holder.createRevision);
    else {
      this.#isBehindOne = isExclusiveIn(this.#wish.place, holder.key);
      this.#step = { do: "wait", key: holder.key, since: this.#since };
    }
  }

  /** @param revision at which it was gone */
  gone(revision: number): void {
    this.#seen = Math.max(this.#seen, revision);
    if (this.#isFirst) {
      // The transaction checks the holders anyway. When several held the lock the others are still there.
      this.#step = this.#isBehindOne ? { do: "ask", request: this.#take() } : this.#holder();
    } else if (this.#isBehindExclusive && this.#wish.mode === "exclusive") {
      const prefix = waitPrefix(this.#wish.place);
      this.#step = { do: "front", prefix, atLeast: this.#seen };
    } else this.#step = this.#look();
  }

  /** The holder before made the held key for this request. @param token the revision at which it did */
  had(token: number): void {
    if (this.#step.do !== "hold" && this.#step.do !== "stop") this.#hold(token);
  }

  #hold(token: number): void {
    this.#step = { do: "hold", key: this.heldKey, token };
  }

  #look(): LockStep {
    const { place, mode } = this.#wish;
    return { do: "look", prefix: waitPrefix(place, excludedBy(mode)), before: this.#since };
  }

  #holder(): LockStep {
    const { place, mode } = this.#wish;
    return { do: "holder", prefix: heldPrefix(place, excludedBy(mode)), atLeast: this.#seen };
  }

  #afterTry(results: TxnResult["results"]): LockStep {
    // The first answer was lost, and its results are not known any more: the transaction changed nothing.
    if (results === null) return { do: "ask", request: this.#take() };
    const [waiting, held] = results;
    const [own] = held?.op === "get" ? held.found : [];
    if (own !== undefined) return { do: "hold", key: this.heldKey, token: own.createRevision };
    if (waiting?.op === "get" && waiting.count === 0) return { do: "stop", why: "lost" };
    return this.#holder();
  }

  /** Takes the lock when no holder excludes this request and no earlier request waits; otherwise waits. */
  #enter(): TxnRequest {
    const { place, mode, how } = this.#wish;
    const others = excludedBy(mode);
    return {
      compare: [none(waitPrefix(place, others)), none(heldPrefix(place, others))],
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [this.#put(this.heldKey)],
      else: how === "ifAvailable" ? [] : [this.#put(this.#waitKey)],
    };
  }

  /** The first waiter takes the lock. Otherwise the answer tells: is its key still there, or did a holder hand it the lock? */
  #take(): TxnRequest {
    const { place, mode } = this.#wish;
    const excluding = heldPrefix(place, excludedBy(mode));
    return {
      compare: [{ key: this.#waitKey, createRevision: this.#since }, none(excluding)],
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [{ op: "delete", key: this.#waitKey }, this.#put(this.heldKey)],
      else: [
        { op: "get", key: this.#waitKey, countOnly: true },
        { op: "get", key: this.heldKey, keysOnly: true },
      ],
    };
  }

  #steal(): TxnRequest {
    const { place } = this.#wish;
    const rob = (range: RangeSelector): TxnOperation => ({ op: "delete", range });
    return {
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [...allBut(heldPrefix(place), this.heldKey).map(rob), this.#put(this.heldKey)],
    };
  }

  #put(key: string): TxnOperation {
    const { lease, value } = this.#wish;
    return { op: "put", key, value, lease };
  }
}

/** An exclusive lock goes with no other, a shared one with shared ones. @returns undefined: both modes exclude it */
function excludedBy(mode: LockMode): LockMode | undefined {
  return mode === "exclusive" ? undefined : "exclusive";
}

/** There is no key with the prefix. One look at the first of them is enough to refute it. */
function none(prefix: string): TxnCompare {
  return { range: { prefix }, version: 0 };
}
