/** What is wrong with a message, in the words of this program and not of the library that found it. */
import type * as z from "zod";

const SHOWN_LENGTH_MAX = 40;
const SECRETS: ReadonlySet<PropertyKey | undefined> = new Set(["password", "token"]);

/** The first thing wrong, with its path: "setQuota.bytes: expected 1048576 or more, got 5". */
export function issueText(error: z.ZodError, what: string, value: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${what}: malformed`;
  const path = [what, ...issue.path].map(String).join(".");
  const got = at(value, issue.path);
  return `${path}: ${words(issue, isSecret(issue.path) && typeof got === "string" ? new Withheld(got) : got)}`;
}

/** The text goes to the screen or into the log. */
function isSecret(path: readonly PropertyKey[]): boolean {
  return SECRETS.has(path.at(-1));
}

/** So long, and nothing else of it. */
class Withheld {
  readonly length: number;

  constructor(text: string) {
    this.length = text.length;
  }
}

function words(issue: z.core.$ZodIssue, got: unknown): string {
  switch (issue.code) {
    case "unrecognized_keys": {
      const names = issue.keys.map((key) => JSON.stringify(shortened(key))).join(", ");
      return `there is no ${names}`;
    }
    case "invalid_type":
      return `expected ${TYPES[issue.expected] ?? issue.expected}, got ${shown(got)}`;
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value)).join(", ");
      return `expected one of ${values}, got ${shown(got)}`;
    }
    case "too_small":
      return `expected ${issue.minimum}${counted(issue.origin)} or more, got ${shown(got)}`;
    case "too_big":
      return `expected at most ${issue.maximum}${counted(issue.origin)}, got ${shown(got)}`;
    case "invalid_format":
      // The rule is in words where the field is described.
      return `expected ${issue.message}, got ${shown(got)}`;
    case "custom":
      return issue.message;
    default:
      return `not understood: ${shown(got)}`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "a text",
  boolean: "true or false",
  object: "an object",
  array: "a list",
  Uint8Array: "bytes",
};

function counted(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " items" : "";
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[step];
  }
  return found;
}

/** The value may be long, or a secret in the wrong place: the text names only its kind, unless it is short and plain. */
function shown(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "number":
    case "boolean":
      return String(value);
    case "string":
      return JSON.stringify(shortened(value));
    default:
      if (value === null) return "nothing";
      if (value instanceof Uint8Array) return `${value.length} bytes`;
      if (value instanceof Withheld) return `${value.length}`;
      return Array.isArray(value) ? `a list of ${value.length}` : "an object";
  }
}

function shortened(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}
