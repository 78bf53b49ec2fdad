/** Types of requests and answers, and checks of users' arguments. */
export { anySignal } from "./any-signal.ts";
export {
  badArgument,
  isPositive,
  isRecord,
  unreadable,
  wrongBytes,
  wrongCondition,
  wrongCountOptions,
  wrongFunction,
  wrongHistoryOptions,
  wrongKey,
  wrongKeys,
  wrongMoment,
  wrongNodeId,
  wrongPlainWriteOptions,
  wrongRangeOptions,
  wrongReadOptions,
  wrongRequestOptions,
  wrongSelector,
  wrongSignal,
  wrongTimeout,
  wrongValue,
  wrongWatched,
  wrongWriteOptions,
  TEXT_EXPECTED,
  TIMEOUT_MS_MAX,
} from "./argument-checks.ts";
export { bytesOf } from "./bytes.ts";
export { cancelled, withReason } from "./cancelled.ts";
export { checkedSignal } from "./checked-signal.ts";
export { type KnownNames, namesOf, unknownName } from "./known-names.ts";
export { onAbort } from "./on-abort.ts";
export { orAborted } from "./or-aborted.ts";
export { ownBytes } from "./own-bytes.ts";
export { backOffMs, pause } from "./pause.ts";
export { KeyEntry, KeyValue } from "./range-entry.ts";
export { FoundResult, jsonIn, MissingResult, textIn } from "./read-result.ts";
export type {
  BatchOperation,
  BatchOutcome,
  BatchResult,
  Bytes,
  CasCondition,
  CasResult,
  CountOptions,
  CountResult,
  DeleteResult,
  Endpoint,
  HeldLease,
  HistoryOptions,
  KeyRequest,
  LeaseId,
  NodeAddress,
  NodeGiven,
  NodesGiven,
  RangeOptions,
  RangeOrder,
  RangeSelector,
  ReadOptions,
  ReadResult,
  RequestOptions,
  ResultOf,
  Results,
  Revision,
  RevisionBounds,
  Snapshot,
  WriteOptions,
  WriteResult,
} from "./types.ts";
