/**
 * Binary heaps in arrays: `heap[0]` comes before all others, and none comes before its parent, which is at (i - 1) / 2. An ascending
 * array is one, too. To push and to pop cost the logarithm of the length.
 */
type Before<T> = (a: T, b: T) => boolean;

export function pushHeap<T>(heap: T[], item: T, before: Before<T>): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const up = (index - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !before(item, parent)) break;
    heap[index] = parent;
    index = up;
  }
  heap[index] = item;
}

/** @returns the item that comes before all others; undefined: there is none */
export function popHeap<T>(heap: T[], before: Before<T>): T | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = heap[2 * index + 1];
    const right = heap[2 * index + 2];
    const down = right !== undefined && left !== undefined && before(right, left) ? 2 : 1;
    const child = down === 2 ? right : left;
    if (child === undefined || !before(child, last)) break;
    heap[index] = child;
    index = 2 * index + down;
  }
  heap[index] = last;
  return first;
}
