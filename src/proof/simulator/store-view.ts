/**
 * Transactions, ranges and changes of single keys as the checker of revisions wants them, and its verdict: from answers alone, without
 * the decided log.
 *
 * Invariant: only keys are looked at whose every change is in the history, those of the clients of single keys and of transactions. Others
 * take revisions too, with keys of their own.
 */
import { assert, unreachable } from "../../base/index.ts";
import {
  bytesOf,
  decodeResults,
  decodeTxn,
  textOf,
  type Compare,
  type Txn,
  type TxnOp,
  type TxnResult,
  type Where,
} from "../../store/index.ts";
import {
  checkStore,
  type Condition,
  type KeyRange,
  type OpResult,
  type StoreHistory,
  type StoreOp,
  type StoreOperation,
  type StoreTxn,
} from "../checker/index.ts";
import type { Coverage } from "./coverage.ts";
import {
  adds,
  type History,
  type OperationRecord,
  type RangeRecord,
  type TxnRecord,
} from "./history.ts";
import { TXN_KEYS } from "./transactor.ts";

/** Each with the first key behind it. */
const OWN: readonly (readonly [string, string])[] = [
  ["k", "l"],
  [TXN_KEYS, "t0"],
];

/** @throws InvariantError with what no store answers */
export function checkAnswers(history: History, coverage: Coverage): void {
  const { verdict, anomalies, operations, leftOut } = checkStore(storeHistoryOf(history));
  coverage.hit(`checked by revisions: ${verdict}`);
  if (operations > 0 && leftOut.unsure === 0) coverage.hit("checked by revisions: all known");
  assert(verdict === "ok", `not strictly serializable, ${anomalies[0]?.text}`);
}

function storeHistoryOf({ operations, ranges, txns }: History): StoreHistory {
  return {
    operations: [
      ...operations.flatMap(changeOf),
      ...ranges.flatMap(rangesOf),
      ...txns.flatMap(txnOf),
    ],
    watches: [],
    isWhole: true,
    isShared: true,
    emptyRevision: 0,
  };
}

const NOTHING_TOLD: OpResult = { found: [], count: null, deleted: 0 };

/** Reads tell no revision of the store: another checker has them. */
function changeOf({ client, operation, call, end, outcome }: OperationRecord): StoreOperation[] {
  if (operation.kind === "read") return [];
  const common = { process: `client ${client}`, call, source: `position ${call}` };
  const change = (op: StoreOp): StoreTxn & { readonly kind: "txn" } => ({
    kind: "txn",
    conditions: [],
    success: [op],
    failure: [],
  });
  const request = change(changedBy(operation));
  switch (outcome.kind) {
    case "unknown":
      return [
        { ...common, request, outcome: "unknown", revision: null, answer: null, end: Infinity },
      ];
    case "written":
    case "deleted": {
      const deleted = outcome.kind === "deleted" ? 1 : 0;
      const answer = { succeeded: true, results: [{ ...NOTHING_TOLD, deleted }] };
      const { revision } = outcome;
      return [{ ...common, request, outcome: "ok", revision, answer, end }];
    }
    default:
      return [];
  }
}

function changedBy(operation: Exclude<OperationRecord["operation"], { kind: "read" }>): StoreOp {
  const { key } = operation;
  if (!("value" in operation)) return { kind: "delete", key };
  if (adds(operation.kind)) return { kind: "change", key };
  return { kind: "put", key, value: operation.value, lease: "" };
}

/** As many as there are kinds of own keys in it; none when bounds or an order say which keys were told. */
function rangesOf(record: RangeRecord): StoreOperation[] {
  const { reader, start, end, select, limit, revision, asked, local, call, back } = record;
  if (select !== null || limit !== Number.MAX_SAFE_INTEGER) return [];
  const isOfPast = local || asked > 0;
  // Revision 0 has no number of its own there: it stands for the newest. The decided log has a word to say of these (checkRanges).
  if (isOfPast && revision === 0) return [];
  return OWN.flatMap((own): StoreOperation[] => {
    const range = within({ start, end: end ?? "" }, own);
    if (range === null) return [];
    const isAll = start === range.start && end === range.end;
    if (record.countOnly && !isAll) return [];
    const found = record.keys
      .filter(([key]) => key >= own[0] && key < own[1])
      .map(([key, value, modRevision]) => ({ key, value, modRevision, version: null }));
    const result: OpResult = record.countOnly
      ? { ...NOTHING_TOLD, count: record.count, isCountOnly: true }
      : { found, count: found.length, deleted: 0 };
    return [
      {
        process: `reader ${reader}`,
        request: { kind: "range", range, limit: 0, at: isOfPast ? revision : 0 },
        outcome: "ok",
        revision,
        answer: { succeeded: true, results: [result] },
        call,
        end: back,
        source: `position ${call}`,
      },
    ];
  });
}

function within({ start, end }: KeyRange, [low, high]: readonly [string, string]): KeyRange | null {
  const first = start > low ? start : low;
  const past = end === null || end === "" || end > high ? high : end;
  return first < past ? { start: first, end: past } : null;
}

function txnOf({ client, body, call, back, outcome }: TxnRecord): StoreOperation[] {
  const txn = decodeTxn(bytesOf(body));
  assert(typeof txn !== "string", "what was asked for is a transaction");
  // That of leases compares what the checker does not know, and ends by itself.
  if (!isOwn(txn) || outcome.kind === "refused") return [];
  const common = { process: `transactor ${client}`, call, source: `position ${call}` };
  const request = { kind: "txn", ...storeTxnOf(txn) } as const;
  const unknown: StoreOperation = {
    ...common,
    request,
    outcome: "unknown",
    revision: null,
    answer: null,
    end: Infinity,
  };
  if (outcome.kind !== "told") return [unknown];
  const { succeeded, revision, results } = outcome;
  const told = results === null ? [] : decodeResults(bytesOf(results));
  assert(told !== null, "results are what is told of a transaction");
  const ops = succeeded ? txn.success : txn.failure;
  // Of puts alone nothing is told, and nothing else of what was answered twice.
  const isTold = told.length === ops.length || ops.every(({ op }) => op === "put");
  if (!isTold) return [unknown];
  const answer = { succeeded, results: told.map(resultOf) };
  return [{ ...common, request, outcome: "ok", revision, answer, end: back }];
}

function isOwn({ compare, success, failure }: Txn): boolean {
  const isMine = (where: Where): boolean =>
    textOf("key" in where ? where.key : where.start).startsWith(TXN_KEYS);
  return (
    compare.every(({ where }) => isMine(where)) &&
    [...success, ...failure].every((op) => {
      if (op.op === "txn") return isOwn(op.txn);
      return isMine(op.op === "put" ? { key: op.key } : op.where);
    })
  );
}

function storeTxnOf({ compare, success, failure }: Txn): StoreTxn {
  return {
    conditions: compare.map(conditionOf),
    success: success.map(opOf),
    failure: failure.map(opOf),
  };
}

function conditionOf({ where, is, target, to }: Compare): Condition {
  assert(
    target === "modRevision" || target === "version" || target === "count",
    `the checker knows comparisons of ${target}`,
  );
  return { range: rangeOf(where), target, is, expected: to };
}

function opOf(op: TxnOp): StoreOp {
  switch (op.op) {
    case "put":
      return { kind: "put", key: textOf(op.key), value: textOf(op.value ?? op.key), lease: "" };
    case "delete":
      assert("key" in op.where, "transactors delete keys one by one");
      return { kind: "delete", key: textOf(op.where.key) };
    case "get":
      return { kind: "range", range: rangeOf(op.where), limit: op.limit };
    case "txn":
      return { kind: "txn", ...storeTxnOf(op.txn) };
    default:
      return unreachable(op, "operation");
  }
}

/** One without an end goes as far as own keys do. */
function rangeOf(where: Where): KeyRange {
  if ("key" in where) return { start: textOf(where.key), end: null };
  return { start: textOf(where.start), end: where.end === null ? "t0" : textOf(where.end) };
}

function resultOf(result: TxnResult): OpResult {
  switch (result.op) {
    case "put":
      return NOTHING_TOLD;
    case "delete":
      return { ...NOTHING_TOLD, deleted: result.count };
    case "get": {
      const found = result.found
        .map(({ key, value, modRevision, version }) => ({
          key: textOf(key),
          value: textOf(value),
          modRevision,
          version,
        }))
        .filter(({ key }) => key.startsWith(TXN_KEYS));
      return { found, count: result.more ? null : found.length, deleted: 0 };
    }
    case "txn": {
      const results = result.results.map(resultOf);
      return { ...NOTHING_TOLD, inner: { succeeded: result.succeeded, results } };
    }
    default:
      return unreachable(result, "result");
  }
}
