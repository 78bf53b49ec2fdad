/**
 * Fills the history of a state that is read from a snapshot, where the versions of a key come newest first.
 *
 * Invariant V1: what was filled is what a state of this kind has: each revision after the oldest is the change of a key to
 * one version, or of several keys, whatever the bytes said.
 */
import { EMPTY_BYTES } from "../base/byte-string.ts";
import { Cell } from "./cell.ts";
import type { History } from "./history.ts";
import { SnapshotError } from "./snapshot-header.ts";
import type { KeyVersion } from "./versions.ts";

export class VersionChain {
  readonly #history: History;
  /** Revisions. */
  #filled = 0;
  /** The version read last, of which it is not known yet what was before. */
  #newer: Cell | null = null;

  constructor(history: History) {
    this.#history = history;
  }

  /** Every revision has its record. */
  get isComplete(): boolean {
    return this.#filled === this.#history.last - this.#history.oldest;
  }

  /** @param newest version of the next key */
  begin(newest: Cell): void {
    this.#newer = newest;
  }

  /** The next older version of the key. */
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
    // What is older than the oldest revision has nothing before it that is kept: the history takes nothing then.
    this.#fill(newer, cell);
    this.#newer = cell;
  }

  /** There are no more of this key. */
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
    const isFirst = this.#history.fill(newer.modRevision, before, isDeletion);
    if (isFirst === null) throw new SnapshotError("a revision that is not possible here");
    if (isFirst) this.#filled += 1;
  }
}
