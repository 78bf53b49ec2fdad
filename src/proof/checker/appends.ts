/** Which appends may have led to which values; and where only one can have, from which value it must have started. */

export interface AppendTrace {
  /** By position: all values of interest that the append may be the last part of. */
  readonly outcomes: ReadonlyMap<number, readonly string[]>;
  /** By position: the value that the append must have found. */
  readonly origins: ReadonlyMap<number, string>;
}

export interface AppendQuestion {
  /** By position: what is appended. */
  readonly suffixes: ReadonlyMap<number, string>;
  /** Values that somebody must have found. */
  readonly wanted: ReadonlySet<string>;
  /** Others that are of interest. */
  readonly seen: Iterable<string>;
  /** Whether the value may be there without an append. */
  readonly hasOtherSource: (value: string) => boolean;
}

export function traceAppends(question: AppendQuestion): AppendTrace {
  const { suffixes, seen, hasOtherSource } = question;
  const bySuffix = new Map<string, number[]>();
  for (const [position, suffix] of suffixes) {
    const same = bySuffix.get(suffix);
    if (same === undefined) bySuffix.set(suffix, [position]);
    else same.push(position);
  }
  const lengths = new Set([...bySuffix.keys()].map(({ length }) => length));
  const outcomes = new Map<number, string[]>();
  const origins = new Map<number, string>();
  const wanted = new Set(question.wanted);
  const visit = (value: string): readonly number[] => {
    const last: number[] = [];
    for (const length of lengths) {
      if (length > value.length) continue;
      for (const position of bySuffix.get(value.slice(value.length - length)) ?? []) {
        last.push(position);
        const known = outcomes.get(position);
        if (known === undefined) outcomes.set(position, [value]);
        else known.push(value);
      }
    }
    return last;
  };
  // Grows while it is gone through: where an append must have started is wanted too.
  for (const value of wanted) {
    const [only, ...more] = visit(value);
    if (only === undefined || more.length > 0 || hasOtherSource(value) || origins.has(only))
      continue;
    const origin = value.slice(0, value.length - (suffixes.get(only) ?? "").length);
    origins.set(only, origin);
    wanted.add(origin);
  }
  for (const value of seen) if (!wanted.has(value)) visit(value);
  return { outcomes, origins };
}
