/** From the records of an answer frame to answers and refusals. */
import {
  type ErrorCode,
  errorCodeFromWire,
  KvError,
  LEASE_KEYS_MAX,
  LEASES_MAX,
  TXN_KEYS_MAX,
  TXN_RESULT_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import { NO_SESSION, STATUS, TXN_REFUSAL, type Status } from "../../store/commands/index.ts";
import type { AnswerHandler } from "../../protocol/client/index.ts";
import type { Answer } from "./frames.ts";

/** Takes the answers. Numbers may be those of requests that are over. */
export interface AnswerReceiver {
  /** Of the answers that follow: the node had applied [0, idx). */
  appliedIdx(idx: number): void;
  /** What follows is of the log with this origin. */
  origin(origin: number): void;
  sessionOpened(nonce: Uint8Array, session: number): void;
  openRefused(error: KvError): void;
  written(session: number, number: number, answer: Answer): void;
  writeRefused(session: number, number: number, error: KvError): void;
  read(number: number, answer: Answer): void;
  readRefused(number: number, error: KvError): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @param from whose frames the handler gets; its id may be another with each connection */
export function createAnswerHandler(
  from: { readonly id: number },
  receiver: AnswerReceiver,
): AnswerHandler {
  // One object for all answers: see Answer.
  const answer: Mutable<Answer> = {
    node: 0,
    status: STATUS.ok,
    revision: 0,
    value: null,
    createRevision: 0,
    version: 0,
    page: null,
    versions: null,
    leases: null,
  };
  const filled = (status: Status, revision: number, value: Uint8Array | null): Mutable<Answer> => {
    answer.node = from.id;
    answer.status = status;
    answer.revision = revision;
    answer.value = value;
    answer.createRevision = 0;
    answer.version = 0;
    answer.page = null;
    answer.versions = null;
    answer.leases = null;
    return answer;
  };
  return {
    appliedIdx: (idx) => receiver.appliedIdx(idx),
    origin: (origin) => receiver.origin(origin),
    txn: (session, sequence, then, revision, results) => {
      const status = then ? STATUS.txnThen : STATUS.txnElse;
      receiver.written(session, sequence, filled(status, revision, results));
    },
    opened: (_sequence, nonce, session) => receiver.sessionOpened(nonce, session),
    write: (session, sequence, status, revision, actual) => {
      if (!isErrorStatus(status)) {
        receiver.written(session, sequence, filled(status, revision, actual ?? null));
        return;
      }
      const code = errorCodeFromWire(status);
      const isOfLease =
        code === "TXN_REFUSED" &&
        (revision === TXN_REFUSAL.noSuchLease || revision === TXN_REFUSAL.tooManyKeysOfLease);
      const error = isOfLease
        ? leaseRefusal(from.id, revision)
        : refusal(from.id, code, refusalText(code, revision));
      if (session === NO_SESSION) receiver.openRefused(error);
      else receiver.writeRefused(session, sequence, error);
    },
    refused: (session, first, count, code, text) => {
      const error = refusal(from.id, code, text);
      if (session === NO_SESSION) return receiver.openRefused(error);
      for (let sequence = first; sequence < first + count; sequence++) {
        receiver.writeRefused(session, sequence, error);
      }
    },
    value: (number, value, createRevision, modRevision, version) => {
      const read = filled(STATUS.ok, modRevision, value);
      read.createRevision = createRevision;
      read.version = version;
      receiver.read(number, read);
    },
    missing: (number) => receiver.read(number, filled(STATUS.notFound, 0, null)),
    page: (number, page) => {
      const read = filled(STATUS.ok, page.revision, null);
      read.page = page;
      receiver.read(number, read);
    },
    versions: (number, versions) => {
      const read = filled(STATUS.ok, 0, null);
      read.versions = versions;
      receiver.read(number, read);
    },
    leases: (number, leases) => {
      const read = filled(STATUS.ok, 0, null);
      read.leases = leases;
      receiver.read(number, read);
    },
    compacted: (number, oldestRevision) => {
      const text = `node ${from.id}: this revision is not kept any more, the oldest one is ${oldestRevision}`;
      receiver.readRefused(number, new KvError("COMPACTED", text, { oldestRevision }));
    },
    unread: (number, code, text) => receiver.readRefused(number, refusal(from.id, code, text)),
  };
}

/** Of what was refused when it was applied: no words travel with it. @param detail what the answer has in the place of a revision */
function refusalText(code: ErrorCode, detail: number): string {
  switch (code) {
    case "TXN_REFUSED":
      return txnRefusal(detail);
    case "VALUE_TOO_LARGE":
      return `the value would become longer than ${VALUE_BYTES_MAX} bytes, the limit; nothing was changed`;
    case "LEASE_LIMIT":
      return `there are ${LEASES_MAX} leases, and no more may be; nothing was changed`;
    case "LEASE_EXISTS":
      return "another lease has this id; nothing was changed";
    default:
      return "";
  }
}

/** @param reason TXN_REFUSAL, or one of a later version */
function txnRefusal(reason: number): string {
  switch (reason) {
    case TXN_REFUSAL.tooManyKeys:
      return `the transaction would look at more than ${TXN_KEYS_MAX} keys; nothing was changed`;
    case TXN_REFUSAL.tooMuchFound:
      return `the transaction would find more than ${TXN_RESULT_BYTES_MAX} bytes; nothing was changed`;
    case TXN_REFUSAL.nothingToKeep:
      return "the transaction keeps the value or the lease of a key that does not exist; nothing was changed";
    default:
      return "the transaction cannot be carried out on what is there; nothing was changed";
  }
}

function leaseRefusal(node: number, reason: number): KvError {
  if (reason === TXN_REFUSAL.noSuchLease) {
    return refusal(node, "LEASE_LOST", "there is no such lease, or no more; nothing was changed");
  }
  const text = `a lease has at most ${LEASE_KEYS_MAX} keys; nothing was changed`;
  return refusal(node, "LEASE_LIMIT", text);
}

const OUTCOMES: ReadonlySet<Status> = new Set(Object.values(STATUS));

/**
 * Wire numbers of errors and STATUS share one byte; see STATUS. What only a later version can say is an error of unknown outcome: "done" might
 * be false.
 */
function isErrorStatus(status: Status): boolean {
  return status !== STATUS.ok && !OUTCOMES.has(status);
}

function refusal(node: number, code: ErrorCode, text = ""): KvError {
  const name = `node ${node}`;
  if (text === "") return new KvError(code, `${name} answered ${code}`);
  // It may have named itself.
  return new KvError(code, text.startsWith(`${name} `) ? text : `${name}: ${text}`);
}
