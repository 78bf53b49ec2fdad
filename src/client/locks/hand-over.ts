/**
 * How a holder gives a lock back. Pure. When it knows who is the first of those who wait, it hands the lock over: its key goes, and that of
 * the next one comes, in one revision. So a hand-over costs one write, and the next holder is told by its watch.
 *
 * Invariants:
 *   GIVEBACK-1. What is handed over was held until then: the transaction checks that the holder's key is there as it was made, and only
 *       exclusive holders hand over, so that nobody else holds the lock at that revision (LOCKREQUEST-1).
 *   GIVEBACK-2. It goes to nobody who has given up: the transaction checks that the next one's waiting key is there, bound to the lease which its
 *       held key is bound to from now on.
 *   GIVEBACK-3. Nobody is passed over: the next one was the first in a state since the holder began to wait or to hold, and those before
 *       it only ever become fewer. When there is none that is known, or it has gone, the lock is free, and whoever is the first takes it.
 */
import { heldPrefix, isExclusiveIn, leaseInId, waitPrefix } from "./lock-keys.ts";
import type { TxnOperation, TxnRequest } from "../txn/index.ts";

/** Somebody who waits for a lock, as its key says. */
export interface Waiting {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
}

/**
 * What gives a lock back that is held with this key and token.
 * @param next the first of those who wait; null: not known
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

/** Null: it takes the lock itself, as shared requests do, which take it together. */
function heirOf(place: string, { key }: Waiting): { key: string; lease: number } | null {
  const waiting = waitPrefix(place, "exclusive");
  if (!key.startsWith(waiting)) return null;
  const id = key.slice(waiting.length);
  const lease = leaseInId(id);
  return lease === null ? null : { key: `${heldPrefix(place, "exclusive")}${id}`, lease };
}
