import type { Token } from "../../prompt/terminal/index.ts";

/** An argument of the shell as a word of a prompt: the shell has taken its quotes off. */
export function argumentToken(text: string): Token {
  return { text, bytes: new TextEncoder().encode(text), quoted: true };
}
