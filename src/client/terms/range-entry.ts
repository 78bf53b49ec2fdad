/** What a range finds. Fields in one order and methods made once, as of what a read finds. */
import { jsonIn, textIn } from "./read-result.ts";

/** A key, without its value. */
export class KeyEntry {
  // Only declared: a field with an initializer would be set here, and once more by the constructor.
  /** The bytes, the caller's own. */
  declare readonly key: Uint8Array;
  /** The revision at which the key was last written. */
  declare readonly modRevision: number;
  /** The revision at which it came to be. */
  declare readonly createRevision: number;
  /** 1 when created, one more with each write since. */
  declare readonly version: number;

  constructor(key: Uint8Array, modRevision: number, createRevision: number, version: number) {
    this.key = key;
    this.modRevision = modRevision;
    this.createRevision = createRevision;
    this.version = version;
  }

  /**
   * The key as text.
   * @throws KvError BAD_REQUEST when its bytes are not UTF-8
   */
  keyText(): string {
    return textIn(this.key, "key");
  }
}

/** A key and its value. */
export class KeyValue extends KeyEntry {
  /** The bytes, the caller's own. See `text` and `json`. */
  declare readonly value: Uint8Array;

  constructor(
    key: Uint8Array,
    value: Uint8Array,
    modRevision: number,
    createRevision: number,
    version: number,
  ) {
    super(key, modRevision, createRevision, version);
    this.value = value;
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
