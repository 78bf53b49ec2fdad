/**
 * The leases, the keys bound to them, and the cluster's clock by which they end. docs/adr/0012-leases.md gives the reasons.
 *
 * Invariants:
 *   LEASES-1. A key is bound to a lease here if and only if its cell names the lease, and the key is there.
 *   LEASES-2. The clock moves only by `advance`. A lease ends no sooner than the clock has moved by its time to live since
 *        the second `advance` after it was renewed: the stretch of time for which an entry of the clock stands may have begun
 *        before the renewal, and the next one may have been proposed before the renewal was decided.
 *   LEASES-3. Which leases `advance` finds due follows from the leases alone, and not from the order in which they came here: first
 *        those that were to end first, among those the one with the lowest id.
 *   LEASES-4. There are at most LEASES_MAX leases, with at most LEASE_KEYS_MAX keys each.
 *   LEASES-5. Between two commands no lease of a write that has had keys is without any. One that has had none yet stays until its
 *        time is over: its write is on its way.
 */
import {
  assert,
  type ByteString,
  LEASE_KEYS_MAX,
  LEASES_MAX,
  mix32,
  mixNumber,
} from "../../base/index.ts";
import type { ClockEntry } from "../entries/clock-entry.ts";
import type { RoundName } from "../entries/rounds.ts";
import { BOUND_KEY_BYTES, LEASE_BYTES } from "../history/state-size.ts";

/** LEASES-2. Part of the format. */
export const RENEWAL_STEPS = 2;
/** Keys of all leases that end with one entry, together: some milliseconds. The other leases end with the next one. Part of the format. */
const ENDED_KEYS_MAX = LEASE_KEYS_MAX;
/** Leases that end with one entry. Part of the format. */
const ENDED_MAX = 1024;

/** What a lease of a write adds to the hash. Part of the format. */
const OF_WRITE_MARK = 0x7772_6974;

/** Each byte is compared with others a dozen times when thousands of keys are sorted. */
const COMPARED_BYTES_PER_CELL = 128;

/** A lease but for its keys. */
export interface LeaseTime {
  readonly id: number;
  readonly ttlMs: number;
  /** Steps of the clock until its time begins; 0: it has begun. */
  readonly waits: number;
  /** By the clock; it counts once the time has begun. */
  readonly endsAtMs: number;
  /** It was granted for single writes, and ends with the last key that is bound to it (LEASES-5). */
  readonly ofWrite: boolean;
}

type KeyTest = (where: { readonly key: ByteString }) => boolean;

class Lease implements LeaseTime {
  readonly id: number;
  readonly ttlMs: number;
  waits: number;
  endsAtMs: number;
  readonly ofWrite: boolean;
  readonly keys = new Set<ByteString>();
  /** Sum of the hashes of its keys. */
  keysHash = 0;
  keyBytes = 0;
  /** Its keys in order, once a read has asked for them; null: not asked, or the keys have changed since. */
  sorted: readonly ByteString[] | null = null;
  /** The last question to `areAll` about these keys, and its answer. */
  judged: { readonly isSuch: KeyTest; readonly are: boolean } | null = null;

  constructor({ id, ttlMs, waits, endsAtMs, ofWrite }: LeaseTime) {
    this.id = id;
    this.ttlMs = ttlMs;
    this.waits = waits;
    this.endsAtMs = endsAtMs;
    this.ofWrite = ofWrite;
  }
}

/** The clock: what it shows, and what moved it last. */
export interface ClockState {
  readonly ms: number;
  /** Of the last entry that moved it; null: none has. */
  readonly last: Pick<ClockEntry, "round" | "count"> | null;
}

/** The part of it that a snapshot has; the bound keys are told with the keys. */
export interface LeasesState {
  readonly clock: ClockState;
  /** The greatest id that was given without having been asked for. */
  readonly lastId: number;
  /** By id. */
  readonly leases: readonly LeaseTime[];
}

export const NO_LEASES: LeasesState = { clock: { ms: 0, last: null }, lastId: 0, leases: [] };

export type LeaseView = {
  readonly id: number;
  readonly ttlMs: number;
  /** Milliseconds of the cluster's clock until it ends if it is not renewed. */
  readonly remainingMs: number;
  /** Bound to it. */
  readonly keys: number;
};

export class Leases {
  readonly #leases = new Map<number, Lease>();
  #lastId: number;
  #ms: number;
  #last: ClockState["last"];
  #bound = 0;
  #hasDue = false;
  #hasWaiting = false;
  /** LEASES-5. Those of writes that the command at hand has taken the last key of, perhaps to bind another one. */
  #emptied: number[] = [];
  /** No lease whose time has begun ends before that; the lease that set it may have been renewed or revoked since. */
  #nextEndMs = Infinity;

  constructor({ clock, lastId, leases }: LeasesState = NO_LEASES) {
    this.#ms = clock.ms;
    this.#last = clock.last;
    this.#lastId = lastId;
    for (const lease of leases) {
      this.#leases.set(lease.id, new Lease(lease));
      this.#foresee(lease);
    }
  }

  get size(): number {
    return this.#leases.size;
  }

  get clockMs(): number {
    return this.#ms;
  }

  /** Something is due that was too much for the last entry. It is not kept in snapshots: the next `advance` finds it. */
  get hasDue(): boolean {
    return this.#hasDue;
  }

  /** Some lease's time has not begun yet. */
  get hasWaiting(): boolean {
    return this.#hasWaiting;
  }

  /** How far the clock may move before one of them is due, if none is renewed; Infinity: none that counts will be. */
  get nextEndInMs(): number {
    return this.#nextEndMs - this.#ms;
  }

  /** Keys that are bound to one of them. */
  get boundKeys(): number {
    return this.#bound;
  }

  /** What all of it is taken to cost. */
  get bytes(): number {
    return this.#leases.size * LEASE_BYTES + this.#bound * BOUND_KEY_BYTES;
  }

  has(id: number): boolean {
    return this.#leases.has(id);
  }

  /** Some lease is one of a write. Takes time by the number of leases. */
  get hasOfWrites(): boolean {
    return [...this.#leases.values()].some(({ ofWrite }) => ofWrite);
  }

  /** Keys that are bound to it. */
  keysOf(id: number): number {
    return this.#leases.get(id)?.keys.size ?? 0;
  }

  get isFull(): boolean {
    return this.#leases.size >= LEASES_MAX;
  }

  /**
   * A new lease; there must be room, and no other with its id.
   * @param id 0: whichever is free
   * @param ofWrite whether it ends with its last key
   * @returns its id
   */
  grant(id: number, ttlMs: number, ofWrite = false): number {
    assert(!this.isFull && !this.#leases.has(id), "leases are looked at before one is granted");
    const given = id === 0 ? this.#freeId() : id;
    const time = { ttlMs, waits: RENEWAL_STEPS, endsAtMs: 0 };
    this.#leases.set(given, new Lease({ id: given, ofWrite, ...time }));
    this.#hasWaiting = true;
    return given;
  }

  /** Its time begins anew (LEASES-2). @returns its time to live; 0: there is no such lease */
  renew(id: number): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.waits = RENEWAL_STEPS;
    this.#hasWaiting = true;
    return lease.ttlMs;
  }

  /** @returns whether this entry moves the clock: it is of the round that the log is in, and the next one of it */
  isNext({ round, count }: ClockEntry, current: RoundName | undefined): boolean {
    if (current === undefined || !isSame(round, current)) return false;
    return this.#last === null || !isSame(this.#last.round, round) || count > this.#last.count;
  }

  /**
   * The clock moves.
   * @returns the leases that are due, in order (LEASES-3): the caller is to end them
   */
  advance({ passedMs, round, count }: ClockEntry): readonly number[] {
    this.#ms += passedMs;
    this.#last = { round, count };
    const due: Lease[] = [];
    this.#hasWaiting = false;
    this.#nextEndMs = Infinity;
    for (const lease of this.#leases.values()) {
      if (lease.waits > 0) {
        lease.waits -= 1;
        if (lease.waits === 0) lease.endsAtMs = this.#ms + lease.ttlMs;
      } else if (lease.endsAtMs <= this.#ms) {
        due.push(lease);
        continue;
      }
      this.#foresee(lease);
    }
    this.#hasDue = false;
    if (due.length === 0) return [];
    due.sort((a, b) => a.endsAtMs - b.endsAtMs || a.id - b.id);
    const ended: number[] = [];
    let keys = 0;
    for (const lease of due) {
      keys += lease.keys.size;
      if (ended.length > 0 && (keys > ENDED_KEYS_MAX || ended.length === ENDED_MAX)) {
        this.#hasDue = true;
        break;
      }
      ended.push(lease.id);
    }
    return ended;
  }

  /** LEASES-1: the cell names it. There is such a lease, with room for one more. */
  bind(id: number, key: ByteString, keyHash: number): void {
    const lease = this.#lease(id);
    assert(lease.keys.size < LEASE_KEYS_MAX, "keys of a lease are counted before one is bound");
    lease.keys.add(key);
    lease.judged = null;
    lease.sorted = null;
    lease.keyBytes += key.length;
    lease.keysHash = (lease.keysHash + keyHash) | 0;
    this.#bound += 1;
  }

  /** LEASES-1: the cell named it. */
  unbind(id: number, key: ByteString, keyHash: number): void {
    const lease = this.#lease(id);
    lease.keys.delete(key);
    lease.judged = null;
    lease.sorted = null;
    lease.keyBytes -= key.length;
    lease.keysHash = (lease.keysHash - keyHash) | 0;
    this.#bound -= 1;
    if (lease.ofWrite && lease.keys.size === 0) this.#emptied.push(id);
  }

  /**
   * LEASES-5, when a command has made all its changes: a transaction may take the last key of a lease and bind another one to it. No key
   * changes, so that watches have nothing to tell.
   */
  endEmptied(): void {
    if (this.#emptied.length === 0) return;
    for (const id of this.#emptied) if (this.keysOf(id) === 0) this.#leases.delete(id);
    this.#emptied = [];
  }

  /**
   * In the order of bytes, which is the same on all nodes; the order in which keys were bound is not. A few bytes of a frame ask for
   * it for thousands of keys, page by page: so it is remembered until the keys change.
   */
  sortedKeys(id: number): readonly ByteString[] {
    const lease = this.#leases.get(id);
    if (lease === undefined) return [];
    lease.sorted ??= [...lease.keys].sort();
    return lease.sorted;
  }

  /** The work of sorting its keys, in keys looked at; 0: they are sorted. Long keys cost more: they may differ only at their ends. */
  sortWork(id: number): number {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.sorted !== null) return 0;
    return lease.keys.size + Math.floor(lease.keyBytes / COMPARED_BYTES_PER_CELL);
  }

  /**
   * Whether `isSuch` holds for all keys bound to the lease. A few bytes of a frame ask that of thousands of keys, and may ask it
   * again: so the last answer is remembered until the keys change.
   * @param isSuch gives the same answer for a key each time
   */
  areAll(id: number, isSuch: KeyTest): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return true;
    if (lease.judged?.isSuch !== isSuch) {
      const are = [...lease.keys].every((key) => isSuch({ key }));
      lease.judged = { isSuch, are };
    }
    return lease.judged.are;
  }

  /** In an order that differs between nodes. */
  someKeys(id: number, most: number): readonly ByteString[] {
    const some: ByteString[] = [];
    for (const key of this.#leases.get(id)?.keys ?? []) {
      if (some.length === most) break;
      some.push(key);
    }
    return some;
  }

  /** Without keys. */
  remove(id: number): void {
    assert(this.keysOf(id) === 0, "the keys of a lease go before it");
    this.#leases.delete(id);
  }

  view(id: number): LeaseView | null {
    const lease = this.#leases.get(id);
    if (lease === undefined) return null;
    const { ttlMs, waits, endsAtMs, keys } = lease;
    const remainingMs = waits > 0 ? ttlMs : Math.max(0, endsAtMs - this.#ms);
    return { id, ttlMs, remainingMs, keys: keys.size };
  }

  sortedIds(): readonly number[] {
    return [...this.#leases.keys()].sort((a, b) => a - b);
  }

  /** Of all of it. Takes time by the number of leases. */
  hash(): number {
    let sum = 0;
    for (const { id, ttlMs, waits, endsAtMs, ofWrite, keysHash } of this.#leases.values()) {
      const time = mixNumber(mixNumber(mixNumber(id, ttlMs), waits > 0 ? 0 : endsAtMs), waits);
      sum = (sum + mix32(ofWrite ? mix32(time, OF_WRITE_MARK) : time, keysHash)) | 0;
    }
    return mixNumber(sum, this.#ms);
  }

  /** As it is now, but for the keys. Takes time by the number of leases. */
  clone(): LeasesState {
    const leases = this.sortedIds().map((id) => {
      const { ttlMs, waits, endsAtMs, ofWrite } = this.#lease(id);
      // The end from before it was renewed does not count any more.
      return { id, ttlMs, waits, endsAtMs: waits > 0 ? 0 : endsAtMs, ofWrite };
    });
    return { clock: { ms: this.#ms, last: this.#last }, lastId: this.#lastId, leases };
  }

  #foresee({ waits, endsAtMs }: Pick<LeaseTime, "waits" | "endsAtMs">): void {
    if (waits > 0) this.#hasWaiting = true;
    else this.#nextEndMs = Math.min(this.#nextEndMs, endsAtMs);
  }

  #freeId(): number {
    do this.#lastId += 1;
    while (this.#leases.has(this.#lastId));
    return this.#lastId;
  }

  #lease(id: number): Lease {
    const lease = this.#leases.get(id);
    assert(lease !== undefined, `there is a lease ${id}`);
    return lease;
  }
}

function isSame(a: RoundName, b: RoundName): boolean {
  return a.n === b.n && a.pid === b.pid && a.salt === b.salt;
}
