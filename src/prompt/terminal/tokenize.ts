/** Splits what a user typed into words, with the quoting a shell user expects. Pure. */
import { UsageError } from "./usage-error.ts";

export interface Token {
  /** As text; bytes that are no UTF-8 show as replacement characters. */
  readonly text: string;
  /** Exactly the bytes that the user means, "\xHH" included. */
  readonly bytes: Uint8Array;
  /** A part of it before any "=" was quoted or escaped: then it is never an option. */
  readonly quoted: boolean;
  /** As it was typed, where it began with a brace or a bracket and quotes were taken out of it: JSON that is none any more. */
  readonly spoiltJson?: string;
}

/** A quote is open at the end of what was typed: the next line may close it. */
export class OpenQuoteError extends UsageError {}

export const EMPTY_TOKEN: Token = { text: "", bytes: new Uint8Array(0), quoted: false };

const EQUALS = 0x3d;

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
  '"': '"',
  "'": "'",
  $: "$",
  "`": "`",
};

/**
 * Words are separated by white space. `'…'` is literal; `"…"` knows \n \r \t \0 \\ \" and \xHH (one byte); outside of
 * quotes a backslash takes the next character as it is. A word that begins with # starts a comment.
 *
 * @param separator commands end at this character too, outside of quotes
 * @returns the words of each command that has any
 * @throws OpenQuoteError for a quote that is never closed, UsageError for an unknown escape
 */
export function tokenize(line: string, separator?: ";"): readonly (readonly Token[])[] {
  const scanner = new Scanner(line, separator);
  return scanner.scan();
}

class Scanner {
  readonly #line: string;
  readonly #separator: string | undefined;
  readonly #commands: Token[][] = [];
  #words: Token[] = [];
  #bytes: number[] = [];
  #inWord = false;
  #quoted = false;
  /** Where a word that looks like JSON began; null: there is none. */
  #jsonAt: number | null = null;
  /** Quotes were taken out of it. */
  #isSpoilt = false;
  #at = 0;

  constructor(line: string, separator: string | undefined) {
    this.#line = line;
    this.#separator = separator;
  }

  scan(): readonly (readonly Token[])[] {
    while (this.#at < this.#line.length) {
      const character = this.#next();
      if (character === "\n" || character === this.#separator) this.#endCommand(this.#at - 1);
      else if (/\s/u.test(character)) this.#endWord(this.#at - character.length);
      else if (character === "#" && !this.#inWord) this.#skipComment();
      else if (character === "'") this.#singleQuoted();
      else if (character === '"') this.#doubleQuoted();
      else if (character === "\\") this.#escaped();
      else this.#addBare(character);
    }
    this.#endCommand(this.#at);
    return this.#commands;
  }

  #next(): string {
    const character = String.fromCodePoint(this.#line.codePointAt(this.#at) ?? 0);
    this.#at += character.length;
    return character;
  }

  #add(text: string): void {
    this.#inWord = true;
    this.#bytes.push(...new TextEncoder().encode(text));
  }

  #addBare(character: string): void {
    if (!this.#inWord && (character === "{" || character === "[")) this.#jsonAt = this.#at - 1;
    this.#add(character);
  }

  #skipComment(): void {
    const end = this.#line.indexOf("\n", this.#at);
    this.#at = end === -1 ? this.#line.length : end;
  }

  #singleQuoted(): void {
    const end = this.#line.indexOf("'", this.#at);
    if (end === -1)
      throw new OpenQuoteError("a ' is never closed: close it, or write \\' for the character");
    this.#nowQuoted();
    this.#isSpoilt = true;
    this.#add(this.#line.slice(this.#at, end));
    this.#at = end + 1;
  }

  #doubleQuoted(): void {
    this.#nowQuoted();
    this.#isSpoilt = true;
    this.#inWord = true;
    while (this.#at < this.#line.length) {
      const character = this.#next();
      if (character === '"') return;
      if (character === "\\") this.#escapeInQuotes();
      else this.#add(character);
    }
    throw new OpenQuoteError('a " is never closed: close it, or write \\" for the character');
  }

  #escapeInQuotes(): void {
    const character = this.#at < this.#line.length ? this.#next() : "";
    if (character === "x") {
      const hex = this.#line.slice(this.#at, this.#at + 2);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) {
        throw new UsageError(`\\x takes two hexadecimal digits, got "${hex}"`);
      }
      this.#bytes.push(Number.parseInt(hex, 16));
      this.#at += 2;
      return;
    }
    const meant = ESCAPES[character];
    if (meant === undefined) {
      throw new UsageError(
        `\\${character} means nothing in double quotes: write \\\\${character}, or use single quotes`,
      );
    }
    this.#add(meant);
  }

  #escaped(): void {
    if (this.#at >= this.#line.length) {
      throw new UsageError("nothing follows the last \\: write \\\\ for the character");
    }
    this.#nowQuoted();
    this.#add(this.#next());
  }

  #nowQuoted(): void {
    this.#quoted ||= !this.#bytes.includes(EQUALS);
  }

  /** @param at where the word has ended */
  #endWord(at: number): void {
    if (!this.#inWord) return;
    const bytes = Uint8Array.from(this.#bytes);
    const word = { text: new TextDecoder().decode(bytes), bytes, quoted: this.#quoted };
    const typed =
      this.#jsonAt !== null && this.#isSpoilt ? this.#line.slice(this.#jsonAt, at) : null;
    this.#words.push(typed === null ? word : { ...word, spoiltJson: typed });
    this.#jsonAt = null;
    this.#isSpoilt = false;
    this.#bytes = [];
    this.#inWord = false;
    this.#quoted = false;
  }

  #endCommand(at: number): void {
    this.#endWord(at);
    if (this.#words.length > 0) this.#commands.push(this.#words);
    this.#words = [];
  }
}

const PLAIN = /^[^\s"'\\#;\p{C}(-][^\s"'\\\p{C};]*$/u;

/** What cannot stand within single quotes, or would disturb the terminal. */
const LITERAL_NOT = /['\p{C}]/u;

/** Written so that `tokenize` gives the same bytes back; as it is where it needs no quotes. */
export function quote(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== null && PLAIN.test(text)) return text;
  // JSON is read more easily without a backslash at each of its quotes.
  if (text !== null && text.includes('"') && !LITERAL_NOT.test(text)) return `'${text}'`;
  return quoteAlways(bytes);
}

/** As `quote`, always in double quotes. */
export function quoteAlways(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text === null) return `"${Array.from(bytes, quotedByte).join("")}"`;
  return `"${Array.from(text, quotedCharacter).join("")}"`;
}

/** @returns null when the bytes are no UTF-8 */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function quotedCharacter(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  if (character === "\\" || character === '"') return `\\${character}`;
  if (!/\p{C}/u.test(character)) return character;
  return Array.from(new TextEncoder().encode(character), hex).join("");
}

function quotedByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? quotedCharacter(String.fromCharCode(byte)) : hex(byte);
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
