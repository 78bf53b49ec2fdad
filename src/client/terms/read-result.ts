/** What a read found. Made for every read: fields in one order, so that the engine sees one shape, and methods made once. */
import { KvError } from "../../base/index.ts";

/** A byte order mark is part of a value, and bytes that are not UTF-8 must not look as if they were. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws KvError BAD_REQUEST when the bytes are not UTF-8 */
export function textIn(bytes: Uint8Array, what: "key" | "value"): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const text = `the ${what} of ${bytes.length} bytes is not UTF-8 text: take its bytes, \`${what}\``;
    throw new KvError("BAD_REQUEST", text, { cause });
  }
}

/** @throws KvError BAD_REQUEST when they are not JSON */
export function jsonIn(value: Uint8Array): unknown {
  const text = textIn(value, "value");
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = `the value of ${value.length} bytes is not JSON`;
    throw new KvError("BAD_REQUEST", `${reason}: take \`text()\` or \`value\``, { cause });
  }
}

/** The key has a value. */
export class FoundResult {
  // Only declared: a field with an initializer would be set here, and once more by the constructor.
  declare readonly found: true;
  /** The bytes, the caller's own. See `text` and `json`. */
  declare readonly value: Uint8Array;
  /** The revision at which the key was last written. */
  declare readonly modRevision: number;
  /** The revision at which it came to be. */
  declare readonly createRevision: number;
  /** 1 when created, one more with each write since. */
  declare readonly version: number;
  /** The id of the node that answered. */
  declare readonly node: number;

  constructor(
    value: Uint8Array,
    modRevision: number,
    createRevision: number,
    version: number,
    node: number,
  ) {
    this.found = true;
    this.value = value;
    this.modRevision = modRevision;
    this.createRevision = createRevision;
    this.version = version;
    this.node = node;
  }

  /**
   * The value as text: what was written as a string comes back as it was.
   * @throws KvError BAD_REQUEST when the bytes are not UTF-8
   */
  text(): string {
    return textIn(this.value, "value");
  }

  /**
   * The value as JSON: what was written as `JSON.stringify(it)`.
   * @throws KvError BAD_REQUEST when it is not JSON
   */
  json(): unknown {
    return jsonIn(this.value);
  }
}

/** The key does not exist. */
export class MissingResult {
  declare readonly found: false;
  /** The id of the node that answered. */
  declare readonly node: number;

  constructor(node: number) {
    this.found = false;
    this.node = node;
  }

  /** There is none. */
  text(): undefined {
    return undefined;
  }

  /** There is none. */
  json(): undefined {
    return undefined;
  }
}
