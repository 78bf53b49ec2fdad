/**
 * The checker as a library: it judges whether a history of a store is linearizable. README.md beside this file shows how to use it.
 *
 * @module omnikv/checker
 */
export { checkLinearizable, type LinearizabilityOptions } from "./linearizability.ts";
export { checkSequential } from "./sequential.ts";
export { checkSessionGuarantees, type SessionViolation } from "./session-guarantees.ts";
export { explain, type ExplainOptions, type Explanation } from "./explain.ts";
export { describeOperation } from "./describe.ts";
export type {
  CheckOptions,
  CheckResult,
  PartitionResult,
  UnknownReason,
  Verdict,
} from "./result.ts";
export type { LeftOut } from "./problem.ts";
export { defineModel, REJECTED, type Machine, type Model, type ModelDefinition } from "./model.ts";
export {
  appendModel,
  kvModel,
  MODEL_NAMES,
  modelOf,
  registerModel,
  type ModelName,
} from "./models.ts";
export {
  createOperation,
  type Answer,
  type Expected,
  type History,
  type Operation,
  type OperationFields,
  type Outcome,
  type Request,
  type TimeUnit,
} from "./operation.ts";
export { HistoryFormatError, WrongModelError, type HistoryFormatCode } from "./errors.ts";
export {
  FORMAT_NAMES,
  parseHistory,
  type FormatName,
  type ParsedHistory,
} from "./formats/parse-history.ts";
export { formatJsonLines } from "./formats/json-lines.ts";
export { hasTransactions, parseTransactions } from "./formats/edn-transactions.ts";
export {
  checkTransactions,
  type TransactionsOptions,
  type TransactionsResult,
} from "./transactions/check-transactions.ts";
export { isEtcdReport, parseEtcdReports, type ReportFile } from "./formats/etcd-report.ts";
export { checkStore, type StoreResult } from "./revisions/check-store.ts";
export type { StoreAnomaly } from "./revisions/check-revisions.ts";
export type {
  Condition,
  FoundKey,
  KeyRange,
  OpResult,
  Relation,
  StoreHistory,
  StoreOp,
  StoreOperation,
  StoreRequest,
  StoreTxn,
  TxnAnswer,
  Watch,
  WatchEvent,
  WatchResponse,
} from "./revisions/store-history.ts";
export type { Anomaly } from "./transactions/anomaly.ts";
export type { MicroOp, Seen, Transaction, TransactionHistory } from "./transactions/transaction.ts";
export { renderHtml, type HtmlOptions } from "./html/render-html.ts";
