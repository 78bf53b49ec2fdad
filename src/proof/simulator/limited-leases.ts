/**
 * The requests about leases of a client whose user may not do everything: few ids, which all such clients share, so that each binds
 * keys that others may not write, and revokes leases to which others have bound keys.
 */
import { LEASE_TTL_MIN_MS } from "../../base/index.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import { encodeNumbers, encodeTxn, type ByteString, type TxnOp } from "../../store/index.ts";
import { LEASE_TTL_MAX } from "./lease-holder.ts";
import type { Question } from "./question.ts";

/** Far above those that are given to who asks for none. */
const IDS = [1001, 1002] as const;
const NOTHING = new Uint8Array(0);

/** @param key that it binds, if it binds one */
export function askOfLeases(random: SeededRandom, key: ByteString, value: ByteString): Question {
  const lease = random.pick(IDS);
  const dice = random.below(100);
  if (dice < 30) {
    const ttl = random.between(LEASE_TTL_MIN_MS, LEASE_TTL_MAX);
    return asks("grant", { kind: "leaseGrant", ttl, lease });
  }
  if (dice < 40) return asks("renew", { kind: "leaseKeepAlive", numbers: encodeNumbers(IDS) });
  if (dice < 70) {
    const bind: TxnOp = { op: "put", key, value, previous: false, lease };
    const txn = encodeTxn({ compare: [], success: [bind], failure: [] });
    return { ...asks("bind", { kind: "leasedTxn", txn }), writes: [{ key }] };
  }
  if (dice < 85) return { ...asks("revoke", { kind: "leaseRevoke", lease }), needs: "unknown" };
  const local = random.chance(0.5);
  return { ...asks("look", { kind: "lease", lease, start: NOTHING, local }), needs: "unknown" };
}

function asks(what: string, operation: Question["operation"]): Question {
  return { what: `lease: ${what}`, operation, reads: [], writes: [] };
}
