/**
 * Leases once more, from the decided log alone and in the simplest way: each time it looks anew at all renewals, at all steps of the
 * clock, and at all keys. It shares nothing with the product but the form of entries.
 */
import type { ClockEntry } from "../../store/index.ts";

/** A lease as the log has it. */
export interface LoggedLease {
  readonly id: number;
  readonly ttlMs: number;
  /** Where in the log it was granted or renewed, ascending, and after how many steps of the clock. */
  readonly renewals: { readonly idx: number; readonly steps: number }[];
  /** Where it ended; null: it has not. */
  ended: { readonly idx: number; readonly by: "time" | "revoke" | "keys" } | null;
  /** Of one that ends with its last key: whether it has had a key. Null: it does not. */
  hadKey: boolean | null;
}

/** Ids of leases for single writes, and the first version of an entry that tells them from others. */
const WRITE_IDS = { min: 2 ** 51, end: 2 ** 52 };
const WRITES_SINCE = 10;

/** Steps of the clock that do not count for a lease that was renewed before them. */
const STEPS_BEFORE = 2;

export class LeaseModel {
  /** All that there ever were. */
  readonly all: LoggedLease[] = [];
  readonly #living = new Map<number, LoggedLease>();
  /** What the clock shows after each step, and where in the log that is. */
  readonly steps: { readonly idx: number; readonly ms: number }[] = [];
  readonly #seen = new Set<string>();
  #lastId = 0;

  has(id: number): boolean {
    return this.#living.has(id);
  }

  /** @param version of the entry */
  grant(idx: number, id: number, ttlMs: number, version: number): void {
    if (this.has(id)) return;
    const given = id === 0 ? this.#freeId() : id;
    const renewals = [{ idx, steps: this.steps.length }];
    const isOfWrite = version >= WRITES_SINCE && id >= WRITE_IDS.min && id < WRITE_IDS.end;
    const hadKey = isOfWrite ? false : null;
    const lease: LoggedLease = { id: given, ttlMs, renewals, ended: null, hadKey };
    this.all.push(lease);
    this.#living.set(given, lease);
  }

  renew(idx: number, id: number): void {
    this.#living.get(id)?.renewals.push({ idx, steps: this.steps.length });
  }

  /** A command has been carried out. @param bound the leases of all keys, then */
  settle(idx: number, bound: ReadonlySet<number>): void {
    for (const lease of this.#living.values()) {
      if (lease.hadKey === null) continue;
      if (bound.has(lease.id)) lease.hadKey = true;
      else if (lease.hadKey) this.end(idx, lease.id, "keys");
    }
  }

  /** After the entries before this index, in order. */
  idsAt(idx: number): readonly number[] {
    return this.all
      .filter(({ renewals, ended }) => {
        const granted = renewals[0]?.idx ?? Infinity;
        return granted < idx && (ended === null || ended.idx >= idx);
      })
      .map(({ id }) => id)
      .sort((a, b) => a - b);
  }

  end(idx: number, id: number, by: "time" | "revoke" | "keys"): void {
    const lease = this.#living.get(id);
    if (lease !== undefined) lease.ended = { idx, by };
    this.#living.delete(id);
  }

  /** @param round of the log at this place. @returns the leases that end by it, in order */
  step(idx: number, { passedMs, round, count }: ClockEntry, current: string): readonly number[] {
    const name = `${round.n} ${round.pid} ${round.salt}`;
    if (name !== current || this.#seen.has(`${name} ${count}`)) return [];
    this.#seen.add(`${name} ${count}`);
    const now = (this.steps.at(-1)?.ms ?? 0) + passedMs;
    const due = [...this.#living.values()]
      .map((lease) => ({ id: lease.id, endsMs: this.#endsAt(lease) }))
      .filter(({ endsMs }) => endsMs <= now);
    this.steps.push({ idx, ms: now });
    return due.sort((a, b) => a.endsMs - b.endsMs || a.id - b.id).map(({ id }) => id);
  }

  #freeId(): number {
    let id: number;
    do id = ++this.#lastId;
    while (this.has(id));
    return id;
  }

  #endsAt({ renewals, ttlMs }: LoggedLease): number {
    const begins = this.steps[(renewals.at(-1)?.steps ?? 0) + STEPS_BEFORE - 1];
    return begins === undefined ? Infinity : begins.ms + ttlMs;
  }
}
