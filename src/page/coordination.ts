/** Leases, locks and elections as the page shows them: those that end soonest, and no more than a user can look at. */
import type { KvClient } from "../client/index.ts";
import {
  ELECTIONS_PREFIX,
  leaseInId,
  lockKeyIn,
  type LockMode,
  LOCKS_PREFIX,
} from "../client/locks/index.ts";
import type { LeaseInfo } from "../client/leases/index.ts";
import { hexOf, textOf } from "./key-level.ts";

/** Those that end soonest are shown, with their keys. */
export const LEASES_SHOWN = 20;
/** So many keys of a lease are shown. */
export const BOUND_SHOWN = 10;
/** The page reads so many keys of holders and waiters, of locks and of elections each. */
const LOCK_KEYS_MAX = 2000;
/** Locks and elections. */
const LOCKS_SHOWN = 50;
/** So many characters of a name, an owner or a key are shown. */
const SHOWN_CHARS = 120;

export interface ShownLease {
  readonly id: number;
  readonly ttlMs: number;
  /** On the page's clock. */
  readonly endsMs: number;
  readonly keys: readonly string[];
  /** Bound keys that are not shown. */
  readonly moreKeys: number;
}

export interface ShownClaim {
  /** The text by which a holder or a waiter describes itself. */
  readonly owner: string;
  readonly mode: LockMode;
  /** The token of a holder; of a waiter, the revision since which it waits. */
  readonly revision: number;
  /** On the page's clock; null: its lease is gone already, or not listed. */
  readonly endsMs: number | null;
}

export interface ShownLock {
  readonly kind: "lock" | "election";
  readonly name: string;
  readonly held: readonly ShownClaim[];
  /** In the order in which the requests came. */
  readonly waiting: readonly ShownClaim[];
}

export interface ShownCoordination {
  /** All of them. */
  readonly leaseCount: number;
  /** Those of no lock and no election. */
  readonly plainCount: number;
  /** Leases that belong to no lock and no election: the others stand with theirs. */
  readonly leases: readonly ShownLease[];
  readonly locks: readonly ShownLock[];
  /** There are more locks, or more waiters, than the page read. */
  readonly moreLocks: boolean;
}

export interface CoordinationOptions {
  readonly node?: number;
}

/** @param now the page's clock */
export async function readCoordination(
  client: Pick<KvClient, "leases" | "range">,
  options: CoordinationOptions,
  now: () => number,
): Promise<ShownCoordination> {
  const all = await client.leases.list(options);
  const atMs = now();
  const ends = new Map(all.map(({ id, remaining }) => [id, atMs + remaining]));
  const [locks, elections] = [
    await readLocks(client, "lock", options, ends),
    await readLocks(client, "election", options, ends),
  ];
  const claimed = new Set([...locks.ids, ...elections.ids]);
  const plain = all.filter(({ id }) => !claimed.has(id));
  const soonest = plain.toSorted((a, b) => a.remaining - b.remaining).slice(0, LEASES_SHOWN);
  const leases = await Promise.all(
    soonest.map((lease) => withKeys(client, lease, options, ends.get(lease.id) ?? atMs)),
  );
  const shown = [...locks.locks, ...elections.locks];
  return {
    leaseCount: all.length,
    plainCount: plain.length,
    leases: leases.filter((lease) => lease !== null),
    locks: shown.slice(0, LOCKS_SHOWN),
    moreLocks: locks.more || elections.more || shown.length > LOCKS_SHOWN,
  };
}

/** Null: it has ended meanwhile. */
async function withKeys(
  { leases }: Pick<KvClient, "leases">,
  { id, ttl }: LeaseInfo,
  options: CoordinationOptions,
  endsMs: number,
): Promise<ShownLease | null> {
  const found = await leases.timeToLive(id, options);
  if (found === null) return null;
  const { keys } = found;
  const moreKeys = Math.max(0, keys.length - BOUND_SHOWN);
  return { id, ttlMs: ttl, endsMs, keys: keys.slice(0, BOUND_SHOWN).map(shown), moreKeys };
}

async function readLocks(
  client: Pick<KvClient, "range">,
  kind: ShownLock["kind"],
  options: CoordinationOptions,
  ends: ReadonlyMap<number, number>,
): Promise<{
  readonly locks: readonly ShownLock[];
  readonly ids: readonly number[];
  readonly more: boolean;
}> {
  const prefix = kind === "lock" ? LOCKS_PREFIX : ELECTIONS_PREFIX;
  const locks = new Map<string, { held: ShownClaim[]; waiting: ShownClaim[] }>();
  const ids: number[] = [];
  let looked = 0;
  const asked = { ...options, limit: LOCK_KEYS_MAX };
  for await (const { key, value, createRevision } of client.range({ prefix }, asked)) {
    looked += 1;
    const at = lockKeyIn(prefix, textOf(key) ?? "");
    if (at === null) continue;
    const { name, mode, isHeld } = at;
    // The ids of earlier clients are the lease's number and nothing else.
    const id = leaseInId(at.id) ?? Number(at.id);
    ids.push(id);
    let lock = locks.get(name);
    if (lock === undefined) locks.set(name, (lock = { held: [], waiting: [] }));
    const endsMs = ends.get(id) ?? null;
    const claim = { owner: shown(value), mode, revision: createRevision, endsMs };
    (isHeld ? lock.held : lock.waiting).push(claim);
  }
  return {
    locks: Array.from(locks, ([name, { held, waiting }]) => ({
      kind,
      name: clipped(name),
      held,
      // Exclusive and shared ones lie apart, and within each they lie by the numbers of their leases.
      waiting: waiting.toSorted((a, b) => a.revision - b.revision),
    })),
    ids,
    more: looked === LOCK_KEYS_MAX,
  };
}

function shown(bytes: Uint8Array): string {
  return clipped(textOf(bytes) ?? `0x${hexOf(bytes.subarray(0, SHOWN_CHARS))}`);
}

function clipped(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
