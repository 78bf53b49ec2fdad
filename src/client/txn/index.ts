/** Transactions: their types, how they are put together and carried out. */
export { Atomic } from "./atomic.ts";
export {
  runTransact,
  Transaction,
  type TransactMachine,
  type TransactRangeOptions,
  type TransactSource,
  wrongTransactOptions,
} from "./transact.ts";
export { withinPrefix, withoutPrefix } from "./txn-prefix.ts";
export type {
  AtomicCheck,
  AtomicConflict,
  AtomicResult,
  TransactOptions,
  TransactResult,
  TxnCompare,
  TxnOperation,
  TxnOperationResult,
  TxnRequest,
  TxnResult,
  TxnTarget,
  TxnWhere,
} from "./txn-types.ts";
export { checkTxnShape, txnOf, txnResult, untilTold } from "./txn.ts";
