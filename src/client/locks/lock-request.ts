/**
 * One request for a lock, from its first transaction until it holds. Pure: it says what is to be done next, and is told what came of
 * it. Elections are requests for exclusive locks of their own.
 *
 * Whoever holds has a key among the held ones, whoever waits one among the waiting ones, each bound to the lease of its request, so
 * that a request without a process ends with its lease.
 *
 * Invariants:
 *   LOCKREQUEST-1. Safety lies in the transactions alone: a held key is made only by one which checks, in the same step, that there is no other
 *       that excludes it (or, to steal, takes them away). So of the held keys of a name at any revision either one is exclusive,
 *       and there is no other, or all are shared; whatever requests believe, and in whatever order answers come.
 *   LOCKREQUEST-2. The token is the revision at which the held key came to be. It was given to nobody before, and grows from holder to holder,
 *       also when one has stolen.
 *   LOCKREQUEST-3. First come, first served: nobody takes a lock past one that waits, and of those who wait each waits for the last one before it
 *       (of an exclusive request: any; of a shared one: an exclusive one). Those before it only ever become fewer, so that who
 *       saw none is the first from then on.
 *   LOCKREQUEST-4. Nobody waits for more than one key, and nobody asks again before that key is gone: what a release costs does not grow with
 *       the number of those who wait.
 */
import { allBut, heldPrefix, waitPrefix, type LockMode } from "./lock-keys.ts";
import type { TxnCompare, TxnOperation, TxnRequest, TxnResult } from "../txn/index.ts";
import type { Bytes, LeaseId, RangeSelector } from "../terms/index.ts";

export interface LockWish {
  /** As of placeOf. */
  readonly place: string;
  /** Names this request and no other, ever. It stands in its keys. */
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
  /** Find the last key with the prefix that was created before this revision, then call `found`. */
  | { readonly do: "look"; readonly prefix: string; readonly before: number }
  /** Wait until there is no such key, then call `gone`. May be called too early. */
  | { readonly do: "wait"; readonly key: Bytes }
  | { readonly do: "hold"; readonly key: string; readonly token: number }
  /** Not to be had at once, or its key was taken away while it waited. */
  | { readonly do: "stop"; readonly why: "unavailable" | "lost" };

export class LockRequest {
  readonly #wish: LockWish;
  readonly #heldKey: string;
  readonly #waitKey: string;
  /** The revision of the waiting key; 0: there is none yet. */
  #since = 0;
  /** LOCKREQUEST-3: it waits for those who hold, and nobody who waits is before it. */
  #isFirst = false;
  #step: LockStep;

  constructor(wish: LockWish) {
    const { place, mode, id } = wish;
    this.#wish = wish;
    this.#heldKey = `${heldPrefix(place, mode)}${id}`;
    this.#waitKey = `${waitPrefix(place, mode)}${id}`;
    this.#step = { do: "ask", request: wish.how === "steal" ? this.#steal() : this.#enter() };
  }

  /** What is to be done next. */
  get step(): LockStep {
    return this.#step;
  }

  /** What came of the transaction. When that is not known it may be told again, or asked again: `step` stays as it is. */
  answered({
    succeeded,
    revision,
    results,
  }: Pick<TxnResult, "succeeded" | "revision" | "results">): void {
    if (succeeded) {
      this.#step = { do: "hold", key: this.#heldKey, token: revision };
    } else if (this.#since !== 0) {
      this.#step = this.#afterTry(results);
    } else if (this.#wish.how === "ifAvailable") {
      this.#step = { do: "stop", why: "unavailable" };
    } else {
      this.#since = revision;
      this.#step = this.#look();
    }
  }

  /** @param key the last one before this request; null: there is none, it is the first of those who wait */
  found(key: Bytes | null): void {
    this.#isFirst = key === null;
    this.#step = key === null ? { do: "ask", request: this.#take() } : { do: "wait", key };
  }

  gone(): void {
    this.#step = this.#isFirst ? { do: "ask", request: this.#take() } : this.#look();
  }

  #look(): LockStep {
    const { place, mode } = this.#wish;
    return { do: "look", prefix: waitPrefix(place, excludedBy(mode)), before: this.#since };
  }

  #afterTry(results: TxnResult["results"]): LockStep {
    // What it would have told is not known any more: nothing was changed.
    if (results === null) return { do: "ask", request: this.#take() };
    const [own, holder] = results;
    if (own?.op === "get" && own.count === 0) return { do: "stop", why: "lost" };
    const [first] = holder?.op === "get" ? holder.found : [];
    return first === undefined
      ? { do: "ask", request: this.#take() }
      : { do: "wait", key: first.key };
  }

  /** Takes it when nobody holds it that excludes this request, and nobody waits that came before; otherwise waits. */
  #enter(): TxnRequest {
    const { place, mode, how } = this.#wish;
    const others = excludedBy(mode);
    return {
      compare: [none(waitPrefix(place, others)), none(heldPrefix(place, others))],
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [this.#put(this.#heldKey)],
      else: how === "ifAvailable" ? [] : [this.#put(this.#waitKey)],
    };
  }

  /** The first of those who wait takes it. Otherwise: is its key still there, and who holds the lock? */
  #take(): TxnRequest {
    const { place, mode } = this.#wish;
    const excluding = heldPrefix(place, excludedBy(mode));
    return {
      compare: [{ key: this.#waitKey, createRevision: this.#since }, none(excluding)],
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [{ op: "delete", key: this.#waitKey }, this.#put(this.#heldKey)],
      else: [
        { op: "get", key: this.#waitKey, countOnly: true },
        { op: "get", range: { prefix: excluding }, limit: 1, keysOnly: true },
      ],
    };
  }

  #steal(): TxnRequest {
    const { place } = this.#wish;
    const rob = (range: RangeSelector): TxnOperation => ({ op: "delete", range });
    return {
      // oxlint-disable-next-line no-thenable -- a list, which nobody can call
      then: [...allBut(heldPrefix(place), this.#heldKey).map(rob), this.#put(this.#heldKey)],
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
