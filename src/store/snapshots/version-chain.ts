/**
 * Makes the history of a state that is read from a snapshot of version 3, where the versions of each key come newest first.
 * Records of one revision then come in the order of their keys: so the next snapshot of such a node has the same content as those
 * of nodes that applied the log, but other bytes.
 *
 * Invariant CHAIN-1: even from damaged bytes the result is a history that some state can have: each revision after the oldest is
 * the change of a key to one version, or of several keys.
 */
import { EMPTY_BYTES } from "../../base/index.ts";
import { Cell } from "../history/cell.ts";
import type { History } from "../history/history.ts";
import { SnapshotError } from "./snapshot-header.ts";
import type { KeyVersion } from "../history/versions.ts";

export class VersionChain {
  readonly #history: History;
  /** The revision up to which the history is to come. */
  readonly #last: number;
  readonly #records: { revision: number; before: Cell; isDeletion: boolean }[] = [];
  /** The version read last, of which it is not known yet what was before. */
  #newer: Cell | null = null;

  constructor(history: History, last: number) {
    this.#history = history;
    this.#last = last;
  }

  /** All keys are there: makes the history. */
  finish(): void {
    const history = this.#history;
    this.#records.sort((a, b) => a.revision - b.revision);
    for (const { revision, before, isDeletion } of this.#records) {
      const follows = revision === history.last + 1 || revision === history.last;
      if (!follows) throw new SnapshotError("not every revision of the history is there");
      history.append(revision, before, isDeletion);
    }
    if (history.last !== this.#last) {
      throw new SnapshotError("not every revision of the history is there");
    }
  }

  /** @param newest version of the next key */
  begin(newest: Cell): void {
    this.#newer = newest;
  }

  /** Takes the next older version of the key. */
  add(version: KeyVersion, valueHash: number): void {
    const newer = this.#newer;
    if (newer === null || version.modRevision >= newer.modRevision) {
      throw new SnapshotError("versions of a key out of order");
    }
    const cell = new Cell(
      newer.key,
      newer.keyHash,
      version.value,
      version.createRevision,
      version.modRevision,
      version.version,
      0,
    );
    if (cell.version > 0) cell.rehash(valueHash);
    this.#fill(newer, cell);
    this.#newer = cell;
  }

  /** This key has no older versions. */
  end(): void {
    const last = this.#newer;
    this.#newer = null;
    if (last === null) return;
    const { key, keyHash, version, modRevision } = last;
    if (modRevision > this.#history.oldest) {
      this.#fill(last, new Cell(key, keyHash, EMPTY_BYTES, 0, 0, 0, 0));
    } else if (version === 0) throw new SnapshotError("a deletion that nobody can see");
  }

  #fill(newer: Cell, before: Cell): void {
    const isDeletion = newer.version === 0;
    if (isDeletion && before.version === 0) throw new SnapshotError("a deletion of nothing");
    const revision = newer.modRevision;
    // What is older than the oldest revision has nothing before it that is kept.
    if (revision <= this.#history.oldest || revision > this.#last) {
      throw new SnapshotError("a revision that is not possible here");
    }
    this.#records.push({ revision, before, isDeletion });
  }
}
