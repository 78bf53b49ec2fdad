export {
  bytesOf,
  type ByteString,
  byteStringOf,
  byteStringOfText,
  EMPTY_BYTES,
  textOf,
} from "../base/index.ts";
export { changesAt, changesIn, type Change, type ChangesSource } from "./changes.ts";
export { NextChanges } from "./next-changes.ts";
export { CommandCursor } from "./command-cursor.ts";
export { NO_SESSION, STATUS, type AnswerSink, type Status } from "./command.ts";
export {
  buildEntry,
  ENTRY_HEADER_BYTES_MAX,
  isEntryOrItsOpening,
  openingEntry,
  OwnEntries,
  roundOpenedBy,
  validateEntry,
  type Origin,
} from "./entry.ts";
export type { FrozenState } from "./frozen-state.ts";
export { commandCount, rulesFor, validateGroup } from "./group-check.ts";
export { piecesOf, type GroupPiece } from "./group-pieces.ts";
export { checkCommand, checkKey, contentBytesOf, GroupWriter } from "./group-writer.ts";
export { KvState } from "./kv-state.ts";
export type { PlaceSeed } from "./place-hash.ts";
export { hashedSessionName } from "./session-id.ts";
export type { StoredValue } from "./cell.ts";
export { Runs, splitGroup, type Run, type SplitGroup } from "./group-split.ts";
export type { PrefixShare } from "./largest-prefixes.ts";
export type { KeyValue, RangeQuery } from "./frozen-cells.ts";
export { DEFAULT_HISTORY_REVISIONS, settingOf, type HistoryBound } from "./history-bound.ts";
export { OrderedCells, type CellsView } from "./ordered-cells.ts";
export {
  isCut,
  readHistory,
  readPage,
  RANGE_PAGE,
  type HistoryPage,
  type HistoryRequest,
  type PageLimits,
  type RangePage,
  type RangeRequest,
  type ReadSource,
} from "./range.ts";
export { numberOf, RANGE_ORDERS, type RangeOrder, type RangeSelection } from "./range-selection.ts";
export { readAt, type Looked } from "./versions.ts";
export { beginningHash, NO_ORIGIN, type UnreadableEntries } from "./state-header.ts";
export { partingIdx, withRound, type Round, type RoundName, type Rounds } from "./rounds.ts";
export { canGrow, hasLeases, wrongTxn } from "./txn-check.ts";
export { decodeNumbers, encodeNumbers } from "./numbers.ts";
export { decodeClock, encodeClock, type ClockEntry } from "./clock-entry.ts";
export {
  readLease,
  readLeases,
  type LeaseRequest,
  type LeasesPage,
  type LeasesRequest,
} from "./lease-reads.ts";
export type { Leases, LeaseView } from "./leases.ts";
export { decodeTxn, encodeTxn } from "./txn-format.ts";
export { decodeResults, type Found, type TxnResult } from "./txn-results.ts";
export { TXN_REFUSAL, type Compare, type Txn, type TxnOp, type Where } from "./txn.ts";
export { DEFAULT_QUOTA_BYTES } from "./state-size.ts";
export { SnapshotDecoder } from "./snapshot-decoder.ts";
export { readSnapshotHeader, SNAPSHOT_HEADER_BYTES_MAX, SnapshotError } from "./snapshot-header.ts";
export {
  ACCESS_NAME,
  ACCESS_NAME_TEXT,
  EMPTY_ACCESS,
  ROOT,
  TOKEN_KEY_BYTES,
  type AccessState,
  type Permission,
  type PermissionKind,
  type Role,
  type User,
} from "./access.ts";
export {
  ACCESS_REFUSAL,
  accessRefusalText,
  decodeAccessChange,
  encodeAccessChange,
  type AccessChange,
} from "./access-change.ts";
export { readActor, SECRET_HOLDER, withActor, type Actor } from "./actor.ts";
export {
  deniedStatus,
  mayManage,
  mayRead,
  mayWrite,
  refusalOf,
  rightsOf,
  type Rights,
  type BoundKeys,
} from "./rights.ts";
