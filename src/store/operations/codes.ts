/**
 * The table by code, for look-ups that every command makes. Plain arrays of 256, so that the caller may ask for any byte;
 * a code that no operation has has no fields and is not known.
 */
import { bitsOf, FIELDS } from "./fields.ts";
import type { Apply, EntryRules, Operation } from "./operation.ts";
import { OP_NAMES, OPERATIONS, type OpName } from "./table.ts";

/** Codes by name. */
export const OP = Object.fromEntries(
  OP_NAMES.map((name) => [name, OPERATIONS[name].code]),
) as unknown as { readonly [N in OpName]: (typeof OPERATIONS)[N]["code"] };

/** Operations whose `kind` is this one. */
type OfKind<K extends Operation["kind"]> = {
  [N in OpName]: (typeof OPERATIONS)[N]["kind"] extends K ? N : never;
}[OpName];
export type KeyOpName = OfKind<"key">;
export type ControlOpName = OfKind<"control">;
/** Codes of operations that kv-state carries out itself. */
export type ControlOp = (typeof OP)[ControlOpName];

const CODES = 256;
const byCode: (Operation | undefined)[] = Array.from({ length: CODES }, () => undefined);
/** Bits of FIELDS; 0 also for a code that no operation has. */
export const FIELD_BITS = new Uint32Array(CODES);
/** EntryRules; 0 for a code that no operation has. */
export const SINCE = new Uint8Array(CODES);
/** EntryRules of the entries in which it is proposed now; 0 likewise. */
export const PROPOSED_BY = new Uint8Array(CODES);
/** Bits of PLACE; 0: it stands in either place, and clients may send it. */
export const PLACES = new Uint8Array(CODES);
export const PLACE = { needsSession: 1, forbidsSession: 2, nodesOnly: 4 } as const;
/** What carries it out; undefined for operations that kv-state carries out itself. */
export const APPLY: (Apply | undefined)[] = Array.from({ length: CODES }, () => undefined);

for (const name of OP_NAMES) {
  const operation: Operation = OPERATIONS[name];
  const { code, fields, since, proposedBy } = operation;
  byCode[code] = operation;
  FIELD_BITS[code] = bitsOf(fields);
  SINCE[code] = since;
  PROPOSED_BY[code] = proposedBy ?? since;
  if (operation.kind === "key") APPLY[code] = operation.apply;
  PLACES[code] = placeOf(operation);
}

function placeOf(operation: Operation): number {
  if (operation.kind !== "control") return PLACE.needsSession;
  const { session, by } = operation;
  const place = { needed: PLACE.needsSession, forbidden: PLACE.forbidsSession, either: 0 }[session];
  return place | (by === "client" ? 0 : PLACE.nodesOnly);
}

export function operationOf(code: number): Operation | undefined {
  return byCode[code];
}

/** The newest rules that this program knows. */
export const NEWEST_RULES: EntryRules = 10;

export const KEY_BIT = FIELDS.key.bit;
export const EXPECTED_BIT = FIELDS.expected.bit;
export const REVISION_BIT = FIELDS.revision.bit;
export const VALUE_BIT = FIELDS.value.bit;
export const NONCE_BIT = FIELDS.nonce.bit;
export const QUOTA_BIT = FIELDS.quotaBytes.bit;
export const HISTORY_REVISIONS_BIT = FIELDS.historyRevisions.bit;
export const HISTORY_BYTES_BIT = FIELDS.historyBytes.bit;
export const COMPACT_BIT = FIELDS.compactRevision.bit;
export const TXN_BIT = FIELDS.txn.bit;
export const BODY_BIT = FIELDS.body.bit;
export const TTL_BIT = FIELDS.ttl.bit;
export const LEASE_BIT = FIELDS.lease.bit;
export const NUMBERS_BIT = FIELDS.numbers.bit;
