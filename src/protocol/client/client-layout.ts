/** Numbers of the client protocol; `client.ts` shows the layout. Never reuse one. */
export const FRAME = { writes: 1, reads: 2, answers: 3 } as const;
/** For a request to open a session, whose answer is to tell the origin: its number, which means nothing else. */
export const OPEN_WITH_ORIGIN = 1;
