/** A transaction of a view whose keys begin alike, and its result. */
import { TXN_DEPTH_MAX, TXN_OPS_MAX, unreachable } from "../../base/index.ts";
import { type Bytes, KeyValue, type RangeSelector } from "../terms/index.ts";
import type {
  TxnCompare,
  TxnOperation,
  TxnOperationResult,
  TxnRequest,
  TxnWhere,
} from "./txn-types.ts";
import { checkTxnShape } from "./txn.ts";

/**
 * A value that is no transaction goes on unchanged, for the client to refuse, and so does a transaction that lies too deep in others.
 * @param whole the key with the prefix
 * @param within the selector within it
 */
export function withinPrefix(
  request: TxnRequest,
  whole: (key: Bytes) => Bytes,
  within: (selector: RangeSelector) => RangeSelector,
  depth = 1,
): TxnRequest {
  checkTxnShape(request);
  const at = <T extends TxnWhere>(given: T): T => ({
    ...given,
    ...(given.key === undefined ? {} : { key: whole(given.key) }),
    ...(given.range === undefined ? {} : { range: within(given.range) }),
  });
  const operation = (given: TxnOperation): TxnOperation => {
    switch (given.op) {
      case "put":
        return { ...given, key: whole(given.key) };
      case "txn":
        if (depth > TXN_DEPTH_MAX) return given;
        return { ...given, ...withinPrefix(given, whole, within, depth + 1) };
      default:
        return at(given);
    }
  };
  // What is no list, or too long, is refused by the client.
  const list = <T>(given: readonly T[] | undefined, each: (item: T) => T): readonly T[] =>
    Array.isArray(given) && given.length <= TXN_OPS_MAX
      ? Array.from(given, (item: T) => (isObject(item) ? each(item) : item))
      : (given as readonly T[]);
  return {
    // The client refuses any other field.
    ...request,
    compare: list<TxnCompare>(request.compare, at),
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    then: list(request.then, operation),
    else: list(request.else, operation),
  };
}

function isObject(item: unknown): boolean {
  return typeof item === "object" && item !== null;
}

/** @param length of the prefix, in bytes */
export function withoutPrefix(result: TxnOperationResult, length: number): TxnOperationResult {
  const short = ({ key, value, modRevision, createRevision, version }: KeyValue): KeyValue =>
    new KeyValue(key.subarray(length), value, modRevision, createRevision, version);
  switch (result.op) {
    case "put":
      return { op: "put", previous: result.previous === null ? null : short(result.previous) };
    case "delete":
      return { ...result, previous: result.previous.map(short) };
    case "get":
      return { ...result, found: result.found.map(short) };
    case "txn":
      return { ...result, results: result.results.map((each) => withoutPrefix(each, length)) };
    default:
      return unreachable(result, "result of a transaction");
  }
}
