/**
 * Commands and their answers: all that a client needs of this folder. `index.ts` beside it has the state machine, which a client
 * program need not load.
 */
export { bytesOf, type ByteString, byteStringOf } from "../../base/index.ts";
export { CommandCursor } from "../entries/command-cursor.ts";
export type { StoredValue } from "../history/cell.ts";
export { NO_SESSION, STATUS, type Status } from "../entries/command.ts";
export { WRITE_LEASE_ID_END, WRITE_LEASE_ID_MIN } from "../entries/lease-ids.ts";
export { commandCount, validateGroup } from "../entries/group-check.ts";
export { Runs, type Run } from "../entries/group-split.ts";
export { checkCommand, checkKey, contentBytesOf, GroupWriter } from "../entries/group-writer.ts";
export type {
  HistoryPage,
  HistoryRequest,
  KeyRequest,
  KeysRequest,
  RangePage,
  RangeRequest,
} from "../keys/range.ts";
export {
  numberOf,
  RANGE_ORDERS,
  type RangeOrder,
  type RangeSelection,
} from "../keys/range-selection.ts";
export { hasLeases, mayChange, wrongTxn } from "../txn/txn-check.ts";
export { decodeNumbers, encodeNumbers } from "../entries/numbers.ts";
export type { LeaseRequest, LeasesPage, LeasesRequest, LeaseView } from "../keys/lease-reads.ts";
export { encodeTxn } from "../txn/txn-format.ts";
export { decodeResults, type Found, type TxnResult } from "../apply/txn-results.ts";
export {
  RELATIONS,
  TXN_REFUSAL,
  type Compare,
  type Relation,
  type Txn,
  type TxnOp,
  type Where,
} from "../txn/txn.ts";
export { NO_ORIGIN } from "../snapshots/state-header.ts";
export { ACCESS_NAME, ACCESS_NAME_TEXT } from "../access/access.ts";
export type { Actor } from "../access/actor.ts";
