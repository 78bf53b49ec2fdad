/** The kinds of reads, and how a client asks for them: the layout is in `client.ts`. */
import {
  type ByteReader,
  type ByteString,
  KEYS_READ_BYTES_MAX,
  KEYS_READ_MAX,
} from "../../base/index.ts";
import {
  RANGE_ORDERS,
  type HistoryRequest,
  type KeyRequest,
  type KeysRequest,
  type LeaseRequest,
  type LeasesRequest,
  type RangeOrder,
  type RangeRequest,
  type RangeSelection,
} from "../../store/commands/index.ts";
import { BOOLEAN, flags, type Layout, listOf, record } from "../codec/index.ts";
import { BOUND, KEY, LIMIT, REVISION, skipKey } from "./client-fields.ts";

/** What a read asks for: a key, a range, many keys of one state, or the versions of a key. */
export type Wanted =
  | ByteString
  | KeyRequest
  | RangeRequest
  | KeysRequest
  | HistoryRequest
  | LeaseRequest
  | LeasesRequest;

/** A range as the client writes it: see RangeRequest. */
export interface RangeBytes extends Omit<RangeRequest, "start" | "end"> {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

export interface ReadKind<W> {
  /** Part of the format: never given a second meaning. */
  readonly code: number;
  readonly layout: Layout<Wanted, W>;
  /** Checks it and makes nothing of it, where that is much less work than to read it. */
  readonly skip?: (from: ByteReader) => void;
}

type AtRevision<T> = T & { readonly revision: number };
type KeysBytes = { readonly keys: readonly Uint8Array[] };

const KEY_LIST = listOf(KEY, 1, KEYS_READ_MAX, `1 to ${KEYS_READ_MAX} keys`);

const RANGE_FLAGS = flags({ reverse: 1, keysOnly: 2, countOnly: 4, hasEnd: 8 }, "a range");

const ORDER: Layout<RangeOrder> = {
  write: (out, order) => out.u8(RANGE_ORDERS.indexOf(order)),
  read: (from) => {
    const order = RANGE_ORDERS[from.u8()];
    if (order === undefined) from.fail("a known order");
    return order ?? "key";
  },
};

const SELECTION = record<RangeSelection>((f) => ({
  order: f.take(ORDER),
  createMin: f.varint(),
  createMax: f.varint(),
  modMin: f.varint(),
  modMax: f.varint(),
}));

/** By hand, as some of it depends on the flags in front. */
function rangeLayout(isSelection: boolean): Layout<RangeRequest, RangeBytes> {
  return {
    write: (out, range) => {
      const { reverse, keysOnly, countOnly, revision, limit, start, end, select } = range;
      RANGE_FLAGS.write(out, { reverse, keysOnly, countOnly, hasEnd: end !== null });
      if (isSelection && select !== undefined) SELECTION.write(out, select);
      out.varint(revision);
      LIMIT.write(out, limit);
      BOUND.write(out, start);
      if (end !== null) BOUND.write(out, end);
    },
    read: (from) => {
      const { hasEnd, ...wanted } = RANGE_FLAGS.read(from);
      const select = isSelection ? SELECTION.read(from) : undefined;
      if (wanted.countOnly && select !== undefined && select.order !== "key") {
        from.fail("no order of what is only counted");
      }
      const revision = from.varint();
      const limit = LIMIT.read(from);
      const start = BOUND.read(from);
      const end = hasEnd ? BOUND.read(from) : null;
      const range = { ...wanted, revision, limit, start, end };
      return select === undefined ? range : { ...range, select };
    },
  };
}

const RANGE = rangeLayout(false);

export const READ = {
  key: { code: 1, layout: KEY, skip: skipKey } satisfies ReadKind<Uint8Array>,
  range: { code: 2, layout: RANGE } satisfies ReadKind<RangeBytes>,
  keys: {
    code: 3,
    layout: record<KeysRequest, KeysBytes>((f) => ({ keys: f.take(KEY_LIST), revision: 0 })),
    skip: skipKeys,
  },
  keyAt: {
    code: 4,
    layout: record<KeyRequest, AtRevision<{ readonly key: Uint8Array }>>((f) => ({
      revision: f.take(REVISION),
      key: f.take(KEY),
    })),
  },
  keysAt: {
    code: 5,
    layout: record<KeysRequest, AtRevision<KeysBytes>>((f) => ({
      revision: f.take(REVISION),
      keys: f.take(KEY_LIST),
    })),
    skip: (from: ByteReader): void => {
      REVISION.read(from);
      skipKeys(from);
    },
  },
  rangeAt: { code: 6, layout: RANGE } satisfies ReadKind<RangeBytes>,
  history: {
    code: 7,
    layout: record<HistoryRequest, AtRevision<{ history: Uint8Array; limit: number }>>((f) => ({
      revision: f.varint(),
      limit: f.take(LIMIT),
      history: f.take(KEY),
    })),
  },
  selection: { code: 8, layout: rangeLayout(true) } satisfies ReadKind<RangeBytes>,
  lease: {
    code: 16,
    layout: record<LeaseRequest, { lease: number; withKeys: boolean; start: Uint8Array }>((f) => ({
      lease: f.varint(),
      withKeys: f.take(BOOLEAN),
      start: f.take(BOUND),
      revision: 0,
    })),
  },
  leases: {
    code: 17,
    layout: record<LeasesRequest, { leasesAfter: number }>((f) => ({
      leasesAfter: f.varint(),
      revision: 0,
    })),
  },
} as const;

/** Whether a client that asks so understands that a revision is compacted or yet to come; older programs know no such answer. */
export function knowsRevisions(code: number): boolean {
  return code >= READ.keyAt.code;
}

const BY_CODE: readonly (ReadKind<never> | undefined)[] = Object.values(READ).reduce<
  (ReadKind<never> | undefined)[]
>((all, kind) => {
  all[kind.code] = kind;
  return all;
}, []);

export function readWanted(from: ByteReader, code: number): Wanted {
  const kind = BY_CODE[code];
  if (kind !== undefined) return kind.layout.read(from);
  from.fail("a known kind of read");
  return { keys: [], revision: 0 };
}

/** The same, without what is read. */
export function skipWanted(from: ByteReader, code: number): void {
  const skip = BY_CODE[code]?.skip;
  if (skip === undefined) readWanted(from, code);
  else skip(from);
}

function skipKeys(from: ByteReader): void {
  const count = from.varint();
  if (count < 1 || count > KEYS_READ_MAX) from.fail(`1 to ${KEYS_READ_MAX} keys`);
  const start = from.offset;
  for (let i = 0; i < count && !from.failed; i++) skipKey(from);
  if (from.offset - start > KEYS_READ_BYTES_MAX + 2 * count) {
    from.fail(`at most ${KEYS_READ_BYTES_MAX} bytes of keys`);
  }
}
