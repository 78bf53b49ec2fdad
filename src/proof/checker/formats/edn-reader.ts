/**
 * Values of EDN (the notation of Clojure), as far as histories have them: all but characters by name. What a tag says is passed over:
 * `#jepsen.history.Op{:process 0}` is its map. Why no library does it:
 * docs/adr/0014-edn.md.
 *
 * Invariant: for any text, it ends, and throws nothing but HistoryFormatError: depth is bounded, and each step takes a character.
 */
import { HistoryFormatError } from "../errors.ts";
import { excerpt } from "./lines.ts";

export type Edn =
  | { readonly kind: "nil" }
  /** Numbers, booleans and symbols by their text, keywords with their colon. */
  | { readonly kind: "keyword" | "string" | "symbol"; readonly text: string }
  /** Vectors, lists and sets. */
  | { readonly kind: "list"; readonly items: readonly Edn[] }
  /** Keys in their text. */
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, Edn> };

export interface EdnAt {
  readonly value: Edn;
  /** From 1. */
  readonly line: number;
}

const DEPTH_MAX = 64;
const NIL: Edn = { kind: "nil" };
const BLANK = /[\s,]*(?:;[^\n]*[\s,]*)*/y;
const STRING = /"([^"\\]*(?:\\[^][^"\\]*)*)"/y;
const WORD = /[^\s,;"(){}[\]]+/y;
const CLOSING: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

export class EdnReader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** Up to here lines are counted. */
  #counted = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next value at the top, or of the vector or list that holds all of them. Null: there are no more. @throws HistoryFormatError */
  *events(): Generator<EdnAt> {
    for (;;) {
      this.#skip();
      const open = this.#text[this.#at];
      if (open === undefined) return;
      if (open !== "[" && open !== "(") {
        yield { line: this.#here(), value: this.#value(0) };
        continue;
      }
      this.#at += 1;
      const close = CLOSING[open] ?? "";
      for (this.#skip(); this.#text[this.#at] !== close; this.#skip()) {
        yield { line: this.#here(), value: this.#value(1) };
      }
      this.#at += 1;
    }
  }

  #value(depth: number): Edn {
    if (depth > DEPTH_MAX) this.#fail(`no more than ${DEPTH_MAX} values within each other`);
    const char = this.#text[this.#at];
    switch (char) {
      case undefined:
        return this.#fail("a value");
      case "[":
      case "(":
        this.#at += 1;
        return { kind: "list", items: this.#items(CLOSING[char] ?? "", depth) };
      case "{":
        this.#at += 1;
        return this.#map(depth);
      case '"':
        return { kind: "string", text: this.#string() };
      case "#":
        return this.#tagged(depth);
      default:
        return this.#word();
    }
  }

  #items(close: string, depth: number): readonly Edn[] {
    const items: Edn[] = [];
    for (this.#skip(); this.#text[this.#at] !== close; this.#skip()) {
      items.push(this.#value(depth + 1));
    }
    this.#at += 1;
    return items;
  }

  #map(depth: number): Edn {
    const items = this.#items("}", depth);
    if (items.length % 2 !== 0) this.#fail("a value for each key of a map");
    const entries = new Map<string, Edn>();
    for (let i = 0; i < items.length; i += 2) {
      entries.set(textOf(items[i] ?? NIL), items[i + 1] ?? NIL);
    }
    return { kind: "map", entries };
  }

  #tagged(depth: number): Edn {
    this.#at += 1;
    if (this.#text[this.#at] === "{") {
      this.#at += 1;
      return { kind: "list", items: this.#items("}", depth) };
    }
    this.#match(WORD);
    this.#skip();
    return this.#value(depth + 1);
  }

  #string(): string {
    const match = this.#match(STRING);
    if (match === null) return this.#fail('a " at the end of the text');
    return (match[1] ?? "").replace(/\\([^])/g, (_, char: string) => ESCAPES[char] ?? char);
  }

  #word(): Edn {
    const text = this.#match(WORD)?.[0];
    if (text === undefined) return this.#fail("a value");
    if (text === "nil") return NIL;
    return { kind: text.startsWith(":") ? "keyword" : "symbol", text };
  }

  /** Blanks, comments, and values that `#_` takes away. */
  #skip(): void {
    this.#match(BLANK);
    while (this.#text.startsWith("#_", this.#at)) {
      this.#at += 2;
      this.#match(BLANK);
      this.#value(1);
      this.#match(BLANK);
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #here(): number {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#text[this.#counted] === "\n") this.#line += 1;
    }
    return this.#line;
  }

  #fail(expected: string): never {
    const got =
      this.#at < this.#text.length ? excerpt(this.#text.slice(this.#at, this.#at + 80)) : "the end";
    throw new HistoryFormatError("BAD_SYNTAX", this.#here(), `expected ${expected}, got ${got}`);
  }
}

/** A value of any kind as one text; no two values that histories tell apart have the same. */
export function textOf(value: Edn): string {
  switch (value.kind) {
    case "nil":
      return "nil";
    case "list":
      return `[${value.items.map(textOf).join(" ")}]`;
    case "map":
      return `{${[...value.entries].map(([key, each]) => `${key} ${textOf(each)}`).join(" ")}}`;
    default:
      return value.text;
  }
}
