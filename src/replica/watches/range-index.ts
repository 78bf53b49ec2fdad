/**
 * Finds the watches of a key: by key, and by range of keys. The cost of a look-up grows with the logarithm of the number of
 * ranges and with the number of hits; watches of a single key do not add to it.
 *
 * Invariants:
 *   RANGEINDEX-1. `visit` meets each item once whose range holds the key, and no other.
 *   RANGEINDEX-2. Ranges are in a tree by start and then end; the two sides of a node differ in height by one at most, so
 *       clients cannot make it deep by their choice of ranges.
 *   RANGEINDEX-3. A node's `reach` is the greatest end below and at it: where that is not above the key nothing is found.
 */
import type { ByteString } from "../../base/index.ts";

export interface KeyRange {
  readonly start: ByteString;
  /** First key that is not in it; null: none. */
  readonly end: ByteString | null;
}

interface Node<T> {
  start: ByteString;
  end: ByteString | null;
  items: Set<T>;
  left: Node<T> | null;
  right: Node<T> | null;
  height: number;
  reach: ByteString | null;
}

export class RangeIndex<T> {
  readonly #keys = new Map<ByteString, Set<T>>();
  #root: Node<T> | null = null;
  #bytes = 0;

  /** What keys and bounds take, those that several have in common once for each. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param item not in it under this range */
  add(range: KeyRange, item: T): void {
    this.#bytes += rangeBytes(range);
    if (!isOneKey(range)) {
      this.#root = insert(this.#root, range, item);
      return;
    }
    const items = this.#keys.get(range.start);
    if (items === undefined) this.#keys.set(range.start, new Set([item]));
    else items.add(item);
  }

  /** @param range with which it was added */
  remove(range: KeyRange, item: T): void {
    this.#bytes -= rangeBytes(range);
    if (!isOneKey(range)) {
      this.#root = removeFrom(this.#root, range, item);
      return;
    }
    const items = this.#keys.get(range.start);
    items?.delete(item);
    if (items?.size === 0) this.#keys.delete(range.start);
  }

  has(key: ByteString): boolean {
    return this.#keys.has(key) || covers(this.#root, key);
  }

  /** As many items as there are, or so many of them. */
  some(count: number): T[] {
    const found: T[] = [];
    for (const items of this.#keys.values()) {
      if (found.length >= count) break;
      take(items, count, found);
    }
    takeBelow(this.#root, count, found);
    return found;
  }

  /** RANGEINDEX-1. */
  visit(key: ByteString, visitor: (item: T) => void): void {
    this.#keys.get(key)?.forEach(visitor);
    stab(this.#root, key, visitor);
  }
}

export function rangeBytes({ start, end }: KeyRange): number {
  return start.length + (end?.length ?? 0);
}

function isOneKey({ start, end }: KeyRange): boolean {
  return end !== null && end.length === start.length + 1 && end === `${start}\0`;
}

function isAbove(end: ByteString | null, key: ByteString): boolean {
  return end === null || end > key;
}

function covers<T>(node: Node<T> | null, key: ByteString): boolean {
  let at = node;
  while (at !== null && isAbove(at.reach, key)) {
    if (at.start <= key && isAbove(at.end, key)) return true;
    // Ranges on the left begin earlier: when one of them reaches beyond the key but begins after it, all on the right begin after it.
    at = at.left !== null && isAbove(at.left.reach, key) ? at.left : at.right;
  }
  return false;
}

function stab<T>(node: Node<T> | null, key: ByteString, visitor: (item: T) => void): void {
  if (node === null || !isAbove(node.reach, key)) return;
  stab(node.left, key, visitor);
  if (node.start > key) return;
  if (isAbove(node.end, key)) node.items.forEach(visitor);
  stab(node.right, key, visitor);
}

function takeBelow<T>(node: Node<T> | null, count: number, found: T[]): void {
  if (node === null || found.length >= count) return;
  take(node.items, count, found);
  takeBelow(node.left, count, found);
  takeBelow(node.right, count, found);
}

function take<T>(items: Iterable<T>, count: number, found: T[]): void {
  for (const item of items) {
    if (found.length >= count) return;
    found.push(item);
  }
}

function order({ start, end }: KeyRange, node: KeyRange): number {
  if (start !== node.start) return start < node.start ? -1 : 1;
  if (end === node.end) return 0;
  if (end === null) return 1;
  return node.end === null || end < node.end ? -1 : 1;
}

function insert<T>(node: Node<T> | null, range: KeyRange, item: T): Node<T> {
  if (node === null) {
    const { start, end } = range;
    const items = new Set([item]);
    return { start, end, items, left: null, right: null, height: 1, reach: end };
  }
  const side = order(range, node);
  if (side === 0) {
    node.items.add(item);
    return node;
  }
  if (side < 0) node.left = insert(node.left, range, item);
  else node.right = insert(node.right, range, item);
  return balanced(node);
}

function removeFrom<T>(node: Node<T> | null, range: KeyRange, item: T): Node<T> | null {
  if (node === null) return null;
  const side = order(range, node);
  if (side < 0) node.left = removeFrom(node.left, range, item);
  else if (side > 0) node.right = removeFrom(node.right, range, item);
  else {
    node.items.delete(item);
    if (node.items.size > 0) return node;
    if (node.left === null) return node.right;
    if (node.right === null) return node.left;
    const next = leftmost(node.right);
    const right = withoutLeftmost(node.right);
    next.left = node.left;
    next.right = right;
    return balanced(next);
  }
  return balanced(node);
}

function leftmost<T>(node: Node<T>): Node<T> {
  let at = node;
  while (at.left !== null) at = at.left;
  return at;
}

function withoutLeftmost<T>(node: Node<T>): Node<T> | null {
  if (node.left === null) return node.right;
  node.left = withoutLeftmost(node.left);
  return balanced(node);
}

/** RANGEINDEX-2, after one side has grown or shrunk by one. */
function balanced<T>(node: Node<T>): Node<T> {
  const { left, right } = node;
  const lean = heightOf(left) - heightOf(right);
  if (lean > 1 && left !== null) {
    if (heightOf(left.left) < heightOf(left.right)) node.left = turnedLeft(left);
    return turnedRight(node);
  }
  if (lean < -1 && right !== null) {
    if (heightOf(right.right) < heightOf(right.left)) node.right = turnedRight(right);
    return turnedLeft(node);
  }
  return measured(node);
}

function turnedRight<T>(node: Node<T>): Node<T> {
  const top = node.left;
  if (top === null) return measured(node);
  node.left = top.right;
  top.right = measured(node);
  return measured(top);
}

function turnedLeft<T>(node: Node<T>): Node<T> {
  const top = node.right;
  if (top === null) return measured(node);
  node.right = top.left;
  top.left = measured(node);
  return measured(top);
}

/** Height and RANGEINDEX-3, from its two sides. */
function measured<T>(node: Node<T>): Node<T> {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  node.reach = node.end;
  for (const side of [left, right]) {
    if (side !== null && node.reach !== null && isAbove(side.reach, node.reach)) {
      node.reach = side.reach;
    }
  }
  return node;
}

function heightOf<T>(node: Node<T> | null): number {
  return node?.height ?? 0;
}
