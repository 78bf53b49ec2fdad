/**
 * Holds transactions against the decided log.
 *
 * Invariants:
 *   TXNCHECK-1. What was acknowledged is in the log, once, and came out as a naive model says; what was refused is not in it.
 *   TXNCHECK-2. A transaction answered before another was asked comes first: revisions never go back in real time (strict
 *       serializability).
 *   TXNCHECK-3. At every revision the accounts have what they began with, and the set is not empty once it was not.
 */
import { assert } from "../../base/index.ts";
import { bytesOf, decodeResults } from "../../store/index.ts";
import type { DecidedLog, DecidedTxn } from "./decided-log.ts";
import type { OperationRecord, TxnRecord } from "./history.ts";
import { ACCOUNT_PREFIX, ACCOUNTS, BALANCE, describeTxn, SET_PREFIX } from "./transactor.ts";

/** @throws InvariantError that names the transaction that does not fit */
export function checkTransactions(
  records: readonly TxnRecord[],
  operations: readonly OperationRecord[],
  log: DecidedLog,
): void {
  checkContents(log);
  for (const record of records) {
    checkEffect(record, log.txns.get(record.body) ?? []);
    checkTime(record, records, operations);
  }
}

/** TXNCHECK-1. */
function checkEffect(record: TxnRecord, decided: readonly DecidedTxn[]): void {
  const { outcome } = record;
  const what = describeTxn(record);
  assert(decided.length <= 1, `took effect ${decided.length} times: ${what}`);
  if (outcome.kind === "refused") {
    assert(decided.length === 0, `took effect nevertheless: ${what}`);
  }
  if (outcome.kind !== "told") return;
  const [meant] = decided;
  assert(meant !== undefined, `is in no log: ${what}`);
  const { succeeded, revision, results } = meant;
  assert(
    outcome.succeeded === succeeded && outcome.revision === revision,
    `was ${succeeded ? "then" : "else"} at revision ${revision}: ${what}`,
  );
  if (outcome.results === null) return;
  const got = decodeResults(bytesOf(outcome.results));
  const isPlain = results.every((result) => result.op === "put" && result.previous === null);
  assert(
    inOrder(got) === inOrder(isPlain ? [] : results),
    `came to ${inOrder(results)}, told was ${inOrder(got)}: ${what}`,
  );
}

/** All fields of results, in one order. */
const FIELDS =
  "op succeeded results previous found count more keysOnly key value createRevision modRevision version".split(
    " ",
  );

function inOrder(results: unknown): string {
  return JSON.stringify(results, FIELDS);
}

/** TXNCHECK-2. */
function checkTime(
  record: TxnRecord,
  records: readonly TxnRecord[],
  operations: readonly OperationRecord[],
): void {
  const { call, back, outcome } = record;
  if (outcome.kind !== "told") return;
  const { revision } = outcome;
  for (const other of records) {
    if (other.outcome.kind !== "told" || other.back > call) continue;
    assert(
      other.outcome.revision <= revision,
      `${describeTxn(other)} came before: ${describeTxn(record)}`,
    );
  }
  for (const { operation, outcome: other, call: asked, end } of operations) {
    const isLocal = operation.kind === "read" && operation.local;
    if (isLocal || !("revision" in other)) continue;
    assert(
      end > call || other.revision <= revision,
      `${other.revision} was seen before: ${describeTxn(record)}`,
    );
    const isChange = other.kind === "written" || other.kind === "deleted";
    assert(
      asked < back || !isChange || other.revision > revision,
      `${other.revision} was written later: ${describeTxn(record)}`,
    );
  }
}

/** TXNCHECK-3. */
function checkContents(log: DecidedLog): void {
  let wasFilled = false;
  for (const { content, revision } of log.contents) {
    let sum = 0;
    for (let account = 0; account < ACCOUNTS; account++) {
      sum += Number(content.get(`${ACCOUNT_PREFIX}${account}`)?.value ?? BALANCE);
    }
    assert(sum === ACCOUNTS * BALANCE, `the accounts have ${sum} at revision ${revision}`);
    const isFilled = [...content.keys()].some((key) => key.startsWith(SET_PREFIX));
    assert(isFilled || !wasFilled, `the set is empty at revision ${revision}`);
    wasFilled ||= isFilled;
  }
}
