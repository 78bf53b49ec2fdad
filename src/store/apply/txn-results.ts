/**
 * The results of a transaction's operations, as bytes. Each result names its own kind, and they stand in the order of the
 * operations that were carried out:
 *
 *     results := varint n · result{n}; empty: every operation was a put whose previous value was not wanted
 *     result  := u8 1 · varint n · found{n}: the previous value or none                                  (put)
 *              | u8 2 · varint count · varint n · found{n}                                               (delete)
 *              | u8 3 · u8 flags (1 more, 2 keys only) · varint count · varint n · found{n}              (get)
 *              | u8 4 · u8 taken (1 then, 0 else) · results                                              (nested)
 *     found   := sized key · stored
 *     stored  := varint createRevision · varint modRevision · varint version · sized value (not with keys only)
 *
 * The results of a nested transaction are never left empty.
 */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  EMPTY_BYTES,
  TXN_DEPTH_MAX,
  TXN_OPS_MAX,
  TXN_RESULT_BYTES_MAX,
} from "../../base/index.ts";
import type { StoredValue } from "../history/cell.ts";

export interface Found extends StoredValue {
  readonly key: ByteString;
}

export type TxnResult =
  /** Previous: what the key held; null: nothing, or it was not wanted. */
  | { readonly op: "put"; readonly previous: Found | null }
  /** Previous: what was deleted, when it was wanted. */
  | { readonly op: "delete"; readonly count: number; readonly previous: readonly Found[] }
  | {
      readonly op: "get";
      readonly count: number;
      /** There are more keys than the limit. */
      readonly more: boolean;
      readonly keysOnly: boolean;
      readonly found: readonly Found[];
    }
  | { readonly op: "txn"; readonly succeeded: boolean; readonly results: readonly TxnResult[] };

const PUT = 1;
const DELETE = 2;
const GET = 3;
const NESTED = 4;
const MORE = 1;
const KEYS_ONLY = 2;

const NO_RESULTS = new Uint8Array(0);
/** Of one transaction after the other: only the node that was asked copies what it holds. */
const out = new ByteWriter(4096, TXN_RESULT_BYTES_MAX);

/** @returns bytes that are valid until the next call; null when they are longer than a result may be */
export function encodeResults(results: readonly TxnResult[]): Uint8Array | null {
  if (results.every((result) => result.op === "put" && result.previous === null)) return NO_RESULTS;
  out.clear();
  return writeResults(results) ? out.peek() : null;
}

/** @returns false when there was no room for all */
function writeResults(results: readonly TxnResult[]): boolean {
  out.varint(results.length);
  return results.every((result) => {
    writeResult(result);
    return out.length <= TXN_RESULT_BYTES_MAX;
  });
}

function writeResult(result: TxnResult): void {
  switch (result.op) {
    case "put":
      out.u8(PUT);
      writeFound(result.previous === null ? [] : [result.previous], false);
      return;
    case "delete":
      out.u8(DELETE);
      out.varint(result.count);
      writeFound(result.previous, false);
      return;
    case "get":
      out.u8(GET);
      out.u8((result.more ? MORE : 0) | (result.keysOnly ? KEYS_ONLY : 0));
      out.varint(result.count);
      writeFound(result.found, result.keysOnly);
      return;
    case "txn":
      out.u8(NESTED);
      out.u8(result.succeeded ? 1 : 0);
      writeResults(result.results);
  }
}

function writeFound(found: readonly Found[], keysOnly: boolean): void {
  out.varint(found.length);
  for (const each of found) {
    if (out.length > TXN_RESULT_BYTES_MAX) return;
    out.sizedByteString(each.key);
    writeStored(each, keysOnly);
  }
}

function writeStored(stored: StoredValue, keysOnly: boolean): void {
  out.varint(stored.createRevision);
  out.varint(stored.modRevision);
  out.varint(stored.version);
  if (!keysOnly) out.sizedByteString(stored.value);
}

/** Never throws. @returns null when the bytes are no results; an empty list stands for puts alone */
export function decodeResults(bytes: Uint8Array): readonly TxnResult[] | null {
  if (bytes.length === 0) return [];
  const reader = new ByteReader().reset(bytes);
  const results = readResults(reader, 1);
  if (!reader.isAtEnd) reader.fail("the end of the results");
  return reader.failed ? null : results;
}

function readResults(reader: ByteReader, depth: number): TxnResult[] {
  return readList(reader, TXN_OPS_MAX, () => readResult(reader, depth));
}

function readList<T>(reader: ByteReader, max: number, read: () => T): T[] {
  const count = reader.varint();
  if (count > max) reader.fail(`at most ${max}`);
  const list: T[] = [];
  for (let i = 0; i < count && !reader.failed; i++) list.push(read());
  return list;
}

function readResult(reader: ByteReader, depth: number): TxnResult {
  switch (reader.u8()) {
    case PUT: {
      const [previous] = readFound(reader, false);
      return { op: "put", previous: previous ?? null };
    }
    case DELETE:
      return { op: "delete", count: reader.varint(), previous: readFound(reader, false) };
    case GET: {
      const flags = reader.u8();
      const keysOnly = (flags & KEYS_ONLY) !== 0;
      const count = reader.varint();
      const found = readFound(reader, keysOnly);
      return { op: "get", count, more: (flags & MORE) !== 0, keysOnly, found };
    }
    case NESTED: {
      if (depth > TXN_DEPTH_MAX) reader.fail("fewer within each other");
      return { op: "txn", succeeded: reader.u8() !== 0, results: readResults(reader, depth + 1) };
    }
    default:
      reader.fail("a known result");
      return { op: "put", previous: null };
  }
}

function readFound(reader: ByteReader, keysOnly: boolean): Found[] {
  return readList(reader, Number.MAX_SAFE_INTEGER, () => {
    const key = reader.byteString(reader.varint());
    return { key, ...readStored(reader, keysOnly) };
  });
}

function readStored(reader: ByteReader, keysOnly: boolean): StoredValue {
  const createRevision = reader.varint();
  const modRevision = reader.varint();
  const version = reader.varint();
  const value = keysOnly ? EMPTY_BYTES : reader.byteString(reader.varint());
  return { createRevision, modRevision, version, value };
}
