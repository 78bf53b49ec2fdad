import { type Token, UsageError } from "../prompt/terminal/index.ts";

/** What stands in an argument for bytes that are no UTF-8. */
const REPLACEMENT = "\ufffd";

/**
 * An argument of the shell as a word of a prompt.
 * @param prompt where such bytes can be written
 * @throws UsageError for what was no UTF-8: Node.js has put other characters in its place, and another key would be meant
 */
export function argumentToken(text: string, prompt: "client" | "manage"): Token {
  if (text.includes(REPLACEMENT)) {
    throw new UsageError(
      `an argument is no UTF-8: omnikv ${prompt} takes such bytes, written as "\\xHH"`,
    );
  }
  return { text, bytes: new TextEncoder().encode(text), quoted: true };
}
