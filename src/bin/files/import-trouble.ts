/** What an import says of lines that are wrong, or were not written: the first ones by their numbers, and how many there are. Pure. */
import type { KvError } from "../../client/api/index.ts";

/** So many are named. */
const NAMED = 5;

/** "line 3", "lines 3, 4", "lines 3, 4, 5, 6, 7 and 12 more" */
function linesText(lines: readonly number[]): string {
  const named = lines.slice(0, NAMED).join(", ");
  const more = lines.length - NAMED;
  return `${lines.length === 1 ? "line" : "lines"} ${named}${more > 0 ? ` and ${more} more` : ""}`;
}

/** The wrong lines of a file, in their order. The first says what is wrong with it. */
export class WrongLines {
  readonly #lines: number[] = [];
  #first = "";

  get none(): boolean {
    return this.#lines.length === 0;
  }

  add(line: number, what: string): void {
    if (this.none) this.#first = what;
    this.#lines.push(line);
  }

  /** @param written what became of the lines before the first of them */
  text(written: string): string {
    const [first = 0, ...others] = this.#lines;
    const are = others.length === 1 ? "is" : "are";
    const more = others.length === 0 ? "" : `; ${linesText(others)} ${are} wrong too`;
    return `line ${first}: ${this.#first}; before it, ${written}${more}`;
  }
}

export interface FailedLine {
  readonly line: number;
  readonly error: KvError;
}

/**
 * @param advice what to do about an error
 * @returns of what is not known to be written, and of what was not, each with the first error
 */
export function failedLinesText(
  failed: readonly FailedLine[],
  advice: (error: KvError) => string,
): string {
  const sorts = [
    { lines: failed.filter(({ error }) => !error.definite), isUnknown: true },
    { lines: failed.filter(({ error }) => error.definite), isUnknown: false },
  ];
  return sorts
    .flatMap(({ lines, isUnknown }) => {
      const [first] = lines;
      if (first === undefined) return [];
      const was = lines.length === 1 ? "was" : "were";
      const what = isUnknown ? "may or may not have been written" : `${was} not written`;
      return [`${linesText(lines.map(({ line }) => line))} ${what}: ${advice(first.error)}`];
    })
    .join("; ");
}
