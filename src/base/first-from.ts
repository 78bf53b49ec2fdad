/**
 * @param sorted ascending
 * @returns the place of the first that is not below the bound; their number: all are
 */
export function firstFrom<T extends string | number>(sorted: readonly T[], bound: T): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? bound) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
