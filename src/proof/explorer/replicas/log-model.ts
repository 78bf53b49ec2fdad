/**
 * The one decided log, as all nodes together have shown it, and the states that follow from it: computed by a state machine of a few
 * lines that shares nothing with the product's but the format of an entry and how sessions get their numbers.
 */
import { OP } from "../../../store/operations/index.ts";
import { assert } from "../../../base/index.ts";
import { CommandCursor, hashedSessionName, textOf } from "../../../store/index.ts";

export interface Change {
  readonly key: string;
  readonly value: string;
  readonly session: number;
  readonly sequence: number;
}

export class LogModel {
  readonly #entries: Uint8Array[] = [];
  /** The change that made revision i + 1. */
  readonly #changes: Change[] = [];
  /** After [0, idx). */
  readonly #revisions: number[] = [0];
  readonly #hashes = new Map<number, string>();
  readonly #floors = new Map<number, number>();
  readonly #executed = new Set<string>();
  readonly #cursor = new CommandCursor();

  get length(): number {
    return this.#entries.length;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  revisionAt(idx: number): number | undefined {
    return this.#revisions[idx];
  }

  changeAt(revision: number): Change | undefined {
    return this.#changes[revision - 1];
  }

  tookEffect(session: number, sequence: number): boolean {
    return this.#executed.has(`${session} ${sequence}`);
  }

  /** A node has this entry as decided. @returns what is wrong with that, or null */
  decided(idx: number, entry: Uint8Array): string | null {
    const known = this.#entries[idx];
    if (known !== undefined) {
      const same = known.length === entry.length && known.every((byte, i) => byte === entry[i]);
      return same ? null : `another entry was decided at ${idx}`;
    }
    assert(idx === this.#entries.length, `index ${idx} is the next one`);
    this.#entries.push(entry);
    this.#execute(idx, entry);
    this.#revisions.push(this.#changes.length);
    return null;
  }

  /** A node's state after [0, idx). @returns what is wrong with it, or null */
  state(idx: number, revision: number, hash: string): string | null {
    const expected = this.#revisions[idx];
    if (expected !== undefined && expected !== revision) {
      return `its state at ${idx} has revision ${revision}, the log makes ${expected}`;
    }
    const known = this.#hashes.get(idx);
    if (known === undefined) this.#hashes.set(idx, hash);
    return known === undefined || known === hash ? null : `its state at ${idx} is not the others'`;
  }

  /** Its clients write and do nothing else, so it knows no other operation of the table. */
  #execute(idx: number, entry: Uint8Array): void {
    const cursor = this.#cursor;
    cursor.reset(entry);
    for (let position = 0; cursor.next(); position++) {
      const { session, sequence } = cursor;
      if (cursor.op === OP.openSession) {
        this.#floors.set(hashedSessionName(cursor.nonce(), idx, position, 0).id, 0);
        continue;
      }
      const before = this.#floors.get(session);
      if (before === undefined) continue;
      const floor = Math.max(before, cursor.floor);
      this.#floors.set(session, floor);
      const name = `${session} ${sequence}`;
      if (cursor.op !== OP.write || sequence < floor || this.#executed.has(name)) continue;
      this.#executed.add(name);
      const [key, value] = [textOf(cursor.key()), textOf(cursor.value())];
      this.#changes.push({ key, value, session, sequence });
    }
    cursor.release();
  }
}
