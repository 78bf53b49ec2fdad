/**
 * The fields of the client protocol. A client has keys and values as arrays of bytes, a node as byte strings: each writes and reads
 * its own form.
 */
import {
  type AnyBytes,
  type ByteReader,
  type ByteString,
  type ErrorCode,
  errorCodeFromWire,
  ERRORS,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import type { Layout } from "../codec/index.ts";

/** Longest text that comes with a refusal. */
export const TEXT_BYTES_MAX = 1024;

const KEY_EXPECTED = `a key of 1 to ${KEY_BYTES_MAX} bytes`;
const BOUND_EXPECTED = `the bound of a range, at most ${KEY_BYTES_MAX + 1} bytes`;
const TOLD_EXPECTED = `at most ${VALUE_BYTES_MAX} bytes`;
const TEXT_EXPECTED = `a text of at most ${TEXT_BYTES_MAX} bytes`;

/** What stands before bytes. @param what is expected, for the error @returns 0 for what is not allowed */
function lengthIn(from: ByteReader, min: number, max: number, what: string): number {
  const length = from.varint();
  if (length < min || length > max) from.fail(what);
  return from.failed ? 0 : length;
}

/** A key that a client names. */
export const KEY: Layout<ByteString, Uint8Array> = {
  write: (out, key) => out.sized(key),
  read: (from) => from.byteString(keyLength(from)),
};

/** To make strings of keys that are never read would be most of the work. */
export function skipKey(from: ByteReader): void {
  from.skip(keyLength(from));
}

function keyLength(from: ByteReader): number {
  return lengthIn(from, 1, KEY_BYTES_MAX, KEY_EXPECTED);
}

/** One byte more than a key: the first bound above the longest key. */
export const BOUND: Layout<ByteString, Uint8Array> = {
  write: (out, bound) => out.sized(bound),
  read: (from) => from.byteString(lengthIn(from, 0, KEY_BYTES_MAX + 1, BOUND_EXPECTED)),
};

/** A key or a value that a node tells: a view of the frame. */
export const TOLD: Layout<Uint8Array, AnyBytes> = {
  write: (out, bytes) => out.sizedAny(bytes),
  read: (from) => from.bytes(toldLength(from)),
};

/** The same, without looking at it. */
export function skipTold(from: ByteReader): void {
  from.skip(toldLength(from));
}

function toldLength(from: ByteReader): number {
  return lengthIn(from, 0, VALUE_BYTES_MAX, TOLD_EXPECTED);
}

export const MAYBE_TOLD: Layout<Uint8Array | undefined, AnyBytes | undefined> = {
  write: (out, bytes) => {
    out.u8(bytes === undefined ? 0 : 1);
    if (bytes !== undefined) TOLD.write(out, bytes);
  },
  read: (from) => {
    const isThere = from.u8();
    if (isThere > 1) from.fail("0 or 1");
    return isThere === 1 ? TOLD.read(from) : undefined;
  },
};

/** A text for people. What is too long is cut. */
export const TEXT: Layout<string> = {
  // A UTF-16 unit takes three bytes at most.
  write: (out, text) => out.sizedText(text.slice(0, Math.floor(TEXT_BYTES_MAX / 3))),
  read: (from) => from.text(lengthIn(from, 0, TEXT_BYTES_MAX, TEXT_EXPECTED)),
};

export const CODE: Layout<ErrorCode> = {
  write: (out, code) => out.u8(ERRORS[code].wire),
  read: (from) => errorCodeFromWire(from.u8()),
};

/** Of a state that is asked for by its revision. */
export const REVISION = atLeastOne("a revision of 1 or more");
export const LIMIT = atLeastOne("a limit of 1 or more");

/** @param what is expected, for the error */
export function atLeastOne(what: string): Layout<number> {
  return {
    write: (out, value) => out.varint(value),
    read: (from) => {
      const value = from.varint();
      return value >= 1 ? value : from.fail(what);
    },
  };
}
