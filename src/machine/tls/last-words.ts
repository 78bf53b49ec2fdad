import type { Duplex } from "node:stream";

/** Until the other side must have read the last words. */
const LAST_WORDS_MS = 1000;

/**
 * Tells the other side something, and ends the connection soon. Nothing more is read from it meanwhile; but if it ended
 * at once, with bytes unread, the other side would lose the last words.
 */
export function endWith(stream: Duplex, text: string): void {
  stream.pause();
  stream.end(text);
  const timer = setTimeout(() => stream.destroy(), LAST_WORDS_MS).unref();
  stream.once("close", () => clearTimeout(timer));
}
