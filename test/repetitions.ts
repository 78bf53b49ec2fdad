/**
 * How often a test repeats itself. `npm test` does a part of it; `npm run test:long` does all, in the files X.long.test.ts
 * that import X.test.ts.
 */
const isLong = process.env["MODE"] === "long";

export function repetitions<T>(quick: T, all: T): T {
  return isLong ? all : quick;
}

/** Numbers from 1 on. */
export function seeds(quick: number, all: number): number[] {
  return Array.from({ length: repetitions(quick, all) }, (_, i) => i + 1);
}
