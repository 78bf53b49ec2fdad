/**
 * An immutable state, and how it is written as a snapshot. Equal states give equal bytes on every node, so that nodes can compare
 * each other's snapshots and exchange them piece by piece.
 *
 *     snapshot := "OKVS" · u8 version · varint appliedIdx · varint revision · u32 history hash
 *                 · varint unreadable entries · varint 1 + index of the last of them (0: none)
 *                 · varint quota (0: none) · varint history revisions (0: none) · varint history bytes (0: none)
 *                 · varint oldest revision · varint origin (0: none)
 *                 · varint rounds forgotten · varint rounds · round* · varint last counted session id
 *                 · varint sessions · varint keys · session* · record* · u8 2 · key* · varint 0 · u32 content hash
 *                 · u32 hash of the kept history · section* · u8 0
 *     section  := u8 kind (1: users and roles, as in access-format.ts; 2: leases, 3: bound keys, 4: leases of writes, as in
 *                 lease-section)
 *                 · varint length · bytes · u32 hash of the bytes
 *     round    := varint n · varint pid · u32 salt · varint index - that of the one before (of the first: - 0)
 *     session  := varint id · name · varint floor · varint lastUsedIdx · varint answers · answer*   (least recently used first)
 *     name     := nonce (16) if the id is a counted one, else u32 tag
 *     answer   := varint sequence - floor · u8 status · varint revision · varint command hash · u8 has value
 *                 · [varint length · value]
 *     record   := as in history-chunk, of each revision after the oldest
 *     key      := varint length · key · version
 *     version  := varint 1 + version (1: deleted) · varint mod revision · [varint create revision · varint length · value]
 *
 * A key that was deleted after the oldest revision is there too, and not counted among the keys. So are the versions that keys had
 * before each revision after the oldest; earlier ones are not.
 *
 * Equal bytes are those of states whose histories begin at the same revision (KvState, STATE-9).
 *
 * Version 5, which is written as long as there are no leases of writes: as 6, without the section for them.
 * Version 4, which is written as long as there is nothing to write into sections: without sections and the 0 behind them.
 * Version 3, which is still read: as 4, but there are no records: with each key come all its versions that a read at the oldest
 *     revision or a later one may find, newest first, and a varint 0 behind them.
 * Version 2, which is still read: nothing is said of the history, keys come without version 0 at their end, and each as
 *     pair     := varint length · key · varint length · value · varint create revision · varint mod revision · varint version
 * Version 1, which is still read: as 2, but nothing is said of unreadable entries, quota, origin and rounds, all ids are
 * counted, and answers come without a command hash.
 */
import { EMPTY_ACCESS, withoutTokenKey } from "../access/access.ts";
import { encodeAccess } from "../access/access-format.ts";
import { assert, type ByteString, ByteWriter, hashOfArray } from "../../base/index.ts";
import { writeSettings } from "./cluster-settings.ts";
import { EMPTY_STATE_HEADER, stateHash, type StateHeader } from "./state-header.ts";
import type { StoredValue } from "../history/cell.ts";
import type { FrozenCells, KeyValue, RangeQuery } from "../keys/frozen-cells.ts";
import { STEP } from "../history/history-chunk.ts";
import {
  areUnused,
  encodeBound,
  encodeLeases,
  encodeOfWrites,
  hasOfWrites,
  type BoundKey,
} from "./lease-section.ts";
import type { Rounds } from "../entries/rounds.ts";
import type { KeptAnswer, Session } from "../sessions/session.ts";
import { HASHED_IDS_START } from "../sessions/session-id.ts";
import type { KeyVersion } from "../history/versions.ts";

export const SNAPSHOT_MAGIC = 0x4f_4b_56_53;
export const SNAPSHOT_VERSION = 6;
/** The first that has leases of writes. */
const WRITE_LEASES_SNAPSHOT_VERSION = 6;
/** The first that has sections. */
export const SECTIONS_SNAPSHOT_VERSION = 5;
export const SECTION = { end: 0, access: 1, leases: 2, bound: 3, ofWrites: 4 } as const;
/** No section is longer: as many users, roles and permissions as there may be, with long keys. */
export const SECTION_BYTES_MAX = 64 * 1024 * 1024;
/** Keys in one section of those that are bound. */
const BOUND_KEYS = 1024;
/** The first that has the history. */
export const HISTORY_SNAPSHOT_VERSION = 3;
/** The first that has it in records of its own. */
export const RECORDS_SNAPSHOT_VERSION = 4;
export const FIRST_SNAPSHOT_VERSION = 1;

export class FrozenState {
  readonly #cells: FrozenCells;
  readonly #sessions: readonly Session[];
  readonly #lastCounted: number;
  readonly #header: StateHeader;

  constructor(
    cells: FrozenCells,
    sessions: readonly Session[],
    lastCounted: number,
    header: StateHeader,
  ) {
    this.#cells = cells;
    this.#sessions = sessions;
    this.#lastCounted = lastCounted;
    this.#header = header;
  }

  get appliedIdx(): number {
    return this.#header.appliedIdx;
  }

  get revision(): number {
    return this.#header.revision;
  }

  get size(): number {
    return this.#cells.size;
  }

  read(key: ByteString): StoredValue | undefined {
    return this.#cells.get(key);
  }

  readRange(query: RangeQuery): KeyValue[] {
    return this.#cells.range(query);
  }

  /** As KvState.hash. */
  hash(): string {
    return stateHash(this.#cells.contentHash, this.#header.historyHash);
  }

  /**
   * The same keys, values and settings as the beginning of another log: without sessions, without leases and the keys that are bound to
   * them, without the key of tokens, and without all else that belongs to the old log.
   * Clients may still hold numbers of old sessions, so no new session gets one. The history begins there too: earlier revisions
   * are those of the old log.
   */
  asBeginning(header: Pick<StateHeader, "origin" | "historyHash" | "revision">): FrozenState {
    const { appliedIdx, settings, access } = this.#header;
    const cells = this.#cells.withoutLeases().beginningAt(header.revision);
    return new FrozenState(cells, [], this.#lastCounted, {
      ...EMPTY_STATE_HEADER,
      ...header,
      settings,
      access: withoutTokenKey(access),
      // The restore counts as an entry: so the state of an empty cluster has one too.
      appliedIdx: appliedIdx + 1,
    });
  }

  /** The same state as it may leave the cluster: without the key of tokens, and nothing older can be read. */
  asBackup(): FrozenState {
    const cells = this.#cells.beginningAt(this.#header.revision);
    const header = { ...this.#header, access: withoutTokenKey(this.#header.access) };
    return new FrozenState(cells, this.#sessions, this.#lastCounted, header);
  }

  /** Pieces of exactly chunkBytes, the last one shorter. The work is spread over the pieces. */
  *encodeSnapshot(chunkBytes: number): Generator<Uint8Array, void, undefined> {
    assert(chunkBytes > 0, "a chunk has at least one byte");
    const out = new ByteWriter(2 * chunkBytes, Number.POSITIVE_INFINITY);
    this.#writeHeader(out);
    for (const session of this.#sessions) {
      writeSession(out, session);
      yield* fullChunks(out, chunkBytes);
    }
    const { history } = this.#cells;
    for (const records of history.records()) {
      out.bytes(records);
      yield* fullChunks(out, chunkBytes);
    }
    out.u8(STEP.end);
    // Section by section, as bytes: a state may have millions of keys that are bound, and an object for each would fill the heap.
    const sections: Uint8Array[] = [];
    const bound: BoundKey[] = [];
    const endSection = (): void => {
      if (bound.length > 0) sections.push(encodeBound(bound));
      bound.length = 0;
    };
    for (const [key, newest] of this.#cells.entries()) {
      if (newest.version === 0 && newest.modRevision <= history.oldest) continue;
      out.sizedByteString(key);
      writeVersion(out, newest);
      if (newest.lease) bound.push({ key, lease: newest.lease });
      if (bound.length === BOUND_KEYS) endSection();
      if (out.length >= chunkBytes) yield* fullChunks(out, chunkBytes);
    }
    endSection();
    out.varint(0);
    out.u32(this.#cells.contentHash);
    out.u32(this.#cells.keptHistoryHash);
    for (const [kind, bytes] of this.#sections(sections)) {
      out.u8(kind);
      out.sized(bytes);
      out.u32(hashOfArray(bytes));
      yield* fullChunks(out, chunkBytes);
    }
    if (this.#version >= SECTIONS_SNAPSHOT_VERSION) out.u8(SECTION.end);
    yield* fullChunks(out, chunkBytes);
    if (out.length > 0) yield out.copy();
  }

  /** The least that has a place for what there is: programs of before read it. */
  get #version(): number {
    const { leases } = this.#cells;
    if (hasOfWrites(leases)) return WRITE_LEASES_SNAPSHOT_VERSION;
    const hasSections = this.#header.access !== EMPTY_ACCESS || !areUnused(leases);
    return hasSections ? SECTIONS_SNAPSHOT_VERSION : RECORDS_SNAPSHOT_VERSION;
  }

  *#sections(bound: readonly Uint8Array[]): Generator<[number, Uint8Array]> {
    const { access } = this.#header;
    if (access !== EMPTY_ACCESS) yield [SECTION.access, encodeAccess(access)];
    const { leases } = this.#cells;
    if (areUnused(leases)) return;
    yield [SECTION.leases, encodeLeases(leases)];
    if (hasOfWrites(leases)) yield [SECTION.ofWrites, encodeOfWrites(leases)];
    for (const keys of bound) yield [SECTION.bound, keys];
  }

  #writeHeader(out: ByteWriter): void {
    out.u32(SNAPSHOT_MAGIC);
    out.u8(this.#version);
    out.varint(this.#header.appliedIdx);
    out.varint(this.#header.revision);
    out.u32(this.#header.historyHash);
    const { count, lastIdx } = this.#header.unreadable;
    out.varint(count);
    out.varint(lastIdx === null ? 0 : 1 + lastIdx);
    writeSettings(out, this.#header.settings);
    out.varint(this.#cells.history.oldest);
    out.varint(this.#header.origin);
    writeRounds(out, this.#header.rounds);
    out.varint(this.#lastCounted);
    out.varint(this.#sessions.length);
    out.varint(this.#cells.size);
  }
}

function writeVersion(out: ByteWriter, stored: KeyVersion): void {
  out.varint(1 + stored.version);
  out.varint(stored.modRevision);
  if (stored.version === 0) return;
  out.varint(stored.createRevision);
  out.sizedByteString(stored.value);
}

function* fullChunks(out: ByteWriter, chunkBytes: number): Generator<Uint8Array, void, undefined> {
  let start = 0;
  for (; out.length - start >= chunkBytes; start += chunkBytes) {
    yield out.copy(start, start + chunkBytes);
  }
  if (start > 0) out.dropFirst(start);
}

function writeRounds(out: ByteWriter, { forgotten, kept }: Rounds): void {
  out.varint(forgotten);
  out.varint(kept.length);
  let last = 0;
  for (const { n, pid, salt, idx } of kept) {
    out.varint(n);
    out.varint(pid);
    out.u32(salt);
    out.varint(idx - last);
    last = idx;
  }
}

function writeSession(out: ByteWriter, session: Session): void {
  const answers: [number, KeptAnswer][] = [];
  session.forEachAnswer((sequence, answer) => answers.push([sequence, answer]));
  out.varint(session.id);
  if (session.id < HASHED_IDS_START) out.byteString(session.nonce);
  else out.u32(session.tag);
  out.varint(session.floor);
  out.varint(session.lastUsedIdx);
  out.varint(answers.length);
  for (const [sequence, { status, revision, actual, commandHash }] of answers) {
    out.varint(sequence - session.floor);
    out.u8(status);
    out.varint(revision);
    out.varint(commandHash);
    out.u8(actual === undefined ? 0 : 1);
    if (actual !== undefined) out.sizedAny(actual);
  }
}
