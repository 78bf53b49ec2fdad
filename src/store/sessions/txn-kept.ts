/**
 * The answers to transactions as sessions keep them. A session keeps answers of few kinds, in three bits each, and the kinds are
 * part of the format of snapshots: so for a transaction the same kinds mean something else. When an answer is repeated the command
 * is known: the kept answer has its hash.
 */
import { type AnyBytes, bytesOf, ERRORS } from "../../base/index.ts";
import { STATUS, type Status } from "../entries/command.ts";

const TXN_REFUSED = ERRORS.TXN_REFUSED.wire;
const VALUE_TOO_LARGE = ERRORS.VALUE_TOO_LARGE.wire;
/** In front of results that are kept. */
const THEN_MARK = 1;
const ELSE_MARK = 0;

const NO_RESULTS = new Uint8Array(0);

interface TxnAnswer {
  readonly status: Status;
  /** As of encodeResults. Undefined: they are not kept. */
  readonly results: Uint8Array | undefined;
}

interface KeptTxn {
  readonly status: Status;
  readonly actual: AnyBytes | undefined;
}

/** How many bytes `keptOf` makes of so many. */
export function keptLength(resultBytes: number): number {
  return resultBytes === 0 ? 0 : 1 + resultBytes;
}

/** @param status STATUS.txnThen, STATUS.txnElse, or that of an error */
export function keptOf({ status, results }: TxnAnswer): KeptTxn {
  switch (status) {
    case STATUS.txnThen:
      if (results === undefined) return { status: STATUS.casFailedLarge, actual: undefined };
      if (results.length === 0) return { status: STATUS.ok, actual: undefined };
      return { status: STATUS.casFailed, actual: marked(THEN_MARK, results) };
    case STATUS.txnElse:
      if (results === undefined) return { status: STATUS.casFailed, actual: undefined };
      if (results.length === 0) return { status: STATUS.notFound, actual: undefined };
      return { status: STATUS.casFailed, actual: marked(ELSE_MARK, results) };
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
      return { status: STATUS.txnThen, results: NO_RESULTS };
    case STATUS.notFound:
      return { status: STATUS.txnElse, results: NO_RESULTS };
    case STATUS.casFailedLarge:
      return { status: STATUS.txnThen, results: undefined };
    case STATUS.casFailed: {
      if (actual === undefined || actual.length === 0) {
        return { status: STATUS.txnElse, results: undefined };
      }
      const bytes = typeof actual === "string" ? bytesOf(actual) : actual;
      const then = bytes[0] === THEN_MARK;
      return { status: then ? STATUS.txnThen : STATUS.txnElse, results: bytes.subarray(1) };
    }
    case VALUE_TOO_LARGE:
      return { status: TXN_REFUSED, results: undefined };
    default:
      return { status, results: undefined };
  }
}

function marked(mark: number, results: Uint8Array): Uint8Array {
  const kept = new Uint8Array(1 + results.length);
  kept[0] = mark;
  kept.set(results, 1);
  return kept;
}
