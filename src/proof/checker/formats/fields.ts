/** Takes the fields of one JSON object apart, with errors that name line, field and expectation. */
import { HistoryFormatError } from "../errors.ts";
import type { TimeBase } from "./time-base.ts";

export class Fields {
  readonly line: number;
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #times: TimeBase;

  /**
   * @param times of the whole history
   * @throws HistoryFormatError when the line holds no JSON object
   */
  constructor(content: string, line: number, times: TimeBase) {
    this.line = line;
    this.#times = times;
    let parsed: unknown;
    try {
      parsed = JSON.parse(content);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new HistoryFormatError("BAD_SYNTAX", line, `expected a JSON object (${problem})`);
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new HistoryFormatError(
        "BAD_SYNTAX",
        line,
        `expected a JSON object, got ${show(parsed)}`,
      );
    }
    this.#object = parsed as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  string(name: string): string {
    const value = this.#object[name];
    return typeof value === "string" ? value : this.#fail(name, "a string");
  }

  stringOrNull(name: string): string | null {
    const value = this.#object[name];
    return value === null || typeof value === "string"
      ? value
      : this.#fail(name, "a string or null");
  }

  /** Names may be written as numbers. */
  label(name: string): string {
    const value = this.#object[name];
    if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
    return typeof value === "string" ? value : this.#fail(name, "a string or an integer");
  }

  boolean(name: string): boolean {
    const value = this.#object[name];
    return typeof value === "boolean" ? value : this.#fail(name, "true or false");
  }

  integer(name: string): number {
    const value = this.#object[name];
    const isGood = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
    return isGood ? value : this.#fail(name, "an integer from 0");
  }

  /** Nanoseconds may exceed what a JSON number holds exactly: then they are written as a string. */
  time(name: string): number {
    const time = this.#times.read(this.#object[name]);
    return typeof time === "number" ? time : this.#fail(name, time);
  }

  oneOf<Name extends string>(name: string, allowed: readonly Name[]): Name {
    const found = allowed.find((value) => value === this.#object[name]);
    return found ?? this.#fail(name, allowed.map((value) => `"${value}"`).join(", "));
  }

  fail(name: string, expected: string): never {
    return this.#fail(name, expected);
  }

  #fail(name: string, expected: string): never {
    const got = show(this.#object[name]);
    throw new HistoryFormatError(
      "BAD_FIELD",
      this.line,
      `${name}: expected ${expected}, got ${got}`,
    );
  }
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
