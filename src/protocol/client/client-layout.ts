/** Numbers of the client protocol; `client.ts` shows the layout. Never reuse one. */
export const FRAME = { writes: 1, reads: 2, answers: 3 } as const;
export const READ_FLAG_LOCAL = 1;
/** The answers are to say of which origin the state is that they are from. Only nodes that tell theirs know it. */
export const READ_FLAG_ORIGIN = 2;
/** A local read that waits for a revision, which stands behind the index; who asks so understands REVISION_AHEAD. */
export const READ_FLAG_AT_LEAST = 4;
/** As READ_FLAG_ORIGIN, for a request to open a session: its number, which means nothing else. */
export const OPEN_WITH_ORIGIN = 1;
/** What is read. */
export const READ_KIND_KEY = 1;
export const READ_KIND_RANGE = 2;
export const READ_KIND_KEYS = 3;
/** As the three before, of the state at a revision. Who asks so understands RECORD.compacted. */
export const READ_KIND_KEY_AT = 4;
export const READ_KIND_KEYS_AT = 5;
export const READ_KIND_RANGE_AT = 6;
/** The versions of a key. */
export const READ_KIND_HISTORY = 7;
/** A range with bounds on revisions, or in an order of its own. */
export const READ_KIND_SELECTION = 8;
/** A lease, and its keys; or leases. Who asks so understands RECORD.leases. */
export const READ_KIND_LEASE = 16;
export const READ_KIND_LEASES = 17;
export const RANGE_FLAG = { reverse: 1, keysOnly: 2, countOnly: 4, hasEnd: 8 } as const;
/** Flags of a page of a range. */
export const PAGE_FLAG = { hasMore: 1, keysOnly: 2 } as const;
/** Of the answer to a transaction: which list was taken, and whether what came of it is told. */
export const TXN_FLAG = { succeeded: 1, told: 2 } as const;
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

/** Longest text that comes with a refusal. */
export const TEXT_BYTES_MAX = 1024;
