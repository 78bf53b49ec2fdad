import type { Model, Operation } from "./operation.ts";
import { search } from "./search.ts";

export interface CheckOptions {
  /** Milliseconds of some clock; needed for a time limit. */
  readonly now?: () => number;
  /** Default: none. */
  readonly timeLimitMs?: number;
  /** Configurations remembered in one part; bounds the memory. Default 20 million bits' worth, at least 100,000. */
  readonly configurationsMax?: number;
}

export type Verdict = "ok" | "violation" | "unknown";

export interface PartResult<Input, Output> {
  readonly part: string;
  readonly verdict: Verdict;
  readonly operations: readonly Operation<Input, Output>[];
  /** Ids of the longest order found: all of them when ok. */
  readonly longest: readonly number[];
  /** Of a violation: the operation that must come next and fits nowhere. */
  readonly stuck: number | null;
}

export interface CheckResult<Input, Output> {
  /** "violation" if any part is; else "unknown" if any part is. */
  readonly verdict: Verdict;
  readonly parts: readonly PartResult<Input, Output>[];
}

/** About 256 MiB of bitsets. */
const CONFIGURATION_BITS_MAX = 2 ** 31;
const CONFIGURATIONS_MAX = 8_000_000;

/**
 * Whether there is one order of all operations, each somewhere between its call and its return, that the model allows.
 * "unknown" when a limit was reached before the search was over. Parts are checked one by one, the shortest first.
 */
export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  options: CheckOptions = {},
): CheckResult<Input, Output> {
  const { now, timeLimitMs } = options;
  const end = now === undefined || timeLimitMs === undefined ? Infinity : now() + timeLimitMs;
  const isOver = (): boolean => now !== undefined && now() > end;
  const parts: PartResult<Input, Output>[] = [];
  for (const [part, members] of partition(model, operations)) {
    const perBits = Math.floor(CONFIGURATION_BITS_MAX / Math.max(1, members.length));
    const configurationsMax =
      options.configurationsMax ?? Math.max(100_000, Math.min(CONFIGURATIONS_MAX, perBits));
    const result = search(model, members, { isOver, configurationsMax });
    const idOf = (position: number): number => members[position]?.id ?? -1;
    parts.push({
      part,
      verdict: result.verdict,
      operations: members,
      longest: result.longest.map(idOf),
      stuck: result.stuck === null ? null : idOf(result.stuck),
    });
  }
  const verdicts = parts.map(({ verdict }) => verdict);
  const verdict = verdicts.includes("violation")
    ? "violation"
    : verdicts.includes("unknown")
      ? "unknown"
      : "ok";
  return { verdict, parts };
}

function partition<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): [string, Operation<Input, Output>[]][] {
  const parts = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    // A read of unknown outcome says nothing.
    if (operation.output === null && model.isObserver(operation.input, null)) continue;
    const part = model.partOf(operation.input);
    const members = parts.get(part);
    if (members === undefined) parts.set(part, [operation]);
    else members.push(operation);
  }
  return [...parts].sort(([, a], [, b]) => a.length - b.length);
}
