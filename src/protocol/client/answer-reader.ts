import {
  ByteReader,
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
  errorCodeFromWire,
  FRAME_COMMANDS_MAX,
  SESSION_NONCE_BYTES,
} from "../../base/index.ts";
import {
  NO_ORIGIN,
  NO_SESSION,
  STATUS,
  type LeaseView,
  type Status,
} from "../../store/commands/index.ts";
import { FRAME, PAGE_FLAG, RECORD, TEXT_BYTES_MAX, TXN_FLAG } from "./client-layout.ts";
import { DecodeError } from "../codec/index.ts";
import { readPageItems, type PageItem } from "./page-items.ts";
import { readSized } from "./sized.ts";

/** A page of a range: see RangePage. Byte strings are views of the frame. */
export interface PageAnswer {
  readonly revision: number;
  readonly count: number;
  readonly resume: Uint8Array | null;
  readonly items: Iterable<PageItem>;
}

/** Versions of a key, newest first: see HistoryPage. Byte strings are views of the frame. */
export interface VersionsAnswer {
  /** The revision to go on with. Null: nothing older is kept. */
  readonly resume: number | null;
  readonly items: readonly {
    /** Null: the key was deleted; its create revision and version are 0 then. */
    readonly value: Uint8Array | null;
    readonly createRevision: number;
    readonly modRevision: number;
    readonly version: number;
  }[];
}

/** A lease with some of its keys, or leases: see LeasesPage. Byte strings are views of the frame. */
export interface LeasesAnswer {
  readonly leases: readonly LeaseView[];
  readonly keys: readonly Uint8Array[];
  readonly more: boolean;
}

/** Told of each answer in a frame. Byte strings are views of the frame. */
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
   * What came of a transaction.
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
  /** What comes after it is of the log with this origin. Only said to who has asked. */
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
  /** What was asked for is of a revision before `oldest`, and gone. Only said to who asks for a revision. */
  compacted?(request: number, oldest: number): void;
  unread(request: number, code: ErrorCode, text: string): void;
}

/** @throws DecodeError, whatever the bytes; possibly after some calls of the handler */
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
    case RECORD.other:
      decodeOther(reader, session, handler);
      return;
    case RECORD.txn:
      decodeTxnAnswer(reader, session, handler);
      return;
    case RECORD.opened: {
      const sequence = reader.varint();
      const nonce = reader.bytes(SESSION_NONCE_BYTES);
      const opened = reader.varint();
      if (!reader.failed) handler.opened(sequence, nonce, opened);
      return;
    }
    case RECORD.refused:
      decodeRefused(reader, session, handler);
      return;
    case RECORD.value: {
      const request = reader.varint();
      const value = readSized(reader);
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
    case RECORD.page: {
      const request = reader.varint();
      const page = readPage(reader);
      if (!reader.failed) handler.page?.(request, page);
      return;
    }
    case RECORD.versions: {
      const request = reader.varint();
      const versions = readVersions(reader);
      if (!reader.failed) handler.versions?.(request, versions);
      return;
    }
    case RECORD.leases: {
      const request = reader.varint();
      const leases = readLeases(reader);
      if (!reader.failed) handler.leases?.(request, leases);
      return;
    }
    case RECORD.compacted: {
      const request = reader.varint();
      const oldest = reader.varint();
      if (!reader.failed) handler.compacted?.(request, oldest);
      return;
    }
    case RECORD.unread: {
      const code = errorCodeFromWire(reader.u8());
      const text = readText(reader);
      const request = reader.varint();
      if (!reader.failed) handler.unread(request, code, text);
      return;
    }
    case RECORD.origin: {
      const origin = reader.varint();
      if (origin === NO_ORIGIN) reader.fail("an origin");
      if (!reader.failed) handler.origin?.(origin);
      return;
    }
    default:
      reader.fail(`a known record instead of ${record}`);
  }
}

function decodeOther(reader: ByteReader, session: number, handler: AnswerHandler): void {
  const sequence = reader.varint();
  const status = reader.u8();
  const revision = reader.varint();
  const hasValue = reader.u8();
  if (hasValue > 1) reader.fail("0 or 1");
  const actual = hasValue === 1 ? readSized(reader) : undefined;
  if (status === STATUS.ok) reader.fail("a status that is not ok");
  if (!reader.failed) handler.write(session, sequence, status, revision, actual);
}

function decodeTxnAnswer(reader: ByteReader, session: number, handler: AnswerHandler): void {
  const sequence = reader.varint();
  const flags = reader.u8();
  if ((flags & ~(TXN_FLAG.succeeded | TXN_FLAG.told)) !== 0)
    reader.fail("known flags of a transaction");
  const revision = reader.varint();
  const results = (flags & TXN_FLAG.told) === 0 ? null : readSized(reader);
  if (reader.failed) return;
  handler.txn?.(session, sequence, (flags & TXN_FLAG.succeeded) !== 0, revision, results);
}

function decodeRefused(reader: ByteReader, session: number, handler: AnswerHandler): void {
  const code = errorCodeFromWire(reader.u8());
  const text = readText(reader);
  const runs = reader.varint();
  let total = 0;
  for (let i = 0; i < runs && !reader.failed; i++) {
    const first = reader.varint();
    const count = reader.varint();
    total += count;
    if (count < 1 || total > FRAME_COMMANDS_MAX) {
      reader.fail(`at most ${FRAME_COMMANDS_MAX} refusals`);
    }
    if (!reader.failed) handler.refused(session, first, count, code, text);
  }
}

function readPage(reader: ByteReader): PageAnswer {
  const flags = reader.u8();
  if ((flags & ~(PAGE_FLAG.hasMore | PAGE_FLAG.keysOnly)) !== 0)
    reader.fail("known flags of a page");
  const revision = reader.varint();
  const count = reader.varint();
  const resume = (flags & PAGE_FLAG.hasMore) === 0 ? null : readSized(reader);
  const length = reader.varint();
  const items = readPageItems(reader, length, (flags & PAGE_FLAG.keysOnly) === 0);
  return { revision, count, resume, items };
}

function readVersions(reader: ByteReader): VersionsAnswer {
  const next = reader.varint();
  const length = reader.varint();
  const items: VersionsAnswer["items"][number][] = [];
  for (let i = 0; i < length && !reader.failed; i++) {
    const version = reader.varint();
    const modRevision = reader.varint();
    const isThere = version > 0;
    const createRevision = isThere ? reader.varint() : 0;
    items.push({
      value: isThere ? readSized(reader) : null,
      createRevision,
      modRevision,
      version,
    });
  }
  return { resume: next === 0 ? null : next - 1, items };
}

function readLeases(reader: ByteReader): LeasesAnswer {
  const more = reader.u8();
  if (more > 1) reader.fail("0 or 1");
  const leases: LeaseView[] = [];
  const length = reader.varint();
  for (let i = 0; i < length && !reader.failed; i++) {
    leases.push({
      id: reader.varint(),
      ttlMs: reader.varint(),
      remainingMs: reader.varint(),
      keys: reader.varint(),
    });
  }
  const keys: Uint8Array[] = [];
  const count = reader.varint();
  for (let i = 0; i < count && !reader.failed; i++) keys.push(readSized(reader));
  return { leases, keys, more: more === 1 };
}

function readText(reader: ByteReader): string {
  const length = reader.varint();
  if (length > TEXT_BYTES_MAX) reader.fail(`a text of at most ${TEXT_BYTES_MAX} bytes`);
  return reader.text(length);
}
