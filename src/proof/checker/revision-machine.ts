/**
 * A ValueMachine that also holds answers to their revisions: those of one key's writes ascend, and a read or a failed
 * cas shows the revision of the write it saw. A state is a value, the highest revision known so far, and whether that
 * is the revision of the value: after a write of unknown outcome it is only a lower bound.
 */
import { REJECTED, type Machine } from "./model.ts";
import type { Operation } from "./operation.ts";
import { ABSENT, ValueMachine, type ValueMachineOptions } from "./value-machine.ts";

const UNKNOWN = -1;

export class RevisionMachine implements Machine {
  readonly initial: number;
  readonly #values: ValueMachine;
  readonly #revisions: Float64Array;
  readonly #expected: Float64Array;
  readonly #ids = new Map<string, number>();
  readonly #valueOf: number[] = [];
  readonly #knownOf: number[] = [];
  readonly #isExact: boolean[] = [];

  constructor(operations: readonly Operation[], options: ValueMachineOptions) {
    this.#values = new ValueMachine(operations, options);
    this.#revisions = Float64Array.from(operations, ({ revision }) => revision ?? UNKNOWN);
    this.#expected = Float64Array.from(operations, ({ request }) =>
      request.kind === "cas" && request.expected.kind === "revision"
        ? request.expected.revision
        : UNKNOWN,
    );
    this.initial = this.#intern(ABSENT, 0, true);
  }

  step(state: number, position: number): number {
    const value = this.#valueOf[state] as number;
    if (!this.#values.isConditionOnRevision(position)) {
      const next = this.#values.step(value, position);
      return this.#settle(state, position, next, this.#values.takesEffect(value, position));
    }
    const expected = this.#expected[position] as number;
    const known = this.#knownOf[state] as number;
    const isExact = this.#isExact[state] === true;
    if (value !== ABSENT && !isExact && expected > known) {
      // Either may be true. Accepting both can hide a violation but never invents one.
      const swapped = this.#values.swapIf(value, position, true);
      if (swapped !== REJECTED) return this.#settle(state, position, swapped, true);
      return this.#settle(state, position, this.#values.swapIf(value, position, false), false);
    }
    const matches = value !== ABSENT && isExact && expected === known;
    const next = this.#values.swapIf(value, position, matches);
    return this.#settle(state, position, next, matches);
  }

  isObserver(position: number): boolean {
    return this.#values.isObserver(position);
  }

  isDoomed(state: number): boolean {
    return this.#values.isDoomed(this.#valueOf[state] as number);
  }

  isReset(position: number): boolean {
    return this.#values.isReset(position);
  }

  /** What is not seen moves the revision all the same. */
  isUnseen(): boolean {
    return false;
  }

  overwrites(): boolean {
    return false;
  }

  group(): number {
    return 0;
  }

  /** The value: its revision is not looked at. */
  component(state: number): number {
    return this.#valueOf[state] as number;
  }

  need(position: number): number | null {
    return this.#values.need(position);
  }

  outcomes(position: number): readonly number[] {
    return this.#values.outcomes(position);
  }

  signature(position: number): string {
    const ours = `${this.#revisions[position]} ${this.#expected[position]}`;
    return `${this.#values.signature(position)} ${ours}`;
  }

  describe(state: number): string {
    const value = this.#values.describe(this.#valueOf[state] as number);
    const known = this.#knownOf[state] as number;
    return known === 0 ? value : `${value} (revision ${this.#isExact[state] ? "" : "> "}${known})`;
  }

  /** The revision's part of a step, once the value's part is known. */
  #settle(state: number, position: number, next: number, wrote: boolean): number {
    if (next === REJECTED) return REJECTED;
    const value = this.#valueOf[state] as number;
    const known = this.#knownOf[state] as number;
    const revision = this.#revisions[position] as number;
    if (this.#values.isObserver(position)) {
      // Absent keys have no revision; a failed cas says 0, others may name the store's.
      if (revision === UNKNOWN || value === ABSENT) return state;
      const fits = this.#isExact[state] ? revision === known : revision > known;
      return fits ? state : REJECTED;
    }
    if (revision !== UNKNOWN) {
      return revision > known ? this.#intern(next, revision, true) : REJECTED;
    }
    if (!wrote) return state;
    return this.#intern(next, known, false);
  }

  #intern(value: number, known: number, isExact: boolean): number {
    const key = `${value}:${known}:${isExact ? 1 : 0}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#valueOf.length;
      this.#ids.set(key, id);
      this.#valueOf.push(value);
      this.#knownOf.push(known);
      this.#isExact.push(isExact);
    }
    return id;
  }
}
