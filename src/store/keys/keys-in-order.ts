/**
 * All cells in the order of their keys: present keys in one tree, deleted ones in another. Most reads ask for the newest state, and
 * so never pass deleted keys, however many the history keeps: a queue, or the waiters for a lock, soon leave a thousand times as
 * many deleted keys as present ones.
 *
 * Invariants:
 *   KEYORDER-1. A cell stands in one of the trees, under its key: `there` when its version is above 0, else `gone`.
 */
import type { ByteString } from "../../base/index.ts";
import type { Cell, StoredValue } from "../history/cell.ts";
import type { KeyVersion } from "../history/versions.ts";
import { emptyTree, type CellTree } from "./cell-tree.ts";

/** Receives each pair of a range. @returns whether the next one is wanted too */
export type Visit<V extends StoredValue = KeyVersion> = (key: ByteString, value: V) => boolean;

/** Reads of it. An end of null: none. What a walk yields is valid until the next change, and the pair until the next one. */
export interface OrderView {
  /** Those that are there, in order of keys, or from the end downwards. */
  walk(start: ByteString, end: ByteString | null, reverse: boolean): Iterable<Pair>;
  /** As `walk`, forwards, at a fifth of its cost. The visitor changes nothing here. */
  visit(start: ByteString, end: ByteString | null, visitor: Visit): void;
  /** As `walk`, with those that were deleted: version 0. */
  walkAll(start: ByteString, end: ByteString | null, reverse: boolean): Iterable<Pair>;
  /** As `visit`, with those that were deleted: version 0. */
  visitAll(start: ByteString, end: ByteString | null, visitor: Visit): void;
}

type Pair = readonly [ByteString, KeyVersion];

export class KeysInOrder implements OrderView {
  readonly #there: CellTree;
  readonly #gone: CellTree;

  constructor(there = emptyTree(), gone = emptyTree()) {
    this.#there = there;
    this.#gone = gone;
  }

  /** Of a key that is there. */
  get(key: ByteString): Cell | undefined {
    return this.#there.get(key);
  }

  /** Of the keys that are there. The pair is the same array each time. */
  cells(): Iterable<readonly [ByteString, Cell]> {
    return this.#there.entries(undefined, []);
  }

  /** A key that was not there is. @param wasKnown it has been here, deleted */
  came(cell: Cell, wasKnown: boolean): void {
    if (wasKnown) this.#gone.delete(cell.key);
    this.#there.set(cell.key, cell);
  }

  /** A key that was there is deleted. */
  went(cell: Cell): void {
    this.#there.delete(cell.key);
    this.#gone.set(cell.key, cell);
  }

  /** Takes the place of the cell that is there. */
  replace(cell: Cell): void {
    this.#there.set(cell.key, cell);
  }

  /** A key that is there leaves no trace. */
  remove(key: ByteString): void {
    this.#there.delete(key);
  }

  /** The history dropped its deletion, so no read needs the cell any more. */
  forget(key: ByteString): void {
    this.#gone.delete(key);
  }

  clone(): KeysInOrder {
    return new KeysInOrder(this.#there.clone(), this.#gone.clone());
  }

  /** The same keys, without those that were deleted. */
  thereOnly(): KeysInOrder {
    return new KeysInOrder(this.#there.clone());
  }

  walk(start: ByteString, end: ByteString | null, reverse: boolean): Iterable<Pair> {
    return walk(this.#there, start, end, reverse);
  }

  visit(start: ByteString, end: ByteString | null, visitor: Visit): void {
    const last = end ?? this.#there.maxKey();
    if (last === undefined || (end !== null && end <= start)) return;
    this.#there.forRange(start, last, end === null, (key, cell) =>
      visitor(key, cell) ? undefined : STOP,
    );
  }

  walkAll(start: ByteString, end: ByteString | null, reverse: boolean): Iterable<Pair> {
    const there = walk(this.#there, start, end, reverse);
    if (this.#gone.isEmpty) return there;
    return merged(there, walk(this.#gone, start, end, reverse), reverse);
  }

  visitAll(start: ByteString, end: ByteString | null, visitor: Visit): void {
    const gone = walk(this.#gone, start, end, false);
    let next = gone.next();
    let goesOn = true;
    const visitGone = (isDue: (key: ByteString) => boolean): boolean => {
      while (goesOn && next.done !== true && isDue(next.value[0])) {
        goesOn = visitor(...next.value);
        next = gone.next();
      }
      return goesOn;
    };
    this.visit(start, end, (key, newest) => {
      if (visitGone((deleted) => deleted < key)) goesOn = visitor(key, newest);
      return goesOn;
    });
    visitGone(() => true);
  }
}

const STOP = { break: 0 };

function* walk(
  tree: CellTree,
  start: ByteString,
  end: ByteString | null,
  reverse: boolean,
): Generator<Pair, void, undefined> {
  const pairs = reverse
    ? tree.entriesReversed(end ?? undefined, [], true)
    : tree.entries(start, []);
  for (const pair of pairs) {
    const [key] = pair;
    if (reverse ? key < start : end !== null && key >= end) return;
    yield pair;
  }
}

/** Two that are in order, as one. No key is in both. */
function* merged(
  first: Generator<Pair, void, undefined>,
  second: Generator<Pair, void, undefined>,
  reverse: boolean,
): Generator<Pair, void, undefined> {
  let [a, b] = [first.next(), second.next()];
  while (a.done !== true && b.done !== true) {
    if (a.value[0] < b.value[0] !== reverse) {
      yield a.value;
      a = first.next();
    } else {
      yield b.value;
      b = second.next();
    }
  }
  for (; a.done !== true; a = first.next()) yield a.value;
  for (; b.done !== true; b = second.next()) yield b.value;
}
