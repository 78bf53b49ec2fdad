/**
 * The fields that a command may have. In a record they stand in the order of this table, which is that of their bits. So an
 * operation names its fields as a set, and code that walks through the bytes of a record asks for one bit after the other.
 */
import {
  ACCESS_BODY_BYTES_MAX,
  HISTORY_REVISIONS_MAX,
  KEY_BYTES_MAX,
  LEASE_TTL_MAX_MS,
  LEASE_TTL_MIN_MS,
  NUMBERS_BYTES_MAX,
  QUOTA_BYTES_MIN,
  SESSION_NONCE_BYTES,
  TXN_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";

/** Bytes, with their length in front of them as a varint. */
export interface SizedField {
  readonly form: "sized";
  readonly bit: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** The error for a client that hands over more. */
  readonly tooLong: "KEY_TOO_LARGE" | "VALUE_TOO_LARGE" | "BAD_REQUEST";
  readonly noun: "key" | "value" | "transaction" | "body" | "list of numbers";
}

/** Always the same number of bytes. */
interface FixedField {
  readonly form: "fixed";
  readonly bit: number;
  readonly bytes: number;
  readonly noun: string;
}

/** A varint: an integer of at most 53 bits. */
export interface NumberField {
  readonly form: "number";
  readonly bit: number;
  readonly min: number;
  /** Default: the largest integer. */
  readonly max?: number;
  readonly noun: string;
}

export type Field = SizedField | FixedField | NumberField;

const VALUE = {
  form: "sized",
  minBytes: 0,
  maxBytes: VALUE_BYTES_MAX,
  tooLong: "VALUE_TOO_LARGE",
  noun: "value",
} as const;

export const FIELDS = {
  key: {
    form: "sized",
    bit: 1,
    minBytes: 1,
    maxBytes: KEY_BYTES_MAX,
    tooLong: "KEY_TOO_LARGE",
    noun: "key",
  },
  /** The value that the key must have. */
  expected: { ...VALUE, bit: 2 },
  /** The revision at which the key must have been changed last. */
  revision: { form: "number", bit: 4, min: 1, noun: "revision" },
  value: { ...VALUE, bit: 8 },
  /** Random bytes of a client that opens a session, the same for each attempt to open it. */
  nonce: { form: "fixed", bit: 16, bytes: SESSION_NONCE_BYTES, noun: "nonce" },
  quotaBytes: { form: "number", bit: 32, min: QUOTA_BYTES_MIN, noun: "quota" },
  /** 0: the default. */
  historyRevisions: {
    form: "number",
    bit: 64,
    min: 0,
    max: HISTORY_REVISIONS_MAX,
    noun: "number of revisions",
  },
  /** 0: the default. */
  historyBytes: { form: "number", bit: 128, min: 0, noun: "size of the history" },
  /** The oldest revision that is to be readable. */
  compactRevision: { form: "number", bit: 256, min: 1, noun: "revision" },
  /** The body of a transaction, of a form of its own: store/txn/txn-format.ts. */
  txn: {
    form: "sized",
    bit: 512,
    minBytes: 3,
    maxBytes: TXN_BYTES_MAX,
    tooLong: "BAD_REQUEST",
    noun: "transaction",
  },
  /** Milliseconds for which a lease lives when nobody renews it. */
  ttl: {
    form: "number",
    bit: 1024,
    min: LEASE_TTL_MIN_MS,
    max: LEASE_TTL_MAX_MS,
    noun: "ttl (milliseconds)",
  },
  /** The id of a lease. 0, for a new one: whichever is free. */
  lease: { form: "number", bit: 2048, min: 0, noun: "id of a lease" },
  /** Varints, one after the other: store/entries/numbers.ts. */
  numbers: {
    form: "sized",
    bit: 4096,
    minBytes: 1,
    maxBytes: NUMBERS_BYTES_MAX,
    tooLong: "BAD_REQUEST",
    noun: "list of numbers",
  },
  /** Of a form of its own: a change of users and roles (store/access/access-change.ts), or an actor (store/access/actor.ts). */
  body: {
    form: "sized",
    bit: 1 << 14,
    minBytes: 1,
    maxBytes: ACCESS_BODY_BYTES_MAX,
    tooLong: "BAD_REQUEST",
    noun: "body",
  },
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;

/** What is handed over for a field. */
export type FieldContent<F extends FieldName> = (typeof FIELDS)[F] extends NumberField
  ? number
  : Uint8Array;

export function bitsOf(names: readonly FieldName[]): number {
  return names.reduce((bits, name) => bits | FIELDS[name].bit, 0);
}
