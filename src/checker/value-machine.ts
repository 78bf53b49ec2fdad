/**
 * One key: read, write, delete, append, compare-and-swap by value. A state is the number of a value; 0 is "absent".
 *
 * Invariants:
 *   V1. Equal values have equal numbers, also when they came about by different appends.
 *   V2. isObserver(position) never changes during the life of a machine.
 */
import { unreachable } from "../base/assert.ts";
import { REJECTED, type Machine } from "./model.ts";
import type { Operation } from "./operation.ts";

export const ABSENT = 0;

const CODE = { read: 0, write: 1, delete: 2, casValue: 3, casRevision: 4, append: 5 } as const;

/** What the answer says about a condition. */
const SAID = { nothing: -1, no: 0, yes: 1 } as const;
const ANYTHING = -2;

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
  readonly #values: (string | null)[] = [null];
  readonly #ids = new Map<string, number>();
  readonly #appended = new Map<number, number>();
  readonly #observed: readonly string[];
  /** By value: 0 not looked at, 1 some read may still see it grow, 2 none. */
  readonly #doomed: number[] = [];
  readonly #hasAppends: boolean;

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
    operations.forEach((operation, position) => this.#compile(operation, position));
    this.#hasAppends = this.#codes.includes(CODE.append);
    this.#observed = this.#hasAppends ? observedValues(operations) : [];
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
        // By revision: whoever knows revisions decides. From the value alone, only what it found can be checked.
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
    if (!this.#hasAppends || state === ABSENT) return false;
    let doomed = this.#doomed[state];
    if (doomed === undefined) {
      doomed = this.#isPrefixOfObserved(this.#values[state] ?? "") ? 1 : 2;
      this.#doomed[state] = doomed;
    }
    return doomed === 2;
  }

  isReset(position: number): boolean {
    const code = this.#codes[position];
    return code !== CODE.read && code !== CODE.append;
  }

  group(): number {
    return 0;
  }

  describe(state: number): string {
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
      case "append":
        this.#arguments[position] = this.#intern(request.value);
        return;
      case "delete":
        if (answer?.kind === "deleted" && answer.existed !== null) {
          this.#said[position] = answer.existed ? SAID.yes : SAID.no;
        }
        return;
      case "cas": {
        const { expected } = request;
        this.#arguments[position] = this.#intern(request.value);
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
    const edge = state * 0x4000_0000 + suffix;
    let next = this.#appended.get(edge);
    if (next === undefined) {
      next = this.#intern((this.#values[state] ?? "") + (this.#values[suffix] ?? ""));
      this.#appended.set(edge, next);
    }
    return next;
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

  #isPrefixOfObserved(prefix: string): boolean {
    let low = 0;
    let high = this.#observed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#observed[middle] as string) < prefix) low = middle + 1;
      else high = middle;
    }
    return this.#observed[low]?.startsWith(prefix) ?? false;
  }
}

function codeOf(request: Operation["request"]): number {
  if (request.kind !== "cas") return CODE[request.kind];
  return request.expected.kind === "revision" ? CODE.casRevision : CODE.casValue;
}

function observedValues(operations: readonly Operation[]): string[] {
  const values = new Set<string>();
  for (const { answer } of operations) {
    if (answer?.kind === "value" && answer.value !== null) values.add(answer.value);
  }
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
