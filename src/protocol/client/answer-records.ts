/**
 * A node's answers to requests, record by record: the layout is in `client.ts`. For the most frequent ones, `session`, `ok`, `value`
 * and `missing`, reader and writer handle the few fields by hand, and allocate nothing but what the caller keeps.
 */
import { type AnyBytes, SESSION_NONCE_BYTES } from "../../base/index.ts";
import {
  NO_ORIGIN,
  type HistoryPage,
  type LeasesPage,
  type LeaseView,
  type RangePage,
  type Run,
  type Status,
} from "../../store/commands/index.ts";
import { BOOLEAN, flags, type Layout, listOf, record } from "../codec/index.ts";
import { CODE, MAYBE_TOLD, TEXT, TOLD } from "./client-fields.ts";
import { type PageItem, readPageItems } from "./page-items.ts";

/** Their codes: part of the format, never given a second meaning. */
export const RECORD = {
  session: 1,
  ok: 2,
  other: 3,
  opened: 4,
  refused: 5,
  value: 6,
  missing: 7,
  unread: 8,
  origin: 9,
  page: 10,
  versions: 11,
  compacted: 12,
  txn: 13,
  leases: 16,
} as const;

/** A page of a range: see RangePage. Byte strings are views of the frame. */
export interface PageAnswer {
  readonly revision: number;
  readonly count: number;
  readonly resume: Uint8Array | null;
  readonly items: Iterable<PageItem>;
}

/** Versions of a key, newest first: see HistoryPage. Byte strings are views of the frame. */
export interface VersionsAnswer {
  /** The revision to go on with. Null: nothing older is kept. */
  readonly resume: number | null;
  readonly items: readonly {
    /** Null: the key was deleted; its create revision and version are 0 then. */
    readonly value: Uint8Array | null;
    readonly createRevision: number;
    readonly modRevision: number;
    readonly version: number;
  }[];
}

/** A lease with some of its keys, or leases: see LeasesPage. Byte strings are views of the frame. */
export interface LeasesAnswer {
  readonly leases: readonly LeaseView[];
  readonly keys: readonly Uint8Array[];
  readonly more: boolean;
}

/** The outcome of a command that was not simply done. */
export interface Other<Bytes> {
  readonly sequence: number;
  readonly status: Status;
  readonly revision: number;
  readonly actual: Bytes | undefined;
}

/** By hand: every compare that fails is one. */
export const OTHER: Layout<Other<Uint8Array>, Other<AnyBytes>> = {
  write: (out, { sequence, status, revision, actual }) => {
    out.varint(sequence);
    out.u8(status);
    out.varint(revision);
    MAYBE_TOLD.write(out, actual);
  },
  read: (from) => ({
    sequence: from.varint(),
    status: from.u8(),
    revision: from.varint(),
    actual: MAYBE_TOLD.read(from),
  }),
};

const NONCE: Layout<Uint8Array> = {
  write: (out, nonce) => out.bytes(nonce),
  read: (from) => from.bytes(SESSION_NONCE_BYTES),
};

export const OPENED = record((f) => ({
  sequence: f.varint(),
  nonce: f.take(NONCE),
  session: f.varint(),
}));

const RUN: Layout<Run> = record((f) => ({ first: f.varint(), count: f.varint() }));
const RUNS = listOf(RUN);

export const REFUSED = record((f) => ({
  code: f.take(CODE),
  text: f.take(TEXT),
  runs: f.take(RUNS),
}));

export const UNREAD = record((f) => ({
  code: f.take(CODE),
  text: f.take(TEXT),
  request: f.varint(),
}));

export const COMPACTED = record((f) => ({ request: f.varint(), oldest: f.varint() }));

export const ORIGIN: Layout<number> = {
  write: (out, origin) => out.varint(origin),
  read: (from) => {
    const origin = from.varint();
    if (origin === NO_ORIGIN) from.fail("an origin");
    return origin;
  },
};

/** Results are null when they are not told. */
interface TxnAnswer<Bytes> {
  readonly sequence: number;
  readonly succeeded: boolean;
  readonly revision: number;
  readonly results: Bytes | null;
}

const TXN_FLAGS = flags({ succeeded: 1, told: 2 }, "a transaction");

export const TXN: Layout<TxnAnswer<Uint8Array>, TxnAnswer<AnyBytes>> = {
  write: (out, { sequence, succeeded, revision, results }) => {
    out.varint(sequence);
    TXN_FLAGS.write(out, { succeeded, told: results !== null });
    out.varint(revision);
    if (results !== null) TOLD.write(out, results);
  },
  read: (from) => {
    const sequence = from.varint();
    const { succeeded, told } = TXN_FLAGS.read(from);
    return { sequence, succeeded, revision: from.varint(), results: told ? TOLD.read(from) : null };
  },
};

/** An answer to the read with this number. */
interface Numbered<T> {
  readonly request: number;
  readonly answer: T;
}

function numbered<T, W>(layout: Layout<T, W>): Layout<Numbered<T>, Numbered<W>> {
  return record<Numbered<T>, Numbered<W>>((f) => ({
    request: f.varint(),
    answer: f.take(layout),
  }));
}

const PAGE_FLAGS = flags({ hasMore: 1, keysOnly: 2 }, "a page");

export const PAGE = numbered<PageAnswer, RangePage & { readonly keysOnly: boolean }>({
  write: (out, { resume, keys, revision, count, keysOnly }) => {
    PAGE_FLAGS.write(out, { hasMore: resume !== null, keysOnly });
    out.varint(revision);
    out.varint(count);
    if (resume !== null) TOLD.write(out, resume);
    out.varint(keys.length);
    for (const { key, value, createRevision, modRevision, version } of keys) {
      out.sizedByteString(key);
      if (!keysOnly) out.sizedByteString(value);
      out.varint(createRevision);
      out.varint(modRevision);
      out.varint(version);
    }
  },
  read: (from) => {
    const { hasMore, keysOnly } = PAGE_FLAGS.read(from);
    const revision = from.varint();
    const count = from.varint();
    const resume = hasMore ? TOLD.read(from) : null;
    return { revision, count, resume, items: readPageItems(from, from.varint(), !keysOnly) };
  },
});

/** Of a deletion neither value nor create revision. */
const VERSION: Layout<VersionsAnswer["items"][number], HistoryPage["versions"][number]> = {
  write: (out, { value, createRevision, modRevision, version }) => {
    out.varint(version);
    out.varint(modRevision);
    if (version === 0) return;
    out.varint(createRevision);
    TOLD.write(out, value);
  },
  read: (from) => {
    const version = from.varint();
    const modRevision = from.varint();
    if (version === 0) return { value: null, createRevision: 0, modRevision, version };
    const createRevision = from.varint();
    return { value: TOLD.read(from), createRevision, modRevision, version };
  },
};
const ITEMS = listOf(VERSION);

export const VERSIONS = numbered<VersionsAnswer, HistoryPage>({
  write: (out, { versions, resume }) => {
    out.varint(resume === null ? 0 : 1 + resume);
    ITEMS.write(out, versions);
  },
  read: (from) => {
    const next = from.varint();
    return { resume: next === 0 ? null : next - 1, items: ITEMS.read(from) };
  },
});

const LEASE: Layout<LeaseView> = record((f) => ({
  id: f.varint(),
  ttlMs: f.varint(),
  remainingMs: f.varint(),
  keys: f.varint(),
}));
const LEASE_LIST = listOf(LEASE);
const LEASE_KEYS = listOf(TOLD);

export const LEASES = numbered(
  record<LeasesAnswer, LeasesPage>((f) => ({
    more: f.take(BOOLEAN),
    leases: f.take(LEASE_LIST),
    keys: f.take(LEASE_KEYS),
  })),
);
