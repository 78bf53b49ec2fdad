/**
 * Commands, and what is said of them: all that a client needs of this folder. Beside it `index.ts` has the state machine,
 * which a program that only asks must not have to load.
 */
export { bytesOf, type ByteString, byteStringOf } from "../../base/index.ts";
export { CommandCursor } from "../command-cursor.ts";
export type { StoredValue } from "../cell.ts";
export { NO_SESSION, STATUS, type Status } from "../command.ts";
export { commandCount, validateGroup } from "../group-check.ts";
export { Runs, type Run } from "../group-split.ts";
export { checkCommand, checkKey, contentBytesOf, GroupWriter } from "../group-writer.ts";
export type {
  HistoryPage,
  HistoryRequest,
  KeyRequest,
  KeysRequest,
  RangePage,
  RangeRequest,
} from "../range.ts";
export {
  numberOf,
  RANGE_ORDERS,
  type RangeOrder,
  type RangeSelection,
} from "../range-selection.ts";
export { hasLeases, wrongTxn } from "../txn-check.ts";
export { decodeNumbers, encodeNumbers } from "../numbers.ts";
export type { LeaseRequest, LeasesPage, LeasesRequest, LeaseView } from "../lease-reads.ts";
export { encodeTxn } from "../txn-format.ts";
export { decodeResults, type Found, type TxnResult } from "../txn-results.ts";
export {
  RELATIONS,
  TXN_REFUSAL,
  type Compare,
  type Relation,
  type Txn,
  type TxnOp,
  type Where,
} from "../txn.ts";
export { NO_ORIGIN } from "../state-header.ts";
export { ACCESS_NAME, ACCESS_NAME_TEXT } from "../access.ts";
export type { Actor } from "../actor.ts";
