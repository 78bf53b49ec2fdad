/** Numbers of the client protocol; `client.ts` shows the layout. Never reuse one. */
export const FRAME = { writes: 1, reads: 2, answers: 3 } as const;
export const READ_FLAG_LOCAL = 1;
/** What is read. Ranges will be another kind. */
export const READ_KIND_KEY = 1;
export const RECORD = {
  session: 1,
  ok: 2,
  other: 3,
  opened: 4,
  refused: 5,
  value: 6,
  missing: 7,
  unread: 8,
} as const;

/** Longest text that comes with a refusal. */
export const TEXT_BYTES_MAX = 1024;
