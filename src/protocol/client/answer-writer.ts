import {
  type AnyBytes,
  ByteWriter,
  CLIENT_FRAME_BYTES_MAX,
  type ErrorCode,
} from "../../base/index.ts";
import {
  CommandCursor,
  NO_ORIGIN,
  NO_SESSION,
  Runs,
  STATUS,
  type HistoryPage,
  type LeasesPage,
  type RangePage,
  type Run,
  type Status,
  type StoredValue,
} from "../../store/commands/index.ts";
import type { Layout } from "../codec/index.ts";
import {
  COMPACTED,
  LEASES,
  OPENED,
  ORIGIN,
  OTHER,
  PAGE,
  RECORD,
  REFUSED,
  TXN,
  UNREAD,
  VERSIONS,
} from "./answer-records.ts";
import { TEXT_BYTES_MAX } from "./client-fields.ts";
import { FRAME, OPEN_WITH_ORIGIN } from "./client-layout.ts";
import { knowsRevisions } from "./read-kinds.ts";

/** Type and applied index, which is filled in when the frame goes out. */
const HEADER_BYTES = 9;
/** What a record takes beside its value or text, at most. */
const RECORD_OVERHEAD_BYTES = 64;
/** One client may ask in 4 MiB for 4 GiB: this node refuses the reads that exceed this in one turn. */
const TURN_BYTES_MAX = 32 * 1024 * 1024;
/**
 * A frame that repeats one failed cas a thousand times asks for as much again. A value goes along only while the answers so far
 * have fewer bytes than this; after that the client is told to read the key.
 */
const WRITE_VALUES_MAX = 1024 * 1024;

/** What a key of a page takes beside key and value, at most. */
const ITEM_OVERHEAD_BYTES = 48;
const COMPACTED_TEXT = "the revision that is asked for is not kept any more: begin anew";
const TOO_LARGE = "the values asked for at once are too large together";
/** One record must fit one frame: a longer frame ends the client's connection, or the link to the neighbour that relays it. */
const ANSWER_BYTES_MAX = CLIENT_FRAME_BYTES_MAX - HEADER_BYTES - RECORD_OVERHEAD_BYTES;

/** Collects the answers to one client in one turn of the event loop. */
export class AnswerWriter {
  readonly #out = new ByteWriter(512);
  /** Frames that are full and wait to be handed over. */
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  /** Work since the last `drain` that put nothing into a frame, in bytes. */
  #workBytes = 0;
  /** The session named last in the current frame. */
  #session = -1;

  constructor() {
    this.#beginFrame();
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#out.length === HEADER_BYTES;
  }

  /** How many bytes have been collected so far. */
  get bytes(): number {
    return this.#fullBytes + this.#out.length;
  }

  /** The work of collecting it, in bytes that might have been written instead. */
  get work(): number {
    return this.bytes + this.#workBytes;
  }

  /** The search for an answer was as much work as to write so many bytes. It counts even when it found none. */
  worked(bytes: number): void {
    this.#workBytes += bytes;
  }

  /** Adds the outcome of a command: as AnswerSink.answer. */
  write(
    session: number,
    sequence: number,
    status: Status,
    revision: number,
    actual: AnyBytes | undefined,
  ): void {
    if (status === STATUS.txnThen || status === STATUS.txnElse) {
      return this.#txn(session, sequence, status === STATUS.txnThen, revision, actual);
    }
    if (status === STATUS.casFailed && actual !== undefined && this.bytes >= WRITE_VALUES_MAX) {
      return this.write(session, sequence, STATUS.casFailedLarge, revision, undefined);
    }
    this.#reserve(actual?.length ?? 0);
    this.#nameSession(session);
    if (status !== STATUS.ok) {
      return this.#put(RECORD.other, OTHER, { sequence, status, revision, actual });
    }
    const out = this.#out;
    out.u8(RECORD.ok);
    out.varint(sequence);
    out.varint(revision);
  }

  /** A client cannot ask again for what a transaction found: so more bytes of results go along than of values for failed cas. */
  #txn(
    session: number,
    sequence: number,
    succeeded: boolean,
    revision: number,
    found: AnyBytes | undefined,
  ): void {
    const isTold = found !== undefined && this.bytes + found.length <= TURN_BYTES_MAX;
    const results = isTold ? found : null;
    this.#reserve(results?.length ?? 0);
    this.#nameSession(session);
    this.#put(RECORD.txn, TXN, { sequence, succeeded, revision, results });
  }

  /** @param origin of the log that the session stands in: for clients that have asked for it */
  opened(sequence: number, nonce: Uint8Array, session: number, origin: number): void {
    this.#reserve(0);
    if (sequence === OPEN_WITH_ORIGIN) this.origin(origin);
    this.#put(RECORD.opened, OPENED, { sequence, nonce, session });
  }

  /** The same refusal for all commands of a (checked) group: none of them was proposed. */
  refuseGroup(group: Uint8Array, code: ErrorCode, text: string): void {
    const runs = new Runs();
    const cursor = new CommandCursor();
    cursor.resetToGroup(group);
    while (cursor.next()) runs.add(cursor.sequence);
    this.refuseRuns(cursor.session, runs.list, code, text);
  }

  /** The same refusal for some commands of one session: they had no effect. */
  refuseRuns(session: number, runs: readonly Run[], code: ErrorCode, text: string): void {
    this.#reserve(TEXT_BYTES_MAX + 16 * runs.length);
    this.#nameSession(session);
    this.#put(RECORD.refused, REFUSED, { code, text, runs });
  }

  /**
   * Hands over what was collected, and is empty again. The frames are the receiver's.
   * @param appliedIdx what the state has applied now: at least what the answers tell of
   */
  drain(appliedIdx: number, deliver: (frame: Uint8Array) => void): void {
    if (this.#out.length > HEADER_BYTES) this.#endFrame();
    this.#workBytes = 0;
    const frames = this.#full;
    if (frames.length === 0) return;
    this.#full = [];
    this.#fullBytes = 0;
    for (const frame of frames) {
      const view = new DataView(frame.buffer);
      view.setUint32(1, Math.floor(appliedIdx / 0x1_0000_0000));
      view.setUint32(5, appliedIdx >>> 0);
      deliver(frame);
    }
  }

  /** The origin of the log of all answers after it, in this frame and later ones. */
  origin(origin: number): void {
    if (origin === NO_ORIGIN) return;
    this.#reserve(0);
    this.#put(RECORD.origin, ORIGIN, origin);
  }

  #value(request: number, stored: StoredValue): void {
    this.#reserve(stored.value.length);
    const out = this.#out;
    out.u8(RECORD.value);
    out.varint(request);
    out.sizedByteString(stored.value);
    out.varint(stored.createRevision);
    out.varint(stored.modRevision);
    out.varint(stored.version);
  }

  /** The value of a key; undefined: there is no such key. */
  stored(request: number, stored: StoredValue | undefined): void {
    if (stored === undefined) {
      this.#reserve(0);
      this.#out.u8(RECORD.missing);
      this.#out.varint(request);
    } else if (this.bytes + stored.value.length > TURN_BYTES_MAX) {
      this.unread(request, "OVERLOADED", TOO_LARGE);
    } else {
      this.#value(request, stored);
    }
  }

  /** A revision before the oldest that is kept. No text and no object: it may be one of thousands. */
  compacted(request: number, kind: number, oldest: number): void {
    if (!knowsRevisions(kind)) return this.unread(request, "COMPACTED", COMPACTED_TEXT);
    this.#reserve(0);
    this.#put(RECORD.compacted, COMPACTED, { request, oldest });
  }

  /**
   * A revision that does not exist yet. For a local read it may exist on other nodes, and this node may only lag. A linearizable
   * read has all decided entries, so its client asked for a revision that no node has.
   */
  ahead(request: number, kind: number, revision: number, isLocal: boolean, now: number): void {
    if (!isLocal) {
      const text = `there is no revision ${revision} yet: the newest one of the store is ${now}`;
      return this.unread(request, "BAD_REQUEST", text);
    }
    // Programs that ask with the oldest kinds know of no other code.
    const code = knowsRevisions(kind) ? "REVISION_AHEAD" : "NO_QUORUM";
    this.unread(request, code, aheadText(revision, now));
  }

  /** The answer to a read of one key. */
  versions(request: number, page: HistoryPage): void {
    let bytes = 0;
    for (const { value } of page.versions) bytes += value.length + ITEM_OVERHEAD_BYTES;
    if (this.#isTooMuch(request, bytes)) return;
    this.#reserve(bytes);
    this.#put(RECORD.versions, VERSIONS, { request, answer: page });
  }

  /** The answer to a read of many keys. */
  page(request: number, page: RangePage, keysOnly: boolean): void {
    let bytes = page.resume?.length ?? 0;
    for (const { key, value } of page.keys) {
      bytes += key.length + (keysOnly ? 0 : value.length) + ITEM_OVERHEAD_BYTES;
    }
    if (this.#isTooMuch(request, bytes)) return;
    this.#reserve(bytes);
    this.#put(RECORD.page, PAGE, { request, answer: { ...page, keysOnly } });
  }

  leases(request: number, page: LeasesPage): void {
    let bytes = ITEM_OVERHEAD_BYTES * page.leases.length;
    for (const key of page.keys) bytes += key.length + 2;
    if (this.#isTooMuch(request, bytes)) return;
    this.#reserve(bytes);
    this.#put(RECORD.leases, LEASES, { request, answer: page });
  }

  /** One read is refused. */
  unread(request: number, code: ErrorCode, text: string): void {
    this.#reserve(TEXT_BYTES_MAX);
    this.#put(RECORD.unread, UNREAD, { code, text, request });
  }

  /**
   * Refuses an answer that is too long for one frame, for good, or for what is left of this turn.
   * @returns whether it did
   */
  #isTooMuch(request: number, bytes: number): boolean {
    if (bytes > ANSWER_BYTES_MAX) this.unread(request, "VALUE_TOO_LARGE", tooLargeText(bytes));
    else if (this.bytes + bytes > TURN_BYTES_MAX) this.unread(request, "OVERLOADED", TOO_LARGE);
    else return false;
    return true;
  }

  #put<W>(record: number, layout: Layout<unknown, W>, value: W): void {
    this.#out.u8(record);
    layout.write(this.#out, value);
  }

  #nameSession(session: number): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#out.u8(RECORD.session);
    this.#out.varint(session);
  }

  /** Frames are bounded, because they may travel on to a neighbour's client inside a message between nodes. */
  #reserve(contentBytes: number): void {
    const needed = this.#out.length + contentBytes + RECORD_OVERHEAD_BYTES;
    if (needed > CLIENT_FRAME_BYTES_MAX && this.#out.length > HEADER_BYTES) this.#endFrame();
  }

  #endFrame(): void {
    const frame = this.#out.copy();
    this.#full.push(frame);
    this.#fullBytes += frame.length;
    this.#beginFrame();
  }

  #beginFrame(): void {
    this.#out.clear();
    this.#out.u8(FRAME.answers);
    this.#out.u53(0);
    this.#session = NO_SESSION;
  }
}

/** A client that knows of this refusal asks for fewer keys by itself. */
function tooLargeText(bytes: number): string {
  return (
    `the keys asked for at once and their values have ${bytes} bytes together, and one answer has at most ${ANSWER_BYTES_MAX}: ` +
    `ask for fewer keys at once, the later ones at the revision of the first`
  );
}

/** The text for a read of a revision that this node has not reached. */
export function aheadText(wanted: number, newest: number): string {
  return `revision ${wanted} is not there yet at this node: the newest one is ${newest}`;
}
