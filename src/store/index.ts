export { bytesOf, type ByteString, byteStringOf, byteStringOfText, textOf } from "../base/index.ts";
export { changesAt, changesIn, type Change } from "./history/changes.ts";
export { NextChanges } from "./history/next-changes.ts";
export { CommandCursor } from "./entries/command-cursor.ts";
export { NO_SESSION, STATUS, type AnswerSink } from "./entries/command.ts";
export {
  buildEntry,
  isEntryOrItsOpening,
  openingEntry,
  OwnEntries,
  roundOpenedBy,
  rulesFor,
  validateEntry,
} from "./entries/entry.ts";
export type { FrozenState } from "./snapshots/frozen-state.ts";
export { outlineOf } from "./entries/group-check.ts";
export { piecesOf, type GroupPiece } from "./entries/group-pieces.ts";
export { GroupWriter } from "./entries/group-writer.ts";
export { KvState } from "./kv-state.ts";
export type { PlaceSeed } from "./entries/place-hash.ts";
export { hashedSessionName } from "./sessions/session-id.ts";
export type { StoredValue } from "./history/cell.ts";
export { Runs, splitGroup, type SplitGroup } from "./entries/group-split.ts";
export { settingOf, type HistoryBound } from "./history/history-bound.ts";
export { OrderedCells, type CellsView } from "./keys/ordered-cells.ts";
export {
  readHistory,
  readPage,
  RANGE_PAGE,
  type HistoryPage,
  type HistoryRequest,
  type KeysRequest,
  type PageLimits,
  type RangePage,
  type RangeRequest,
} from "./keys/range.ts";
export { RANGE_ORDERS, type RangeOrder, type RangeSelection } from "./keys/range-selection.ts";
export { readAt, type Looked } from "./history/versions.ts";
export { beginningHash, NO_ORIGIN, type UnreadableEntries } from "./snapshots/state-header.ts";
export { partingIdx, withRound, type Rounds } from "./entries/rounds.ts";
export { canGrow } from "./txn/txn-check.ts";
export { decodeNumbers, encodeNumbers } from "./entries/numbers.ts";
export { decodeClock, encodeClock, type ClockEntry } from "./entries/clock-entry.ts";
export {
  readLease,
  readLeases,
  type LeaseRequest,
  type LeasesPage,
  type LeasesRequest,
} from "./keys/lease-reads.ts";
export type { Leases } from "./keys/leases.ts";
export { decodeTxn, encodeTxn } from "./txn/txn-format.ts";
export { decodeResults, type Found, type TxnResult } from "./apply/txn-results.ts";
export type { Compare, Txn, TxnOp, Where } from "./txn/txn.ts";
export { DEFAULT_QUOTA_BYTES } from "./history/state-size.ts";
export { SnapshotDecoder } from "./snapshot-decoder.ts";
export {
  readSnapshotHeader,
  SNAPSHOT_HEADER_BYTES_MAX,
  SNAPSHOT_ORIGIN_BYTES,
  snapshotOrigin,
  SnapshotError,
} from "./snapshots/snapshot-header.ts";
export {
  ACCESS_NAME,
  EMPTY_ACCESS,
  ROOT,
  TOKEN_KEY_BYTES,
  type AccessState,
  type Permission,
} from "./access/access.ts";
export {
  accessRefusalText,
  decodeAccessChange,
  encodeAccessChange,
  type AccessChange,
} from "./access/access-change.ts";
export { readActor, SECRET_HOLDER, withActor, type Actor } from "./access/actor.ts";
export {
  mayManage,
  mayRead,
  refusalOf,
  rightsNow,
  rightsOf,
  SHUT_OUT,
  type Asking,
  type Rights,
} from "./apply/rights.ts";
