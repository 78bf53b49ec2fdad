/** What can be said of several measurements of the same. */

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** All zero when there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? 0;
  const middle = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    max: at(sorted.length - 1),
  };
}

/** @throws Error when there are no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no values to take the median of");
  return spreadOf(values).median;
}

export function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** How many errors there were, of all codes. */
export function countOf(errors: Readonly<Record<string, number>>): number {
  return sum(Object.values(errors));
}
