/**
 * Where the first number from `bound` on stands; the length, when there is none. As firstFrom, which is for strings: one function for
 * both would be slower for both.
 * @param sorted ascending
 */
export function firstNumberFrom(sorted: readonly number[], bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? bound) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
