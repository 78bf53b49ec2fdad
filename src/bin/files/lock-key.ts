/** Keys that locks and elections are made of: `omnikv export` leaves them out, and `omnikv import` takes none. */
import { ELECTIONS_PREFIX, LOCKS_PREFIX, lockKeyIn } from "../../client/locks/index.ts";

/** Whether it is the key of a holder or of a waiter. */
export function isOfLock(key: Uint8Array): boolean {
  const text = Buffer.from(key).toString("utf8");
  return [LOCKS_PREFIX, ELECTIONS_PREFIX].some((prefix) => lockKeyIn(prefix, text) !== null);
}
