import {
  assert,
  ByteReader,
  type ByteString,
  ByteWriter,
  EMPTY_BYTES,
  hashOfArray,
  KEY_BYTES_MAX,
  SESSION_NONCE_BYTES,
  SESSION_WINDOW,
  SESSIONS_MAX,
  unreachable,
  VALUE_BYTES_MAX,
} from "../base/index.ts";
import { COMMAND_HASH_BITS, NO_COMMAND_HASH } from "./entries/command.ts";
import { KvState } from "./kv-state.ts";
import { CellsBuilder } from "./snapshots/cells-builder.ts";
import { isKeptStatus, Session } from "./sessions/session.ts";
import { HASHED_IDS_START } from "./sessions/session-id.ts";
import { FIXED_SEED } from "./entries/place-hash.ts";
import { SESSION_LIMITS, SessionTable, type SessionLimits } from "./sessions/session-table.ts";
import { decodeAccess } from "./access/access-format.ts";
import {
  HISTORY_SNAPSHOT_VERSION,
  RECORDS_SNAPSHOT_VERSION,
  SECTION,
  SECTION_BYTES_MAX,
  SECTIONS_SNAPSHOT_VERSION,
} from "./snapshots/frozen-state.ts";
import type { History } from "./history/history.ts";
import { HistoryLoader } from "./snapshots/history-loader.ts";
import {
  decodeBound,
  decodeLeases,
  decodeOfWrites,
  type BoundKey,
} from "./snapshots/lease-section.ts";
import { Leases, NO_LEASES, type LeasesState } from "./keys/leases.ts";
import type { OrderedCells } from "./keys/ordered-cells.ts";
import { readSnapshotHeader, SnapshotError } from "./snapshots/snapshot-header.ts";
import { VersionChain } from "./snapshots/version-chain.ts";
import type { StateHeader } from "./snapshots/state-header.ts";
import type { KeyVersion } from "./history/versions.ts";

/** How the history is read, by the version of the snapshot. */
type HistoryKind =
  | { readonly from: "nothing" }
  | { readonly from: "versions"; readonly history: History; readonly chain: VersionChain }
  | { readonly from: "records"; readonly history: History; readonly loader: HistoryLoader };

/** No record is longer: the longest is a session with a full window and all the values it may keep. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** Keys that are bound to their leases without a break. */
const BOUND_EACH_STEP = 1024;

type Part =
  | "header"
  | "sessions"
  | "records"
  | "keys"
  | "versions"
  | "end"
  | "sections"
  | "building"
  | "binding"
  | "done";

/**
 * Makes a state from the pieces of a snapshot, of any lengths. `push` takes a piece in and `step` decodes, so that a caller with
 * other work to do can decode a large snapshot a little at a time:
 *
 *     for (const piece of pieces) {
 *       decoder.push(piece);
 *       while (decoder.step(BYTES)) …
 *     }
 *     state = decoder.finish();
 */
export class SnapshotDecoder {
  readonly #reader = new ByteReader();
  /** Pieces taken in, of which the first #consumed bytes are decoded. */
  readonly #pending = new ByteWriter(64 * 1024);
  #bytes: Uint8Array = this.#pending.peek();
  #consumed = 0;
  #part: Part = "header";
  #header: StateHeader | null = null;
  #version = 0;
  #lastCounted = 0;
  #sessionsLeft = 0;
  /** How many keys are still to be read, of those that are present. */
  #keysLeft = 0;
  #history: HistoryKind = { from: "nothing" };
  readonly #sessions: Session[] = [];
  readonly #sessionIds = new Set<number>();
  readonly #nonces = new Set<ByteString>();
  readonly #cells: CellsBuilder;
  #lastKey: ByteString = EMPTY_BYTES;
  #leases: LeasesState = NO_LEASES;
  readonly #bound: BoundKey[] = [];
  /** So many of them are bound again. */
  #boundAgain = 0;
  #built: OrderedCells | null = null;
  readonly #limits: SessionLimits;

  /**
   * @param seed of the places of keys in the index: of this process
   * @param limits the same on all nodes
   */
  constructor(seed = FIXED_SEED, limits = SESSION_LIMITS) {
    this.#cells = new CellsBuilder(seed);
    this.#limits = limits;
  }

  /** Takes the next piece in: a copy of it. Nothing of it is looked at yet. */
  push(piece: Uint8Array): void {
    // The reader's view is of a buffer that may be replaced now.
    this.#reader.release();
    if (this.#consumed > 0) this.#pending.dropFirst(this.#consumed);
    this.#pending.bytes(piece);
    this.#bytes = this.#pending.peek();
    this.#consumed = 0;
  }

  /**
   * Decodes records until they make `bytesMax` bytes: one at least, and at most one beyond that. After the last one it
   * does a part of putting the state together.
   * @returns false when what has been pushed is used up, but for the beginning of a record: push more, or finish
   * @throws SnapshotError when what has arrived so far cannot be the beginning of a snapshot
   */
  step(bytesMax: number): boolean {
    const start = this.#consumed;
    const reader = this.#reader.reset(this.#bytes, start);
    while (this.#readPart(reader)) {
      this.#consumed = reader.offset;
      if (this.#consumed - start >= bytesMax) return true;
    }
    const left = this.#bytes.length - this.#consumed;
    if (this.#part === "building" || this.#part === "binding" || this.#part === "done") {
      if (left > 0) throw new SnapshotError("bytes behind the end");
      return this.#build(bytesMax === Number.POSITIVE_INFINITY);
    }
    // A damaged record looks like one that is not complete yet.
    const recordMax = this.#part === "sections" ? SECTION_BYTES_MAX + 16 : RECORD_BYTES_MAX;
    if (left > recordMax) throw new SnapshotError(`damaged in its ${this.#part}`);
    return false;
  }

  /** @throws SnapshotError when the snapshot is not complete */
  finish(): KvState {
    if (this.#part !== "done" || this.#header === null || this.#built === null) {
      throw new SnapshotError(`snapshot ends in its ${this.#part}`);
    }
    if (this.#consumed < this.#bytes.length) {
      throw new SnapshotError(`snapshot ends in its ${this.#part}`);
    }
    const table = new SessionTable(this.#lastCounted, this.#sessions, this.#limits);
    if (table.actualRoom < 0) throw new SnapshotError("too many values in kept answers");
    return new KvState(this.#built, table, this.#header);
  }

  /** @returns false when the state is put together */
  #build(all: boolean): boolean {
    if (this.#part === "building") {
      while (this.#cells.step()) if (!all) return true;
      this.#built = this.#cells.finish(new Leases(this.#leases));
      this.#part = "binding";
      if (!all && this.#bound.length > 0) return true;
    }
    while (this.#bindMore()) if (!all) return true;
    this.#part = "done";
    return false;
  }

  /** @returns whether there are more */
  #bindMore(): boolean {
    const end = Math.min(this.#bound.length, this.#boundAgain + BOUND_EACH_STEP);
    for (; this.#boundAgain < end; this.#boundAgain++) {
      const bound = this.#bound[this.#boundAgain];
      if (bound !== undefined && this.#built?.bindAgain(bound.key, bound.lease) === true) continue;
      throw new SnapshotError("a key that cannot be bound to its lease");
    }
    return end < this.#bound.length;
  }

  /** Reads one record. @returns false when it is not complete */
  #readPart(reader: ByteReader): boolean {
    switch (this.#part) {
      case "header":
        return this.#readHeader(reader);
      case "sessions":
        return this.#readSession(reader);
      case "records":
        return this.#readRecord(reader);
      case "keys":
        return this.#history.from === "nothing" ? this.#readPair(reader) : this.#readKey(reader);
      case "versions":
        return this.#readOlder(reader);
      case "end":
        return this.#readEnd(reader);
      case "sections":
        return this.#readSection(reader);
      case "building":
      case "binding":
      case "done":
        return false;
      default:
        return unreachable(this.#part, "part of a snapshot");
    }
  }

  #readHeader(reader: ByteReader): boolean {
    const header = readSnapshotHeader(reader);
    if (header === null) return false;
    const { version, state, oldest, lastCounted, sessions, keys } = header;
    if (sessions > SESSIONS_MAX) throw new SnapshotError(`${sessions} sessions`);
    this.#header = state;
    this.#version = version;
    this.#lastCounted = lastCounted;
    this.#sessionsLeft = sessions;
    this.#keysLeft = keys;
    const history = this.#cells.beginHistory(oldest);
    if (version >= RECORDS_SNAPSHOT_VERSION) {
      const loader = new HistoryLoader(history, state.revision);
      this.#history = { from: "records", history, loader };
    } else if (version >= HISTORY_SNAPSHOT_VERSION) {
      const chain = new VersionChain(history, state.revision);
      this.#history = { from: "versions", history, chain };
    }
    this.#part = sessions > 0 ? "sessions" : this.#afterSessions();
    return true;
  }

  #readSession(reader: ByteReader): boolean {
    const id = reader.varint();
    const isCounted = this.#version === 1 || id < HASHED_IDS_START;
    const nonce = isCounted ? reader.byteString(SESSION_NONCE_BYTES) : EMPTY_BYTES;
    const tag = isCounted ? id | 0 : reader.u32() | 0;
    const floor = reader.varint();
    const lastUsedIdx = reader.varint();
    const answers = reader.varint();
    if (answers > SESSION_WINDOW) throw new SnapshotError(`session with ${answers} answers`);
    const session = new Session(id, tag, nonce, 0, lastUsedIdx);
    session.raiseFloor(floor);
    let next = 0;
    for (let i = 0; i < answers; i++) {
      const distance = reader.varint();
      const status = reader.u8();
      const revision = reader.varint();
      const commandHash = this.#version === 1 ? NO_COMMAND_HASH : reader.varint();
      const actual = reader.u8() === 0 ? undefined : readSized(reader, VALUE_BYTES_MAX);
      if (reader.failed) return false;
      if (distance < next || distance >= SESSION_WINDOW) {
        throw new SnapshotError("answers of a session out of order");
      }
      if (!isKeptStatus(status) || commandHash >= 2 ** COMMAND_HASH_BITS) {
        throw new SnapshotError("an answer that no session keeps");
      }
      next = distance + 1;
      session.keep(floor + distance, status, revision, actual, commandHash);
    }
    if (reader.failed) return false;
    const isPossible = isCounted
      ? id >= 1 && id <= this.#lastCounted && !this.#nonces.has(nonce)
      : id >= HASHED_IDS_START;
    if (!isPossible || this.#sessionIds.has(id)) {
      throw new SnapshotError("a session that is not possible here");
    }
    this.#sessionIds.add(id);
    if (isCounted) this.#nonces.add(nonce);
    this.#sessions.push(session);
    if (--this.#sessionsLeft === 0) this.#part = this.#afterSessions();
    return true;
  }

  #afterSessions(): Part {
    const { from } = this.#history;
    if (from === "records") return "records";
    return from === "versions" || this.#keysLeft > 0 ? "keys" : "end";
  }

  #readRecord(reader: ByteReader): boolean {
    if (this.#history.from !== "records") return false;
    const read = this.#history.loader.read(reader);
    if (read === "end") this.#part = "keys";
    return read !== "incomplete";
  }

  /** Its newest version, or that there are no more keys. */
  #readKey(reader: ByteReader): boolean {
    const length = reader.varint();
    if (reader.failed) return false;
    if (length === 0) {
      if (this.#keysLeft !== 0) throw new SnapshotError("not as many keys as there are to be");
      this.#endHistory();
      this.#part = "end";
      return true;
    }
    if (length > KEY_BYTES_MAX) throw new SnapshotError(`key of ${length} bytes`);
    const key = reader.byteString(length);
    const newest = readVersion(reader);
    if (reader.failed) return false;
    if (newest === null) throw new SnapshotError("a key without versions");
    const { version, modRevision, createRevision, value, valueHash } = newest;
    if (key <= this.#lastKey) throw new SnapshotError("keys out of order");
    if (version > 0 && this.#keysLeft-- === 0) throw new SnapshotError("too many keys");
    this.#lastKey = key;
    const cell = this.#cells.append(key, value, createRevision, modRevision, version, valueHash);
    if (this.#history.from === "records") this.#history.loader.checkCell(cell);
    else if (this.#history.from === "versions") {
      this.#history.chain.begin(cell);
      this.#part = "versions";
    }
    return true;
  }

  #endHistory(): void {
    if (this.#history.from === "records") this.#history.loader.checkEnd();
    else if (this.#history.from === "versions") this.#history.chain.finish();
  }

  /** Of the same key, or that there are no more. */
  #readOlder(reader: ByteReader): boolean {
    if (this.#history.from !== "versions") return false;
    const { chain } = this.#history;
    const older = readVersion(reader);
    if (reader.failed) return false;
    if (older === null) {
      chain.end();
      this.#part = "keys";
    } else chain.add(older, older.valueHash);
    return true;
  }

  #readPair(reader: ByteReader): boolean {
    const key = readSized(reader, KEY_BYTES_MAX);
    const valueLength = reader.varint();
    if (valueLength > VALUE_BYTES_MAX) throw new SnapshotError(`value of ${valueLength} bytes`);
    const start = reader.skip(valueLength);
    const createRevision = reader.varint();
    const modRevision = reader.varint();
    const version = reader.varint();
    if (reader.failed) return false;
    if (key <= this.#lastKey) throw new SnapshotError("keys out of order");
    this.#lastKey = key;
    const value = reader.byteStringAt(start, start + valueLength);
    const valueHash = reader.hashAt(start, start + valueLength);
    this.#cells.append(key, value, createRevision, modRevision, version, valueHash);
    if (--this.#keysLeft === 0) this.#part = "end";
    return true;
  }

  #readEnd(reader: ByteReader): boolean {
    const contentHash = reader.u32() | 0;
    const history = this.#history.from === "nothing" ? null : this.#history.history;
    const keptHistoryHash = history === null ? 0 : reader.u32() | 0;
    if (reader.failed) return false;
    if (history !== null && keptHistoryHash !== history.hash) {
      throw new SnapshotError("hash of the history differs");
    }
    if (contentHash !== this.#cells.contentHash) throw new SnapshotError("content hash differs");
    this.#part = this.#version >= SECTIONS_SNAPSHOT_VERSION ? "sections" : "building";
    return true;
  }

  #readSection(reader: ByteReader): boolean {
    const kind = reader.u8();
    if (reader.failed) return false;
    if (kind === SECTION.end) {
      this.#part = "building";
      return true;
    }
    const length = reader.varint();
    if (length > SECTION_BYTES_MAX) throw new SnapshotError(`a section of ${length} bytes`);
    const bytes = reader.bytes(length);
    const hash = reader.u32() | 0;
    if (reader.failed) return false;
    if ((hashOfArray(bytes) | 0) !== hash) throw new SnapshotError("hash of a section differs");
    this.#takeSection(kind, bytes);
    return true;
  }

  #takeSection(kind: number, bytes: Uint8Array): void {
    switch (kind) {
      case SECTION.access: {
        const access = decodeAccess(bytes);
        if (typeof access === "string") throw new SnapshotError(`users and roles: ${access}`);
        assert(this.#header !== null, "sections come after the header");
        this.#header = { ...this.#header, access };
        return;
      }
      case SECTION.leases: {
        const leases = decodeLeases(bytes);
        if (typeof leases === "string") throw new SnapshotError(`leases: ${leases}`);
        this.#leases = leases;
        return;
      }
      case SECTION.ofWrites: {
        const leases = decodeOfWrites(bytes, this.#leases);
        if (typeof leases === "string") throw new SnapshotError(`leases of writes: ${leases}`);
        this.#leases = leases;
        return;
      }
      case SECTION.bound: {
        const bound = decodeBound(bytes);
        if (typeof bound === "string") throw new SnapshotError(`bound keys: ${bound}`);
        for (const each of bound) this.#bound.push(each);
        return;
      }
      default:
        throw new SnapshotError(`a section of unknown kind ${kind}`);
    }
  }
}

/** Null: there are no more. An incomplete record gives no result: the reader has failed. */
function readVersion(reader: ByteReader): (KeyVersion & { readonly valueHash: number }) | null {
  const marker = reader.varint();
  if (marker === 0) return null;
  const version = marker - 1;
  const modRevision = reader.varint();
  const absent = { version, modRevision, createRevision: 0, value: EMPTY_BYTES, valueHash: 0 };
  if (version === 0) return absent;
  const createRevision = reader.varint();
  const length = reader.varint();
  if (length > VALUE_BYTES_MAX) throw new SnapshotError(`value of ${length} bytes`);
  const start = reader.skip(length);
  if (reader.failed) return absent;
  const value = reader.byteStringAt(start, start + length);
  const valueHash = reader.hashAt(start, start + length);
  return { version, modRevision, createRevision, value, valueHash };
}

function readSized(reader: ByteReader, lengthMax: number): ByteString {
  const length = reader.varint();
  if (length > lengthMax) throw new SnapshotError(`${length} bytes where ${lengthMax} are allowed`);
  return reader.byteString(length);
}
