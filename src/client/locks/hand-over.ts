/**
 * How a holder gives a lock back. Pure. When it knows the first waiter, it hands the lock over: in one revision its own key goes, and the
 * key of the next holder comes. So a hand-over costs one write, and the next holder is told by its watch.
 *
 * Invariants:
 *   GIVEBACK-1. The holder held the lock until it handed it over: the transaction checks that the holder's key is there as it was made.
 *       Only exclusive holders hand over, so that no other request holds the lock at that revision (LOCKREQUEST-1).
 *   GIVEBACK-2. No request that has given up gets the lock: the transaction checks that the next one's waiting key is there, bound to the
 *       lease to which its held key will be bound.
 *   GIVEBACK-3. No waiter is passed over: the next one was the first in a state since the holder began to wait or to hold, and the waiters
 *       before it only ever become fewer. When the holder knows no next one, or it has gone, the lock is free, and the first waiter takes
 *       it.
 */
import { heldPrefix, isExclusiveIn, leaseInId, waitPrefix } from "./lock-keys.ts";
import type { TxnOperation, TxnRequest } from "../txn/index.ts";

/** A request that waits for a lock, as its key says. */
export interface Waiting {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
}

/**
 * The transaction that gives back a lock which is held with this key and token.
 * @param next the first waiter; null: not known
 */
export function giveBack(
  place: string,
  { key, token }: { readonly key: string; readonly token: number },
  next: Waiting | null,
): TxnRequest {
  const free: TxnOperation = { op: "delete", key };
  const heir = next === null || !isExclusiveIn(place, key) ? null : heirOf(place, next);
  // oxlint-disable-next-line no-thenable -- a list, which nobody can call
  if (next === null || heir === null) return { then: [free] };
  return {
    compare: [
      { key, createRevision: token },
      { key: next.key, createRevision: next.createRevision },
      { key: next.key, lease: heir.lease },
    ],
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    then: [
      free,
      { op: "delete", key: next.key },
      { op: "put", key: heir.key, value: next.value, lease: heir.lease },
    ],
    else: [free],
  };
}

/** Null: the waiter takes the lock itself, as shared requests do, which take it together. */
function heirOf(place: string, { key }: Waiting): { key: string; lease: number } | null {
  const waiting = waitPrefix(place, "exclusive");
  if (!key.startsWith(waiting)) return null;
  const id = key.slice(waiting.length);
  const lease = leaseInId(id);
  return lease === null ? null : { key: `${heldPrefix(place, "exclusive")}${id}`, lease };
}
