/**
 * One key: read, write, delete, append, compare-and-swap by value. A state is the number of a value; 0 is "absent".
 *
 * Invariants:
 *   VALUE-1. Equal values have equal numbers, also when they came about by different appends.
 *   VALUE-3. All values that no client saw, expected or saw grown are one state, OTHER: no answer can tell them apart, and an append
 *       to such a value gives one again.
 *   VALUE-2. isObserver(position) never changes during the life of a machine.
 */
import { unreachable } from "../../base/index.ts";
import { traceAppends, type AppendTrace } from "./appends.ts";
import { REJECTED, type Machine } from "./model.ts";
import type { Operation } from "./operation.ts";

export const ABSENT = 0;
const OTHER = 1;

const CODE = { read: 0, write: 1, delete: 2, casValue: 3, casRevision: 4, append: 5 } as const;

/** What the answer says about a condition. */
const SAID = { nothing: -1, no: 0, yes: 1 } as const;
const ANYTHING = -2;

/** Characters compared to find out which appended values nobody saw; above, none is said to be one. */
const DEAD_SUFFIX_WORK_MAX = 200_000_000;

export interface ValueMachineOptions {
  /** An absent key and one that holds the empty string cannot be told apart. */
  readonly emptyIsAbsent: boolean;
}

export class ValueMachine implements Machine {
  readonly initial = ABSENT;
  readonly #codes: Uint8Array;
  /** The value written or appended, or that was read. */
  readonly #arguments: Int32Array;
  readonly #expected: Int32Array;
  readonly #said: Int8Array;
  /** What a failed cas found; ANYTHING when it did not say. */
  readonly #actual: Int32Array;
  readonly #values: (string | null)[] = [null, null];
  readonly #ids = new Map<string, number>();
  readonly #suffixes: string[] = [];
  readonly #suffixIds = new Map<string, number>();
  readonly #appended = new Map<number, number>();
  /** The values that some client saw or expected, sorted. */
  readonly #seen: readonly string[];
  readonly #hasAppends: boolean;
  #trace: AppendTrace | null = null;
  #deadSuffixes: readonly boolean[] | null = null;
  /** Whether no answer can have been given in the state OTHER, but by what does not look at the state. */
  readonly #isOtherUnseen: boolean;

  constructor(operations: readonly Operation[], { emptyIsAbsent }: ValueMachineOptions) {
    const count = operations.length;
    this.#codes = new Uint8Array(count);
    this.#arguments = new Int32Array(count);
    this.#expected = new Int32Array(count);
    this.#said = new Int8Array(count).fill(SAID.nothing);
    this.#actual = new Int32Array(count).fill(ANYTHING);
    if (emptyIsAbsent) {
      this.#ids.set("", ABSENT);
      this.#values[ABSENT] = "";
    }
    this.#hasAppends = operations.some(({ request }) => request.kind === "append");
    const seen = new Set<string>();
    for (const operation of operations) collectSeen(operation, seen);
    this.#seen = this.#hasAppends ? [...seen].sort(compare) : [];
    for (const value of seen) this.#intern(value);
    operations.forEach((operation, position) => this.#compile(operation, position));
    this.#isOtherUnseen = operations.every(
      ({ outcome }, position) => outcome !== "ok" || !this.#looksAtOther(position),
    );
  }

  step(state: number, position: number): number {
    const said = this.#said[position] as number;
    switch (this.#codes[position]) {
      case CODE.read:
        return state === this.#arguments[position] ? state : REJECTED;
      case CODE.write:
        return this.#arguments[position] as number;
      case CODE.delete:
        if (said !== SAID.nothing && (said === SAID.yes) !== (state !== ABSENT)) return REJECTED;
        return ABSENT;
      case CODE.casValue:
        return this.#swap(state, position, state === this.#expected[position]);
      case CODE.append:
        return this.#append(state, this.#arguments[position] as number);
      default:
        // By revision: a machine that knows revisions decides. From the value alone, only what it found can be checked.
        return this.#swap(state, position, said === SAID.yes);
    }
  }

  /** As `step` for a cas whose condition has been evaluated. */
  swapIf(state: number, position: number, matches: boolean): number {
    return this.#swap(state, position, matches);
  }

  /** Whether an accepted step from this state is a write, even of the same value. Not for conditions on revisions. */
  takesEffect(state: number, position: number): boolean {
    switch (this.#codes[position]) {
      case CODE.read:
        return false;
      case CODE.delete:
        return state !== ABSENT;
      case CODE.casValue:
        return state === this.#expected[position];
      default:
        return true;
    }
  }

  isConditionOnRevision(position: number): boolean {
    return this.#codes[position] === CODE.casRevision;
  }

  isObserver(position: number): boolean {
    const code = this.#codes[position];
    const said = this.#said[position];
    return (
      code === CODE.read ||
      (said === SAID.no &&
        (code === CODE.delete || code === CODE.casValue || code === CODE.casRevision))
    );
  }

  isDoomed(state: number): boolean {
    return state === OTHER;
  }

  isReset(position: number): boolean {
    const code = this.#codes[position];
    return code !== CODE.read && code !== CODE.append;
  }

  /** Leads to OTHER from everywhere, and no answer is from there. */
  isUnseen(position: number): boolean {
    if (!this.#isOtherUnseen) return false;
    const code = this.#codes[position];
    const argument = this.#arguments[position] as number;
    return code === CODE.append
      ? this.#isDeadSuffix(argument)
      : code === CODE.write && argument === OTHER;
  }

  overwrites(position: number): boolean {
    const code = this.#codes[position];
    return code === CODE.write || (code === CODE.delete && this.#said[position] === SAID.nothing);
  }

  group(): number {
    return 0;
  }

  component(state: number): number {
    return state;
  }

  need(position: number): number | null {
    const said = this.#said[position];
    switch (this.#codes[position]) {
      case CODE.read:
        return this.#arguments[position] as number;
      case CODE.append:
        return this.#originOf(position);
      case CODE.delete:
        return said === SAID.no ? ABSENT : null;
      case CODE.casValue:
        if (said === SAID.yes) return this.#expected[position] as number;
        break;
      case CODE.casRevision:
        break;
      default:
        return null;
    }
    const actual = this.#actual[position] as number;
    return said === SAID.no && actual !== ANYTHING ? actual : null;
  }

  outcomes(position: number): readonly number[] {
    if (this.isObserver(position)) return [];
    switch (this.#codes[position]) {
      case CODE.delete:
        return [ABSENT];
      case CODE.append:
        this.#trace ??= this.#traceAppends();
        return (this.#trace.outcomes.get(position) ?? []).map((value) => this.#stateOf(value));
      default:
        return [this.#arguments[position] as number];
    }
  }

  /** Whether the answer depends on the state and may be from OTHER. */
  #looksAtOther(position: number): boolean {
    const code = this.#codes[position];
    if (code === CODE.write || code === CODE.append) return false;
    return this.#said[position] !== SAID.nothing && this.step(OTHER, position) !== REJECTED;
  }

  /** Whether nobody saw it in any value. */
  #isDeadSuffix(suffix: number): boolean {
    this.#deadSuffixes ??= this.#findDeadSuffixes();
    return this.#deadSuffixes[suffix] === true;
  }

  #findDeadSuffixes(): readonly boolean[] {
    // A value that is the beginning of the next one shows nothing more.
    const longest = this.#seen.filter((value, i) => this.#seen[i + 1]?.startsWith(value) !== true);
    const characters = longest.reduce((sum, { length }) => sum + length, 0);
    if (characters * this.#suffixes.length > DEAD_SUFFIX_WORK_MAX) return [];
    return this.#suffixes.map((suffix) => !longest.some((value) => value.includes(suffix)));
  }

  #originOf(position: number): number | null {
    this.#trace ??= this.#traceAppends();
    const origin = this.#trace.origins.get(position);
    if (origin === undefined) return null;
    // Whether it was absent or empty cannot be told, unless these are the same.
    return origin === "" && this.#values[ABSENT] === null ? null : this.#stateOf(origin);
  }

  #traceAppends(): AppendTrace {
    const suffixes = new Map<number, string>();
    const written = new Set<number>([ABSENT]);
    const wanted = new Set<string>();
    this.#codes.forEach((code, position) => {
      const argument = this.#arguments[position] as number;
      if (code === CODE.append) suffixes.set(position, this.#suffixes[argument] ?? "");
      else if (code !== CODE.read && code !== CODE.delete) written.add(argument);
      const need = code === CODE.append ? null : this.need(position);
      const value = need === null ? null : this.#values[need];
      if (typeof value === "string") wanted.add(value);
    });
    return traceAppends({
      suffixes,
      wanted,
      seen: this.#seen,
      // Of the empty string nobody knows whether it was appended to nothing at all.
      hasOtherSource: (value) => value === "" || written.has(this.#stateOf(value)),
    });
  }

  /** By VALUE-3, all writes of values that nobody saw do the same. */
  signature(position: number): string {
    if (this.isUnseen(position)) return "unseen";
    const answer = `${this.#said[position]} ${this.#actual[position]}`;
    return `${this.#codes[position]} ${this.#arguments[position]} ${this.#expected[position]} ${answer}`;
  }

  describe(state: number): string {
    if (state === OTHER) return "a value that nobody saw";
    const value = this.#values[state];
    return value === null || value === undefined ? "absent" : JSON.stringify(value);
  }

  #compile(operation: Operation, position: number): void {
    const { request, answer } = operation;
    this.#codes[position] = codeOf(request);
    switch (request.kind) {
      case "read":
        this.#arguments[position] = this.#intern(answer?.kind === "value" ? answer.value : null);
        return;
      case "write":
        this.#arguments[position] = this.#stateOf(request.value);
        return;
      case "append":
        this.#arguments[position] = this.#suffix(request.value);
        return;
      case "delete":
        if (answer?.kind === "deleted" && answer.existed !== null) {
          this.#said[position] = answer.existed ? SAID.yes : SAID.no;
        }
        return;
      case "cas": {
        const { expected } = request;
        this.#arguments[position] = this.#stateOf(request.value);
        if (expected.kind === "value") this.#expected[position] = this.#intern(expected.value);
        if (answer?.kind !== "cas") return;
        this.#said[position] = answer.swapped ? SAID.yes : SAID.no;
        if (!answer.swapped && answer.actual !== undefined) {
          this.#actual[position] = this.#intern(answer.actual);
        }
        return;
      }
      default:
        unreachable(request, "request");
    }
  }

  #swap(state: number, position: number, matches: boolean): number {
    const said = this.#said[position];
    if (said !== SAID.nothing && (said === SAID.yes) !== matches) return REJECTED;
    if (matches) return this.#arguments[position] as number;
    const actual = this.#actual[position] as number;
    return actual === ANYTHING || actual === state ? state : REJECTED;
  }

  #append(state: number, suffix: number): number {
    if (state === OTHER) return OTHER;
    const edge = state * this.#suffixes.length + suffix;
    let next = this.#appended.get(edge);
    if (next === undefined) {
      next = this.#stateOf((this.#values[state] ?? "") + (this.#suffixes[suffix] ?? ""));
      this.#appended.set(edge, next);
    }
    return next;
  }

  /** The number of what is appended. */
  #suffix(value: string): number {
    let number = this.#suffixIds.get(value);
    if (number === undefined) {
      number = this.#suffixes.push(value) - 1;
      this.#suffixIds.set(value, number);
    }
    return number;
  }

  /** VALUE-3. */
  #stateOf(value: string): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    return this.#hasAppends && this.#isPrefixOfSeen(value) ? this.#intern(value) : OTHER;
  }

  #intern(value: string | null): number {
    if (value === null) return ABSENT;
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#values.length;
      this.#ids.set(value, id);
      this.#values.push(value);
    }
    return id;
  }

  #isPrefixOfSeen(prefix: string): boolean {
    let low = 0;
    let high = this.#seen.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seen[middle] as string) < prefix) low = middle + 1;
      else high = middle;
    }
    return this.#seen[low]?.startsWith(prefix) ?? false;
  }
}

function codeOf(request: Operation["request"]): number {
  if (request.kind !== "cas") return CODE[request.kind];
  return request.expected.kind === "revision" ? CODE.casRevision : CODE.casValue;
}

function collectSeen({ request, answer }: Operation, seen: Set<string>): void {
  if (answer?.kind === "value" && answer.value !== null) seen.add(answer.value);
  if (request.kind !== "cas") return;
  if (request.expected.kind === "value") seen.add(request.expected.value);
  if (answer?.kind === "cas" && typeof answer.actual === "string") seen.add(answer.actual);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
