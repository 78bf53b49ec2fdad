/**
 * Texts that others have chosen, made safe for a terminal: control characters move the cursor, change colours or begin
 * lines, and those that turn the direction of writing make a line say something else than it does.
 */

/**
 * Controls (C0, DEL, C1), format characters (directions, joiners, invisible ones), separators of lines, halves of pairs, and
 * the fillers of Hangul, which count as letters and are blank.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029\u115f\u1160\u3164\uffa0]|\p{Cs}/gu;

/** A colour, which is to stay, or a character that is not. */
const UNWANTED = new RegExp(`\\u001b\\[[0-9;]*m|${UNPRINTABLE.source}`, "gu");

/** The same text, with escapes as in JSON for what is not to be seen. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escape);
}

/**
 * The last guard before a terminal, for a whole output after colours were put in: line ends and colours stay. Texts of others
 * have been through `printable` before they were coloured.
 */
export function terminalText(text: string): string {
  return text.replaceAll(UNWANTED, (match) =>
    match === "\n" || match.endsWith("m") ? match : escape(match),
  );
}

/** As JSON.stringify; characters that a terminal would take for commands are escaped, so that it is the same value in ASCII. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNPRINTABLE, escape);
}

/** In UTF-16 units, as JSON has it. */
function escape(character: string): string {
  let escaped = "";
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
