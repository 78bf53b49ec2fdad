/**
 * The answers to transactions as sessions keep them. A session keeps answers of few kinds, in three bits each, and the kinds are
 * part of the format of snapshots: so for a transaction the same kinds mean something else. When an answer is repeated the command
 * is known: the kept answer has its hash.
 */
import { type ByteString, EMPTY_BYTES, ERRORS } from "../../base/index.ts";
import { STATUS, type Status } from "../entries/command.ts";

const TXN_REFUSED = ERRORS.TXN_REFUSED.wire;
const VALUE_TOO_LARGE = ERRORS.VALUE_TOO_LARGE.wire;
/** In front of results that are kept. */
const THEN_MARK = "\u0001";
const ELSE_MARK = "\u0000";

interface TxnAnswer {
  readonly status: Status;
  /** Undefined: there are none, or they are not kept. */
  readonly results: ByteString | undefined;
}

interface KeptTxn {
  readonly status: Status;
  readonly actual: ByteString | undefined;
}

/** @param status STATUS.txnThen, STATUS.txnElse, or that of an error */
export function keptOf({ status, results }: TxnAnswer): KeptTxn {
  switch (status) {
    case STATUS.txnThen:
      if (results === undefined) return { status: STATUS.casFailedLarge, actual: undefined };
      if (results === EMPTY_BYTES) return { status: STATUS.ok, actual: undefined };
      return { status: STATUS.casFailed, actual: (THEN_MARK + results) as ByteString };
    case STATUS.txnElse:
      if (results === undefined) return { status: STATUS.casFailed, actual: undefined };
      if (results === EMPTY_BYTES) return { status: STATUS.notFound, actual: undefined };
      return { status: STATUS.casFailed, actual: (ELSE_MARK + results) as ByteString };
    case TXN_REFUSED:
      return { status: VALUE_TOO_LARGE, actual: undefined };
    default:
      return { status, actual: undefined };
  }
}

/** The same answer again. */
export function answerOf({ status, actual }: KeptTxn): TxnAnswer {
  switch (status) {
    case STATUS.ok:
      return { status: STATUS.txnThen, results: EMPTY_BYTES };
    case STATUS.notFound:
      return { status: STATUS.txnElse, results: EMPTY_BYTES };
    case STATUS.casFailedLarge:
      return { status: STATUS.txnThen, results: undefined };
    case STATUS.casFailed: {
      if (actual === undefined || actual.length === 0) {
        return { status: STATUS.txnElse, results: undefined };
      }
      const then = actual.startsWith(THEN_MARK);
      return {
        status: then ? STATUS.txnThen : STATUS.txnElse,
        results: actual.slice(1) as ByteString,
      };
    }
    case VALUE_TOO_LARGE:
      return { status: TXN_REFUSED, results: undefined };
    default:
      return { status, results: undefined };
  }
}
