/** A user's words in an error text: one may be a megabyte that was pasted by mistake. */
const SHOWN_LENGTH_MAX = 60;

export function shown(word: string): string {
  return word.length <= SHOWN_LENGTH_MAX ? word : `${word.slice(0, SHOWN_LENGTH_MAX)}…`;
}
