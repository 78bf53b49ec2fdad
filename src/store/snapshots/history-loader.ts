/**
 * Makes the history of a state that is read from a snapshot, where its records come before the keys.
 *
 * Invariant HISTORYLOADER-1: even from damaged bytes the loader builds only a history that some state can have: each record names
 * the revision at which its key was changed before, and the newest record of each key is that of the change that made its cell's
 * version.
 */
import {
  type ByteReader,
  type ByteString,
  EMPTY_BYTES,
  hashByteString,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import { Cell } from "../history/cell.ts";
import { STEP } from "../history/history-chunk.ts";
import type { History } from "../history/history.ts";
import { SnapshotError } from "./snapshot-header.ts";

export class HistoryLoader {
  readonly #history: History;
  /** Up to which it is to come. */
  readonly #last: number;
  /** By key the revision of its newest record, until its cell is there; negative: a deletion. */
  readonly #newest = new Map<ByteString, number>();

  constructor(history: History, last: number) {
    this.#history = history;
    this.#last = last;
  }

  /** Reads one record. @returns whether it is complete, or that there are no more of them */
  read(reader: ByteReader): "record" | "end" | "incomplete" {
    const step = reader.u8();
    if (reader.failed) return "incomplete";
    if (step === STEP.end) {
      if (this.#history.last !== this.#last) throw wrong("not every revision of it is there");
      return "end";
    }
    if (step !== STEP.next && step !== STEP.same) throw wrong("an unknown step");
    const key = readSized(reader, KEY_BYTES_MAX);
    const modRevision = reader.varint();
    const mark = reader.varint();
    const createRevision = reader.varint();
    const length = reader.varint();
    if (length > VALUE_BYTES_MAX) throw wrong(`a value of ${length} bytes`);
    const start = reader.skip(length);
    if (reader.failed) return "incomplete";
    const version = Math.floor(mark / 2);
    if (version === 0 && length > 0) throw wrong("nothing had a value");
    const value = version === 0 ? EMPTY_BYTES : reader.byteStringAt(start, start + length);
    const keyHash = hashByteString(key);
    const before = new Cell(key, keyHash, value, createRevision, modRevision, version, 0);
    if (version > 0) before.rehash(reader.hashAt(start, start + length));
    this.#append(step, before, mark % 2 === 1);
    return "record";
  }

  /** The newest version of the next key. */
  checkCell({ key, version, modRevision }: Cell): void {
    if (modRevision <= this.#history.oldest) {
      if (version === 0) throw wrong("a deletion that nobody can see");
      return;
    }
    if (this.#newest.get(key) !== (version === 0 ? -modRevision : modRevision)) {
      throw wrong("a key that was changed otherwise");
    }
    this.#newest.delete(key);
  }

  /** All cells are there. */
  checkEnd(): void {
    if (this.#newest.size > 0) throw wrong("a change of a key that is not there");
  }

  /** HISTORYLOADER-1. */
  #append(step: number, before: Cell, isDeletion: boolean): void {
    const history = this.#history;
    const { key, version, modRevision } = before;
    const revision = history.last + step;
    if (revision <= history.oldest || revision > this.#last)
      throw wrong("a revision outside of it");
    if (isDeletion && version === 0) throw wrong("a deletion of nothing");
    if (version === 0 && before.createRevision > 0) throw wrong("nothing was created");
    const newest = this.#newest.get(key);
    const expected = version === 0 ? -modRevision : modRevision;
    const isPossible = newest === undefined ? modRevision <= history.oldest : newest === expected;
    if (!isPossible || Math.abs(newest ?? 0) === revision) {
      throw wrong("a change of a key that does not follow the one before");
    }
    history.append(revision, before, isDeletion, modRevision);
    this.#newest.set(key, isDeletion ? -revision : revision);
  }
}

function readSized(reader: ByteReader, lengthMax: number): ByteString {
  const length = reader.varint();
  if (length > lengthMax) throw wrong(`a key of ${length} bytes`);
  return reader.byteString(length);
}

function wrong(what: string): SnapshotError {
  return new SnapshotError(`damaged in its history: ${what}`);
}
