/**
 * How much chance a secret can hold at most, judged by its length and its alphabet.
 *
 * A text does not show how it was drawn, so this is an upper bound. An attacker who has overheard one handshake could try out all
 * secrets of a low bound; a secret of a high bound may still be bad. `omnikv secret` draws good ones.
 */

/** An attacker who tries a billion a second needs 10^22 years for half of them. */
export const SECRET_BITS_MIN = 128;
/** A list of words to draw from has 7,776 of them (diceware), or fewer. */
const BITS_OF_WORD = Math.log2(7776);
/** A short word has no room for more. */
const BITS_OF_LETTER = Math.log2(26);
const WORDS_MIN = 3;
/** A text with fewer different characters than this counts as drawn from just those characters. */
const DIFFERENT_MIN = 8;

const ALPHABETS: readonly (readonly [pattern: RegExp, size: number])[] = [
  [/^[0-9]*$/, 10],
  [/^(?:[0-9a-f]*|[0-9A-F]*)$/, 16],
  [/^(?:[a-z]*|[A-Z]*)$/, 26],
  [/^(?:[a-z2-7]*|[A-Z2-7]*)$/, 32],
  [/^(?:[a-z0-9]*|[A-Z0-9]*)$/, 36],
  [/^[A-Za-z]*$/, 52],
  [/^[A-Za-z0-9]*$/, 62],
  [/^[A-Za-z0-9+/_=-]*$/, 64],
];
/** Printable ASCII. */
const ANY_ALPHABET = 95;

/** Bits, rounded down. */
export function secretBits(text: string): number {
  const words = text.split(/[\s.,_-]+/).filter((word) => word !== "");
  const isSentence =
    words.length >= WORDS_MIN && words.every((word) => /^\p{L}{1,24}$/u.test(word));
  if (isSentence) return Math.floor(bitsOfWords(new Set(words)));
  const characters = Array.from(text);
  const different = new Set(characters).size;
  const alphabet = ALPHABETS.find(([pattern]) => pattern.test(text))?.[1] ?? ANY_ALPHABET;
  const size = different < DIFFERENT_MIN ? different : alphabet;
  return Math.floor(unrepeated(text) * Math.log2(size) + 1e-9);
}

function bitsOfWords(words: ReadonlySet<string>): number {
  let bits = 0;
  for (const word of words) {
    bits += Math.min(BITS_OF_WORD, Array.from(word).length * BITS_OF_LETTER);
  }
  return bits;
}

/** Characters of the shortest beginning whose repetition the text is. */
function unrepeated(text: string): number {
  const again = (text + text).indexOf(text, 1);
  return Array.from(text.slice(0, again)).length;
}
