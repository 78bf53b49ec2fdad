import { ByteWriter, CLIENT_FRAME_BYTES_MAX, type ErrorCode, ERRORS } from "../../base/index.ts";
import {
  CommandCursor,
  NO_ORIGIN,
  NO_SESSION,
  Runs,
  STATUS,
  type ByteString,
  type HistoryPage,
  type HistoryRequest,
  type KeyRequest,
  type KeysRequest,
  type LeaseRequest,
  type LeasesPage,
  type LeasesRequest,
  type RangePage,
  type RangeRequest,
  type Rights,
  type Run,
  type Status,
  type StoredValue,
} from "../../store/commands/index.ts";
import {
  FRAME,
  OPEN_WITH_ORIGIN,
  PAGE_FLAG,
  READ_FLAG_LOCAL,
  READ_KIND_KEY_AT,
  READ_KIND_RANGE,
  RECORD,
  TEXT_BYTES_MAX,
  TXN_FLAG,
} from "./client-layout.ts";
import { asksForOrigin, forEachRead, takeReads, type Wanted } from "./client-requests.ts";

export interface ReadableState {
  /** Of who asks, as they are in this state. Null, or left out: everything may be read. */
  readonly rights?: Rights | null;
  /** Why something may not be read. */
  deniedText?(rights: Rights): string;
  /** NO_ORIGIN: none yet. */
  readonly origin: number;
  /** Counts the changes of keys that led to it. */
  readonly revision: number;
  /** It can be read as of this revision and those after it. */
  readonly oldest: number;
  /** Cells and versions of keys looked at so far: only grows, with all but `read`. */
  readonly looked: number;
  read(key: ByteString): StoredValue | undefined;
  /** The others are asked for revisions that there are, and that can be read. */
  readAt(key: ByteString, revision: number): StoredValue | undefined;
  page(request: RangeRequest, revision: number): RangePage;
  history(request: HistoryRequest, revision: number): HistoryPage;
  /** Left out: there are no leases. */
  lease?(request: LeaseRequest): LeasesPage;
  leases?(request: LeasesRequest): LeasesPage;
}

/** Type and applied index, which is filled in when the frame goes out. */
const HEADER_BYTES = 9;
/** To look at a key of a range, or at a version of it, is as much work as to write so many bytes. */
const CELL_WORK_BYTES = 96;
/** To take a version out of the history and write it, beside having looked at it. */
const VERSION_WORK_BYTES = 256;
/** To begin with a range or a version, or to refuse it, likewise. */
const READ_WORK_BYTES = 256;
/** What a record takes beside its value or text, at most. */
const RECORD_OVERHEAD_BYTES = 64;
/** One client may ask in 4 MiB for 4 GiB: what exceeds this in one turn is refused instead. */
const TURN_BYTES_MAX = 32 * 1024 * 1024;
/**
 * As much again can be asked for by one failed cas that is repeated a thousand times in a frame. What is answered already when a
 * value goes along is less than this; without it the client is told to read.
 */
const WRITE_VALUES_MAX = 1024 * 1024;

/** What a key of a page takes beside key and value, at most. */
const ITEM_OVERHEAD_BYTES = 48;
const NO_LEASES_PAGE: LeasesPage = { leases: [], keys: [], more: false };
const COMPACTED_TEXT = "the revision that is asked for is not kept any more: begin anew";
const TOO_LARGE = "the values asked for at once are too large together";

/** Collects the answers to one client in one turn of the event loop. */
export class AnswerWriter {
  readonly #out = new ByteWriter(512);
  /** Frames that are full. */
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  /** Since the last `drain`, beside what is written: all of it counts, whatever came of it. */
  #workBytes = 0;
  /** The session named last in the current frame. */
  #session = -1;

  constructor() {
    this.#beginFrame();
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#out.length === HEADER_BYTES;
  }

  /** Collected so far. */
  get bytes(): number {
    return this.#fullBytes + this.#out.length;
  }

  /** What it took to collect it, in bytes that might have been written instead. */
  get work(): number {
    return this.bytes + this.#workBytes;
  }

  /** What came of a command: as AnswerSink.answer. */
  write(
    session: number,
    sequence: number,
    status: Status,
    revision: number,
    actual: ByteString | undefined,
  ): void {
    if (status === STATUS.txnThen || status === STATUS.txnElse) {
      return this.#txn(session, sequence, status === STATUS.txnThen, revision, actual);
    }
    if (actual !== undefined && this.bytes >= WRITE_VALUES_MAX) {
      const large = status === STATUS.casFailed ? STATUS.casFailedLarge : status;
      return this.write(session, sequence, large, revision, undefined);
    }
    const out = this.#out;
    this.#reserve(actual?.length ?? 0);
    this.#nameSession(session);
    out.u8(status === STATUS.ok ? RECORD.ok : RECORD.other);
    out.varint(sequence);
    if (status !== STATUS.ok) out.u8(status);
    out.varint(revision);
    if (status === STATUS.ok) return;
    out.u8(actual === undefined ? 0 : 1);
    if (actual !== undefined) out.sizedByteString(actual);
  }

  /** What it found cannot be asked for again as it was: so much more of it goes along than of what a cas found. */
  #txn(
    session: number,
    sequence: number,
    then: boolean,
    revision: number,
    results: ByteString | undefined,
  ): void {
    const isTold = results !== undefined && this.bytes + results.length <= TURN_BYTES_MAX;
    this.#reserve(isTold ? results.length : 0);
    this.#nameSession(session);
    const out = this.#out;
    out.u8(RECORD.txn);
    out.varint(sequence);
    out.u8((then ? TXN_FLAG.succeeded : 0) | (isTold ? TXN_FLAG.told : 0));
    out.varint(revision);
    if (isTold) out.sizedByteString(results);
  }

  /** @param origin of the log that the session stands in: for clients that have asked for it */
  opened(sequence: number, nonce: Uint8Array, session: number, origin: number): void {
    this.#reserve(0);
    if (sequence === OPEN_WITH_ORIGIN) this.#origin(origin);
    this.#out.u8(RECORD.opened);
    this.#out.varint(sequence);
    this.#out.bytes(nonce);
    this.#out.varint(session);
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
    const out = this.#out;
    out.u8(RECORD.refused);
    this.#error(code, text);
    out.varint(runs.length);
    for (const { first, count } of runs) {
      out.varint(first);
      out.varint(count);
    }
  }

  /**
   * Answers a (checked) frame of reads from `state`.
   * @returns their number
   */
  reads(frame: Uint8Array, state: ReadableState): number {
    return this.readsWhile(frame, state, () => true).count;
  }

  /**
   * The same, one at least and then as long as `goesOn` says so.
   * @returns how many, and a frame of the others; null: there are none
   */
  readsWhile(
    frame: Uint8Array,
    state: ReadableState,
    goesOn: () => boolean,
  ): { readonly count: number; readonly rest: Uint8Array | null } {
    let count = 0;
    const rights = state.rights ?? null;
    const isLocal = ((frame[1] ?? 0) & READ_FLAG_LOCAL) !== 0;
    const rest = takeReads(frame, (request, wanted, kind) => {
      if (count > 0 && !goesOn()) return false;
      if (count === 0 && asksForOrigin(frame)) this.#origin(state.origin);
      count += 1;
      if (rights !== null && !mayReadAll(rights, wanted, state)) {
        const code = rights.isKnown ? "FORBIDDEN" : "UNAUTHENTICATED";
        this.#unread(request, code, state.deniedText?.(rights) ?? "");
      } else if (typeof wanted === "string") this.#stored(request, state.read(wanted));
      else this.#readAt(request, wanted, kind, isLocal, state);
      return true;
    });
    return { count, rest };
  }

  /** The same refusal for all reads of a (checked) frame. */
  refuseReads(frame: Uint8Array, code: ErrorCode, text: string): void {
    forEachRead(frame, (request) => this.#unread(request, code, text));
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

  /** Holds for what comes after it, so it is in the same frame or an earlier one. */
  #origin(origin: number): void {
    if (origin === NO_ORIGIN) return;
    this.#reserve(0);
    this.#out.u8(RECORD.origin);
    this.#out.varint(origin);
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

  #stored(request: number, stored: StoredValue | undefined): void {
    if (stored === undefined) {
      this.#reserve(0);
      this.#out.u8(RECORD.missing);
      this.#out.varint(request);
    } else if (this.bytes + stored.value.length > TURN_BYTES_MAX) {
      this.#unread(request, "OVERLOADED", TOO_LARGE);
    } else {
      this.#value(request, stored);
    }
  }

  /** Whatever names a revision, or looks at more than one key. */
  #readAt(
    request: number,
    wanted: Exclude<Wanted, ByteString>,
    kind: number,
    isLocal: boolean,
    state: ReadableState,
  ): void {
    this.#workBytes += READ_WORK_BYTES;
    const revision = wanted.revision === 0 ? state.revision : wanted.revision;
    if (revision < state.oldest) return this.#compacted(request, kind, state.oldest);
    if (revision > state.revision) {
      return this.#ahead(request, kind, revision, isLocal, state.revision);
    }
    const before = state.looked;
    if ("key" in wanted) this.#keyAt(request, wanted, state);
    else if ("keys" in wanted) this.#keys(request, wanted, revision, state);
    else if ("lease" in wanted) this.#leases(request, state.lease?.(wanted));
    else if ("leasesAfter" in wanted) this.#leases(request, state.leases?.(wanted));
    else if ("history" in wanted) this.#versions(request, state.history(wanted, revision));
    else this.#page(request, state.page(wanted, revision), wanted.keysOnly);
    this.#workBytes += CELL_WORK_BYTES * (state.looked - before);
  }

  #keyAt(request: number, { key, revision }: KeyRequest, state: ReadableState): void {
    this.#stored(request, state.readAt(key, revision));
  }

  /** A key that is named again is not looked for again: each may have as many versions as there are in all. */
  #keys(request: number, wanted: KeysRequest, revision: number, state: ReadableState): void {
    this.#workBytes += CELL_WORK_BYTES * wanted.keys.length;
    const known = new Map<ByteString, StoredValue | undefined>();
    const keys = wanted.keys.flatMap((key) => {
      if (!known.has(key)) {
        known.set(key, wanted.revision === 0 ? state.read(key) : state.readAt(key, revision));
      }
      const stored = known.get(key);
      return stored === undefined ? [] : [{ ...valueOf(stored), key }];
    });
    this.#page(request, { revision, count: keys.length, keys, resume: null }, false);
  }

  /** No text and no object: it may be one of thousands. */
  #compacted(request: number, kind: number, oldest: number): void {
    if (kind === READ_KIND_RANGE) return this.#unread(request, "COMPACTED", COMPACTED_TEXT);
    this.#reserve(0);
    this.#out.u8(RECORD.compacted);
    this.#out.varint(request);
    this.#out.varint(oldest);
  }

  /** Only a node that lags may come to know it: an index that reads wait for says nothing of a revision. */
  #ahead(request: number, kind: number, revision: number, isLocal: boolean, now: number): void {
    const text = aheadText(revision, now);
    // Programs that ask with the oldest kinds know of no other code.
    const local = kind < READ_KIND_KEY_AT ? "NO_QUORUM" : "REVISION_AHEAD";
    this.#unread(request, isLocal ? local : "BAD_REQUEST", text);
  }

  #versions(request: number, { versions, resume }: HistoryPage): void {
    let bytes = 0;
    for (const { value } of versions) bytes += value.length + ITEM_OVERHEAD_BYTES;
    if (this.bytes + bytes > TURN_BYTES_MAX) return this.#unread(request, "OVERLOADED", TOO_LARGE);
    this.#workBytes += VERSION_WORK_BYTES * versions.length;
    this.#reserve(bytes);
    const out = this.#out;
    out.u8(RECORD.versions);
    out.varint(request);
    out.varint(resume === null ? 0 : 1 + resume);
    out.varint(versions.length);
    for (const { value, createRevision, modRevision, version } of versions) {
      out.varint(version);
      out.varint(modRevision);
      if (version === 0) continue;
      out.varint(createRevision);
      out.sizedByteString(value);
    }
  }

  #page(request: number, page: RangePage, keysOnly: boolean): void {
    const { resume, keys, revision, count } = page;
    let bytes = resume?.length ?? 0;
    for (const { key, value } of keys) {
      bytes += key.length + (keysOnly ? 0 : value.length) + ITEM_OVERHEAD_BYTES;
    }
    if (this.bytes + bytes > TURN_BYTES_MAX) return this.#unread(request, "OVERLOADED", TOO_LARGE);
    this.#reserve(bytes);
    const out = this.#out;
    out.u8(RECORD.page);
    out.varint(request);
    out.u8((resume === null ? 0 : PAGE_FLAG.hasMore) | (keysOnly ? PAGE_FLAG.keysOnly : 0));
    out.varint(revision);
    out.varint(count);
    if (resume !== null) out.sizedByteString(resume);
    out.varint(keys.length);
    for (const { key, value, createRevision, modRevision, version } of keys) {
      out.sizedByteString(key);
      if (!keysOnly) out.sizedByteString(value);
      out.varint(createRevision);
      out.varint(modRevision);
      out.varint(version);
    }
  }

  #leases(request: number, { leases, keys, more } = NO_LEASES_PAGE): void {
    let bytes = ITEM_OVERHEAD_BYTES * leases.length;
    for (const key of keys) bytes += key.length + 2;
    if (this.bytes + bytes > TURN_BYTES_MAX) return this.#unread(request, "OVERLOADED", TOO_LARGE);
    this.#reserve(bytes);
    const out = this.#out;
    out.u8(RECORD.leases);
    out.varint(request);
    out.u8(more ? 1 : 0);
    out.varint(leases.length);
    for (const { id, ttlMs, remainingMs, keys: bound } of leases) {
      out.varint(id);
      out.varint(ttlMs);
      out.varint(remainingMs);
      out.varint(bound);
    }
    out.varint(keys.length);
    for (const key of keys) out.sizedByteString(key);
  }

  #unread(request: number, code: ErrorCode, text: string): void {
    this.#reserve(TEXT_BYTES_MAX);
    this.#out.u8(RECORD.unread);
    this.#error(code, text);
    this.#out.varint(request);
  }

  #error(code: ErrorCode, text: string): void {
    this.#out.u8(ERRORS[code].wire);
    // A UTF-16 unit takes three bytes at most.
    this.#out.sizedText(text.slice(0, Math.floor(TEXT_BYTES_MAX / 3)));
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

/** That a revision is asked for which this node has not come to. */
export function aheadText(wanted: number, newest: number): string {
  return `revision ${wanted} is not there yet at this node: the newest one is ${newest}`;
}

/** A copy of what is told of it: a cell of the state has more. */
function valueOf({ value, createRevision, modRevision, version }: StoredValue): StoredValue {
  return { value, createRevision, modRevision, version };
}

/** All of what is asked for, not only what is there: what is left out would tell something too. */
function mayReadAll(rights: Rights, wanted: Wanted, state: ReadableState): boolean {
  if (typeof wanted === "string") return rights.mayRead({ key: wanted });
  if ("keys" in wanted) return wanted.keys.every((key) => rights.mayRead({ key }));
  if ("key" in wanted) return rights.mayRead({ key: wanted.key });
  if ("history" in wanted) return rights.mayRead({ key: wanted.history });
  if ("end" in wanted) return rights.mayRead({ start: wanted.start, end: wanted.end });
  if (!rights.isKnown || !("lease" in wanted)) return rights.isKnown;
  return (state.lease?.(wanted).keys ?? []).every((key) => rights.mayRead({ key }));
}
