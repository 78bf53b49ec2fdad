import {
  ByteReader,
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
  FRAME_COMMANDS_MAX,
} from "../../base/index.ts";
import { NO_SESSION, STATUS, type Status } from "../../store/commands/index.ts";
import { DecodeError, type Layout } from "../codec/index.ts";
import {
  COMPACTED,
  LEASES,
  type LeasesAnswer,
  OPENED,
  ORIGIN,
  OTHER,
  PAGE,
  type PageAnswer,
  RECORD,
  REFUSED,
  TXN,
  UNREAD,
  VERSIONS,
  type VersionsAnswer,
} from "./answer-records.ts";
import { TOLD } from "./client-fields.ts";
import { FRAME } from "./client-layout.ts";

/** Receives each answer of a frame. Byte strings are views of the frame. */
export interface AnswerHandler {
  /** First. The node had applied [0, idx) when it sent this: what a later local read elsewhere has to wait for. */
  appliedIdx(idx: number): void;
  /**
   * @param status as AnswerSink.answer: STATUS, or the wire number of an error
   * @param actual the key's value after STATUS.casFailed; undefined when it is absent
   */
  write(
    session: number,
    sequence: number,
    status: Status,
    revision: number,
    actual: Uint8Array | undefined,
  ): void;
  /**
   * The outcome of a transaction.
   * @param then which list was taken
   * @param results as of store/txn-results; null: not told
   */
  txn?(
    session: number,
    sequence: number,
    then: boolean,
    revision: number,
    results: Uint8Array | null,
  ): void;
  opened(sequence: number, nonce: Uint8Array, session: number): void;
  /** The answers after it are of the log with this origin. A node sends it only to a client that asked for it. */
  origin?(origin: number): void;
  /** The commands with sequence numbers in [first, first + count) were not proposed by this attempt. */
  refused(session: number, first: number, count: number, code: ErrorCode, text: string): void;
  value(
    request: number,
    value: Uint8Array,
    createRevision: number,
    modRevision: number,
    version: number,
  ): void;
  missing(request: number): void;
  page?(request: number, page: PageAnswer): void;
  versions?(request: number, versions: VersionsAnswer): void;
  leases?(request: number, leases: LeasesAnswer): void;
  /** The read needs a revision before `oldest`, which is gone. A node sends it only for a read that names a revision. */
  compacted?(request: number, oldest: number): void;
  unread(request: number, code: ErrorCode, text: string): void;
}

/** @throws DecodeError, and nothing else for any bytes; possibly after some calls of the handler */
export function decodeAnswers(frame: Uint8Array, handler: AnswerHandler): void {
  if (frame.length > CLIENT_FRAME_BYTES_MAX) {
    throw new DecodeError(`answers of ${frame.length} bytes`);
  }
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== FRAME.answers) reader.fail("a frame of answers");
  const appliedIdx = reader.u53();
  if (!reader.failed) handler.appliedIdx(appliedIdx);
  let session = NO_SESSION;
  while (!reader.failed && !reader.isAtEnd) {
    const record = reader.u8();
    if (record === RECORD.session) session = reader.varint();
    else decodeRecord(reader, record, session, handler);
  }
  if (reader.failed) throw new DecodeError(`answers: ${reader.problem}`);
}

function decodeRecord(
  reader: ByteReader,
  record: number,
  session: number,
  handler: AnswerHandler,
): void {
  switch (record) {
    case RECORD.ok: {
      const sequence = reader.varint();
      const revision = reader.varint();
      if (!reader.failed) handler.write(session, sequence, STATUS.ok, revision, undefined);
      return;
    }
    case RECORD.other: {
      const { sequence, status, revision, actual } = OTHER.read(reader);
      if (status === STATUS.ok) reader.fail("a status that is not ok");
      if (!reader.failed) handler.write(session, sequence, status, revision, actual);
      return;
    }
    case RECORD.value: {
      const request = reader.varint();
      const value = TOLD.read(reader);
      const createRevision = reader.varint();
      const modRevision = reader.varint();
      const version = reader.varint();
      if (!reader.failed) handler.value(request, value, createRevision, modRevision, version);
      return;
    }
    case RECORD.missing: {
      const request = reader.varint();
      if (!reader.failed) handler.missing(request);
      return;
    }
    default:
      decodeRare(reader, record, session, handler);
  }
}

/** Apart, because it makes a function for each that it decodes. */
function decodeRare(
  reader: ByteReader,
  record: number,
  session: number,
  handler: AnswerHandler,
): void {
  const told = <T>(layout: Layout<T, never>, tell: (value: T) => void): void => {
    const value = layout.read(reader);
    if (!reader.failed) tell(value);
  };
  switch (record) {
    case RECORD.txn:
      return told(TXN, ({ sequence, succeeded, revision, results }) =>
        handler.txn?.(session, sequence, succeeded, revision, results),
      );
    case RECORD.opened:
      return told(OPENED, (opened) =>
        handler.opened(opened.sequence, opened.nonce, opened.session),
      );
    case RECORD.refused:
      return told(REFUSED, ({ code, text, runs }) => {
        let total = 0;
        for (const { first, count } of runs) {
          total += count;
          if (count >= 1 && total <= FRAME_COMMANDS_MAX) {
            handler.refused(session, first, count, code, text);
          } else {
            reader.fail(`at most ${FRAME_COMMANDS_MAX} refusals`);
            return;
          }
        }
      });
    case RECORD.page:
      return told(PAGE, ({ request, answer }) => handler.page?.(request, answer));
    case RECORD.versions:
      return told(VERSIONS, ({ request, answer }) => handler.versions?.(request, answer));
    case RECORD.leases:
      return told(LEASES, ({ request, answer }) => handler.leases?.(request, answer));
    case RECORD.compacted:
      return told(COMPACTED, ({ request, oldest }) => handler.compacted?.(request, oldest));
    case RECORD.unread:
      return told(UNREAD, ({ request, code, text }) => handler.unread(request, code, text));
    case RECORD.origin:
      return told(ORIGIN, (origin) => handler.origin?.(origin));
    default:
      reader.fail(`a known record instead of ${record}`);
  }
}
