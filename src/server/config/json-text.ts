/**
 * JSON that people write by hand. Errors name the line and never quote the text, which may hold a secret. A name that stands twice in
 * one object is an error: JSON.parse would silently use only the last. Pure.
 */

/** How deep arrays and objects may nest: no settings need more, and the stack bears it. */
const DEPTH_MAX = 64;
const BLANK = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex -- Texts of JSON have no control characters.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const BYTE_ORDER_MARK = /^\uFEFF/;

/** @throws Error "is not JSON: line 3, column 5: …" for any other text, and for a name that stands twice in an object */
export function parseJsonText(marked: string): unknown {
  const text = marked.replace(BYTE_ORDER_MARK, "");
  new Scan(text).all();
  return JSON.parse(text);
}

/** The kind of a value, for errors that must not show the value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return value === null ? "null" : "nothing";
  if (value === "") return "an empty text";
  if (Array.isArray(value)) return "a list";
  return (
    { string: "a text", number: "a number", boolean: "true or false" }[typeof value as string] ??
    "an object"
  );
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): void {
    this.#value(0);
    if (this.#at < this.#text.length) throw this.#wrong("expected nothing more");
  }

  #value(depth: number): void {
    if (depth > DEPTH_MAX) throw this.#wrong(`more than ${DEPTH_MAX} levels`);
    this.#take(BLANK);
    if (this.#skip("{")) this.#members(depth);
    else if (this.#skip("[")) this.#elements(depth);
    else if (this.#take(STRING) === null && this.#take(SCALAR) === null) {
      throw this.#wrong(
        "expected a value: a text in double quotes, a number, true, false, {…} or […]",
      );
    }
    this.#take(BLANK);
  }

  #members(depth: number): void {
    const names = new Set<string>();
    this.#take(BLANK);
    if (this.#skip("}")) return;
    do {
      this.#take(BLANK);
      const start = this.#at;
      const quoted = this.#take(STRING);
      if (quoted === null) throw this.#wrong("expected a name in double quotes");
      const name = JSON.parse(quoted) as string;
      if (names.has(name)) throw new Error(`${this.#place(start)}: ${quoted} stands there twice`);
      names.add(name);
      this.#take(BLANK);
      if (!this.#skip(":")) throw this.#wrong('expected ":"');
      this.#value(depth + 1);
    } while (this.#skip(","));
    if (!this.#skip("}")) throw this.#wrong('expected "," or "}"');
  }

  #elements(depth: number): void {
    this.#take(BLANK);
    if (this.#skip("]")) return;
    do this.#value(depth + 1);
    while (this.#skip(","));
    if (!this.#skip("]")) throw this.#wrong('expected "," or "]"');
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [null];
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #wrong(what: string): Error {
    const end = this.#at >= this.#text.length ? ", where the text ends" : "";
    return new Error(`is not JSON: ${this.#place(this.#at)}${end}: ${what}`);
  }

  #place(at: number): string {
    const lines = this.#text.slice(0, at).split("\n");
    return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
  }
}
