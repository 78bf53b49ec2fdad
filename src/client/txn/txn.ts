/** From users' transactions to what travels, and from answers to users' results. */
import {
  KvError,
  TXN_DEPTH_MAX,
  TXN_OPS_MAX,
  TXN_PARTS_MAX,
  unreachable,
} from "../../base/index.ts";
import {
  byteStringOf,
  bytesOf as bytesOfString,
  decodeResults,
  RELATIONS,
  STATUS,
  type ByteString,
  type Compare,
  type Found,
  type TxnResult as Result,
  type Txn,
  type TxnOp,
  type Where,
} from "../../store/commands/index.ts";
import {
  badArgument,
  type Bytes,
  bytesOf,
  isRecord,
  type KnownNames,
  KeyValue,
  namesOf,
  unknownName,
  wrongKey,
  wrongSelector,
  wrongValue,
} from "../terms/index.ts";
import { type Answer, checkBound } from "../core/index.ts";
import { rangeOf } from "../keys/index.ts";
import type {
  TxnCompare,
  TxnOperation,
  TxnOperationResult,
  TxnRequest,
  TxnResult,
  TxnWhere,
} from "./txn-types.ts";

type OperationOf<O extends TxnOperation["op"]> = Extract<TxnOperation, { readonly op: O }>;
const WHERE = { key: true, range: true } as const;
// oxlint-disable-next-line no-thenable -- names, which nobody can call
const LISTS = { compare: true, then: true, else: true } as const;
const TXN_NAMES = namesOf<TxnRequest>(LISTS);
const COMPARE_NAMES = namesOf<TxnCompare>({
  ...WHERE,
  is: true,
  value: true,
  version: true,
  createRevision: true,
  modRevision: true,
  lease: true,
  count: true,
});
const NAMES: { readonly [O in TxnOperation["op"]]: KnownNames } = {
  put: namesOf<OperationOf<"put">>({
    op: true,
    key: true,
    value: true,
    keepValue: true,
    previous: true,
    lease: true,
    keepLease: true,
  }),
  delete: namesOf<OperationOf<"delete">>({ op: true, ...WHERE, previous: true }),
  get: namesOf<OperationOf<"get">>({
    op: true,
    ...WHERE,
    limit: true,
    keysOnly: true,
    countOnly: true,
  }),
  txn: namesOf<OperationOf<"txn">>({ op: true, ...LISTS }),
};

const NUMBERS = ["version", "createRevision", "modRevision", "count", "lease"] as const;
const TARGET_EXPECTED =
  "exactly one of value, version, createRevision, modRevision, count and lease to compare with";
const WHERE_EXPECTED = "exactly one of `key` and `range`";
const WHOLE_RANGE = { keysOnly: false, countOnly: false };

/**
 * @throws KvError that names what is wrong, and where: programs without types hand in anything. KEY_TOO_LARGE and VALUE_TOO_LARGE as a
 *   single request, else BAD_REQUEST
 */
export function txnOf(request: TxnRequest): Txn {
  return partOf(request, "txn", { depth: 1, counted: { parts: 0 } });
}

/** Where a transaction stands among those that it lies in. */
interface Standing {
  /** How deep it lies in others, itself counted: a transaction that contains itself has no end. */
  readonly depth: number;
  /** Comparisons and operations of all of them so far. */
  readonly counted: { parts: number };
}

/** @throws KvError BAD_REQUEST for what a program without types may give */
export function checkTxnShape(request: unknown, path = "txn"): void {
  if (!isRecord(request)) throw badArgument(path, "{ compare, then, else }", request);
}

function partOf(request: TxnRequest, path: string, standing: Standing): Txn {
  const { depth, counted } = standing;
  if (depth > TXN_DEPTH_MAX) {
    throw new KvError("BAD_REQUEST", `${path}: at most ${TXN_DEPTH_MAX} lie within each other`);
  }
  checkTxnShape(request, path);
  // Of an operation all fields were looked at.
  const unknown = depth === 1 ? unknownName(request, TXN_NAMES, path) : null;
  if (unknown !== null) throw unknown;
  return {
    compare: listOf(request.compare, `${path}.compare`, counted, compareOf),
    success: listOf(request.then, `${path}.then`, counted, (op, at) => opOf(op, at, standing)),
    failure: listOf(request.else, `${path}.else`, counted, (op, at) => opOf(op, at, standing)),
  };
}

function listOf<T, U>(
  list: readonly T[] | undefined,
  path: string,
  counted: { parts: number },
  each: (item: T, path: string) => U,
): U[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw badArgument(path, "an array", list);
  if (list.length > TXN_OPS_MAX) throw badArgument(path, `at most ${TXN_OPS_MAX} in it`, list);
  counted.parts += list.length;
  if (counted.parts > TXN_PARTS_MAX) {
    const text = `${path}: a transaction has at most ${TXN_PARTS_MAX} comparisons and operations in all`;
    throw new KvError("BAD_REQUEST", text);
  }
  return Array.from(list, (item: T, i) => {
    const at = `${path}[${i}]`;
    if (typeof item !== "object" || item === null) throw badArgument(at, "an object", item);
    return each(item, at);
  });
}

function compareOf(compare: TxnCompare, path: string): Compare {
  const unknown = unknownName(compare, COMPARE_NAMES, path);
  if (unknown !== null) throw unknown;
  const where = whereOf(compare, path);
  const { is = "=" } = compare;
  if (!RELATIONS.includes(is)) throw badArgument(`${path}.is`, '"=", "!=", "<" or ">"', is);
  // The type says that exactly one of them is there; nothing has checked it.
  const given = compare as { readonly [N in (typeof NUMBERS)[number]]?: number } & {
    readonly value?: Bytes;
  };
  const numbers = NUMBERS.filter((name) => given[name] !== undefined);
  if (numbers.length + (given.value === undefined ? 0 : 1) !== 1) {
    throw badArgument(path, TARGET_EXPECTED, compare);
  }
  const [target] = numbers;
  if (target === undefined) {
    return { where, is, target: "value", to: valueOf(given.value, `${path}.value`) };
  }
  const to = given[target];
  if (!Number.isSafeInteger(to) || Number(to) < 0) {
    throw badArgument(`${path}.${target}`, "an integer of 0 or more", to);
  }
  return { where, is, target, to: Number(to) };
}

function opOf(operation: TxnOperation, path: string, standing: Standing): TxnOp {
  const known = Object.hasOwn(NAMES, operation.op) ? NAMES[operation.op] : null;
  const unknown = known === null ? null : unknownName(operation, known, path);
  if (unknown !== null) throw unknown;
  switch (operation.op) {
    case "put": {
      const { keepValue, value } = operation;
      if (keepValue !== undefined && (value !== undefined || !isTrue(keepValue))) {
        throw badArgument(path, "either a value or `keepValue: true`", operation);
      }
      return {
        op: "put",
        key: keyOf(operation.key, `${path}.key`),
        value: keepValue === true ? null : valueOf(value, `${path}.value`),
        previous: flag(operation.previous, `${path}.previous`),
        ...leaseOf(operation, path),
      };
    }
    case "delete":
      return {
        op: "delete",
        where: whereOf(operation, path),
        previous: flag(operation.previous, `${path}.previous`),
      };
    case "get": {
      const { limit } = operation;
      if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
        throw badArgument(`${path}.limit`, "a positive integer", limit);
      }
      return {
        op: "get",
        where: whereOf(operation, path),
        limit: limit ?? 0,
        keysOnly: flag(operation.keysOnly, `${path}.keysOnly`),
        countOnly: flag(operation.countOnly, `${path}.countOnly`),
      };
    }
    case "txn":
      return {
        op: "txn",
        txn: partOf(operation, path, { ...standing, depth: standing.depth + 1 }),
      };
    default:
      throw badArgument(`${path}.op`, '"put", "delete", "get" or "txn"', unknownOp(operation));
  }
}

/** Of a put. */
function leaseOf(
  { lease, keepLease }: Extract<TxnOperation, { readonly op: "put" }>,
  path: string,
): { lease?: number | null } {
  if (keepLease !== undefined) {
    if (lease === undefined && isTrue(keepLease)) return { lease: null };
    throw badArgument(path, "either a lease or `keepLease: true`", { lease, keepLease });
  }
  if (lease === undefined) return {};
  if (Number.isSafeInteger(lease) && lease > 0) return { lease };
  throw badArgument(`${path}.lease`, "the id of a lease", lease);
}

function isTrue(given: unknown): boolean {
  return given === true;
}

function unknownOp(operation: never): unknown {
  return (operation as { readonly op?: unknown }).op;
}

function whereOf({ key, range }: TxnWhere, path: string): Where {
  if ((key === undefined) === (range === undefined)) {
    throw badArgument(path, WHERE_EXPECTED, key ?? range);
  }
  if (key !== undefined) return { key: keyOf(key, `${path}.key`) };
  const wrong = wrongSelector(range);
  if (wrong !== null || range === undefined) {
    throw wrong ?? badArgument(path, WHERE_EXPECTED, range);
  }
  const { start, end } = rangeOf(range, {}, WHOLE_RANGE);
  checkBound(start, `${path}.range: bound`);
  if (end !== null) checkBound(end, `${path}.range: bound`);
  return { start: byteStringOf(start), end: end === null ? null : byteStringOf(end) };
}

function keyOf(given: Bytes | undefined, path: string): ByteString {
  return checkedBytes(given, wrongKey(path, given));
}

function valueOf(given: Bytes | undefined, path: string): ByteString {
  return checkedBytes(given, wrongValue(path, given));
}

function checkedBytes(given: Bytes | undefined, wrong: KvError | null): ByteString {
  if (wrong !== null) throw wrong;
  // What is neither text nor bytes was found wrong.
  return byteStringOf(bytesOf(given as Bytes));
}

function flag(given: boolean | undefined, path: string): boolean {
  if (given === undefined) return false;
  if (typeof given !== "boolean") throw badArgument(path, "true or false", given);
  return given;
}

export function txnResult(txn: Txn, { status, revision, value, node }: Answer): TxnResult {
  const succeeded = status === STATUS.txnThen;
  if (!succeeded && status !== STATUS.txnElse) {
    throw new KvError("INTERNAL", "a transaction was answered with something else");
  }
  const results = value === null ? null : resultsIn(value, succeeded ? txn.success : txn.failure);
  return { succeeded, revision, results, node };
}

/** How often a transaction that only reads is asked before its results are given up. */
const ASKED_MAX = 16;

/**
 * Nodes leave results out where they have too many bytes to tell at a time. No session keeps those of a transaction that only reads
 * (KvState, STATE-12), so to ask once more is to read once more.
 */
export async function untilTold(ask: () => Promise<TxnResult>): Promise<TxnResult> {
  for (let asked = 1; ; asked++) {
    const answer = await ask();
    if (answer.results !== null || asked === ASKED_MAX) return answer;
  }
}

function resultsIn(bytes: Uint8Array, ops: readonly TxnOp[]): TxnOperationResult[] {
  if (bytes.length === 0) return ops.map(() => ({ op: "put", previous: null }));
  const results = decodeResults(bytes);
  if (results === null) throw new KvError("INTERNAL", "the results of a transaction are damaged");
  return results.map(toUser);
}

function toUser(result: Result): TxnOperationResult {
  switch (result.op) {
    case "put": {
      const { previous } = result;
      return { op: "put", previous: previous === null ? null : keyValueOf(previous) };
    }
    case "delete":
      return { op: "delete", count: result.count, previous: result.previous.map(keyValueOf) };
    case "get": {
      const { count, more, found } = result;
      return { op: "get", count, more, found: found.map(keyValueOf) };
    }
    case "txn":
      return { op: "txn", succeeded: result.succeeded, results: result.results.map(toUser) };
    default:
      return unreachable(result, "result of a transaction");
  }
}

function keyValueOf({ key, value, modRevision, createRevision, version }: Found): KeyValue {
  const bytes = bytesOfString(value);
  return new KeyValue(bytesOfString(key), bytes, modRevision, createRevision, version);
}
