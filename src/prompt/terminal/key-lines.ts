/** Keys and values as lines of JSON, for `omnikv export` and `omnikv import`: one object a line, as `--json` has them. */
import { printableJson } from "../../base/index.ts";
import { bytesField } from "./bytes-field.ts";
import { UsageError } from "./usage-error.ts";

export interface KeyLine {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One line, its end included; it may go to a terminal. */
export function keyLine({ key, value }: KeyLine): string {
  return `${printableJson({ ...bytesField("key", key), ...bytesField("value", value) })}\n`;
}

/** Within JSON only names of fields look so: a quote in a text has a backslash before it. */
const NAMES = /[{,\s]"(?:key|value)(?:Base64)?"\s*:/g;

/** JSON.parse takes the last of those that have one name. */
function hasTwice(line: string, fields: object): boolean {
  const count = (text: string): number => text.match(NAMES)?.length ?? 0;
  const named = count(line);
  const own = ["key", "value", "keyBase64", "valueBase64"].filter((name) => name in fields);
  // More than that may also be those of an object within it: what is written anew has each once.
  return named > own.length && named > count(JSON.stringify(fields));
}

/** @throws UsageError that says what is wrong with it */
export function parseKeyLine(line: string): KeyLine {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    throw new UsageError("this is no JSON");
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new UsageError('expected an object like {"key":"a","value":"b"}');
  }
  if (hasTwice(line, fields)) throw new UsageError("a field stands in it twice");
  const key = bytesIn(fields as Record<string, unknown>, "key");
  if (key.length === 0) throw new UsageError("a key is at least one byte long");
  return { key, value: bytesIn(fields as Record<string, unknown>, "value") };
}

/** From NAME, or from NAMEBase64; other fields are ignored. */
function bytesIn(fields: Record<string, unknown>, name: string): Uint8Array {
  const text = fields[name];
  const base64 = fields[`${name}Base64`];
  if (text !== undefined && base64 !== undefined) {
    throw new UsageError(`"${name}" and "${name}Base64" say the same thing twice`);
  }
  if (typeof text === "string") {
    if (!text.isWellFormed()) throw new UsageError(`"${name}" holds half a character`);
    return Buffer.from(text, "utf8");
  }
  if (typeof base64 !== "string") throw new UsageError(`"${name}", a string, is missing`);
  const bytes = Buffer.from(base64, "base64");
  // Node skips characters that are no Base64: then the bytes do not give the same text back.
  if (bytes.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, "")) {
    throw new UsageError(`"${name}Base64" is no Base64`);
  }
  return bytes;
}
