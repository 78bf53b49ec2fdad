import type { Duplex } from "node:stream";

/** Until whoever is told something last must have read it. */
const LAST_WORDS_MS = 1000;

/**
 * Tells the other side something, and ends the connection soon. Nothing more is read from it meanwhile, whatever it sends; but
 * were it ended at once, with some of that unread, the other side would lose what it is told.
 */
export function endWith(stream: Duplex, text: string): void {
  stream.pause();
  stream.end(text);
  const timer = setTimeout(() => stream.destroy(), LAST_WORDS_MS).unref();
  stream.once("close", () => clearTimeout(timer));
}
