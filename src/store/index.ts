export { bytesOf, type ByteString, byteStringOf, byteStringOfText, textOf } from "../base/index.ts";
export { changesAt, changesIn, type Change } from "./changes.ts";
export { NextChanges } from "./next-changes.ts";
export { CommandCursor } from "./command-cursor.ts";
export { NO_SESSION, STATUS, type AnswerSink } from "./command.ts";
export {
  buildEntry,
  isEntryOrItsOpening,
  openingEntry,
  OwnEntries,
  roundOpenedBy,
  validateEntry,
} from "./entry.ts";
export type { FrozenState } from "./frozen-state.ts";
export { rulesFor, validateGroup } from "./group-check.ts";
export { piecesOf, type GroupPiece } from "./group-pieces.ts";
export { GroupWriter } from "./group-writer.ts";
export { KvState } from "./kv-state.ts";
export type { PlaceSeed } from "./place-hash.ts";
export { hashedSessionName } from "./session-id.ts";
export type { StoredValue } from "./cell.ts";
export { Runs, splitGroup, type SplitGroup } from "./group-split.ts";
export type { KeyValue } from "./frozen-cells.ts";
export { settingOf, type HistoryBound } from "./history-bound.ts";
export { OrderedCells, type CellsView } from "./ordered-cells.ts";
export {
  isCut,
  readHistory,
  readPage,
  RANGE_PAGE,
  type HistoryPage,
  type HistoryRequest,
  type KeysRequest,
  type PageLimits,
  type RangePage,
  type RangeRequest,
} from "./range.ts";
export { RANGE_ORDERS, type RangeOrder, type RangeSelection } from "./range-selection.ts";
export { readAt, type Looked } from "./versions.ts";
export { beginningHash, NO_ORIGIN, type UnreadableEntries } from "./state-header.ts";
export { partingIdx, withRound, type RoundName, type Rounds } from "./rounds.ts";
export { canGrow, wrongTxn } from "./txn-check.ts";
export { decodeNumbers, encodeNumbers } from "./numbers.ts";
export { decodeClock, encodeClock, type ClockEntry } from "./clock-entry.ts";
export {
  readLease,
  readLeases,
  type LeaseRequest,
  type LeasesPage,
  type LeasesRequest,
} from "./lease-reads.ts";
export type { Leases } from "./leases.ts";
export { decodeTxn, encodeTxn } from "./txn-format.ts";
export { decodeResults, type Found, type TxnResult } from "./txn-results.ts";
export type { Compare, Txn, TxnOp, Where } from "./txn.ts";
export { DEFAULT_QUOTA_BYTES } from "./state-size.ts";
export { SnapshotDecoder } from "./snapshot-decoder.ts";
export { readSnapshotHeader, SNAPSHOT_HEADER_BYTES_MAX, SnapshotError } from "./snapshot-header.ts";
export {
  ACCESS_NAME,
  EMPTY_ACCESS,
  ROOT,
  TOKEN_KEY_BYTES,
  type AccessState,
  type Permission,
} from "./access.ts";
export {
  ACCESS_REFUSAL,
  accessRefusalText,
  decodeAccessChange,
  encodeAccessChange,
  type AccessChange,
} from "./access-change.ts";
export { readActor, SECRET_HOLDER, withActor, type Actor } from "./actor.ts";
export { mayManage, mayRead, mayWrite, refusalOf, rightsOf, type Rights } from "./rights.ts";
