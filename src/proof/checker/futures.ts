/**
 * What is still needed of the state of each key, and by what it can still come about. A completed operation that was
 * answered from one certain state (a read of a value, a compare-and-swap that swapped) must find that state; once nothing
 * is left that leads there, and it is not the present one, no order can be completed.
 *
 * Invariants:
 *   FUTURE-1. `needs` counts the operations that have not been placed and must find a state; `sources` those that may lead to it,
 *       of unknown outcome among them.
 *   FUTURE-2. A group whose machine cannot say where its operations lead is left out: nothing is concluded about it.
 */
import type { Machine } from "./model.ts";

const NONE = -1;

export class Futures {
  readonly #machine: Machine;
  /** By position: the number of the state it must find; NONE: several would do. */
  readonly #need: Int32Array;
  /** By position: where the numbers of the states it may lead to begin in `outcomes`. */
  readonly #starts: Int32Array;
  readonly #outcomes: Int32Array;
  readonly #needs: Int32Array;
  readonly #sources: Int32Array;
  /** By group: the numbers of its states. */
  readonly #numbers = new Map<number, Map<number, number>>();

  constructor(machine: Machine, count: number) {
    this.#machine = machine;
    this.#need = new Int32Array(count).fill(NONE);
    this.#starts = new Int32Array(count + 1);
    const needs: number[] = [];
    for (let position = 0; position < count; position++) {
      const need = machine.need(position);
      if (need === null) continue;
      const numbers = this.#numbersOf(machine.group(position));
      let number = numbers.get(need);
      if (number === undefined) {
        number = needs.push(0) - 1;
        numbers.set(need, number);
      }
      needs[number] = (needs[number] ?? 0) + 1;
      this.#need[position] = number;
    }
    this.#needs = Int32Array.from(needs);
    this.#sources = new Int32Array(needs.length);
    this.#outcomes = this.#findOutcomes(count);
  }

  /** Whether some state is needed that is neither the first one nor can come about. */
  isHopelessFrom(initial: number): boolean {
    for (const [group, numbers] of this.#numbers) {
      const here = numbers.get(this.#machine.component(initial, group)) ?? NONE;
      for (const number of numbers.values()) {
        if (number !== here && this.#sources[number] === 0) return true;
      }
    }
    return false;
  }

  /** Whether this step takes away the last chance of an operation that is still to be placed. */
  strands(position: number, state: number, next: number): boolean {
    const group = this.#machine.group(position);
    const numbers = this.#numbers.get(group);
    if (numbers === undefined) return false;
    const after = numbers.get(this.#machine.component(next, group)) ?? NONE;
    const end = this.#starts[position + 1] as number;
    let returns = 0;
    const before = numbers.get(this.#machine.component(state, group)) ?? NONE;
    for (let at = this.#starts[position] as number; at < end; at++) {
      const number = this.#outcomes[at] as number;
      if (number === before) returns = 1;
      else if (number !== after && this.#sources[number] === 1 && this.#isNeeded(number))
        return true;
    }
    if (before === after || before === NONE) return false;
    const own = this.#need[position] === before ? 1 : 0;
    if ((this.#needs[before] as number) - own === 0) return false;
    return (this.#sources[before] as number) - returns === 0;
  }

  place(position: number): void {
    this.#count(position, -1);
  }

  takeBack(position: number): void {
    this.#count(position, 1);
  }

  #count(position: number, change: number): void {
    const need = this.#need[position] as number;
    if (need !== NONE) this.#needs[need] = (this.#needs[need] as number) + change;
    const end = this.#starts[position + 1] as number;
    for (let at = this.#starts[position] as number; at < end; at++) {
      const number = this.#outcomes[at] as number;
      this.#sources[number] = (this.#sources[number] as number) + change;
    }
  }

  #isNeeded(number: number): boolean {
    return this.#needs[number] !== 0;
  }

  #findOutcomes(count: number): Int32Array {
    const found: number[] = [];
    for (let position = 0; position < count; position++) {
      this.#starts[position] = found.length;
      const group = this.#machine.group(position);
      const numbers = this.#numbers.get(group);
      if (numbers === undefined) continue;
      const outcomes = this.#machine.outcomes(position);
      if (outcomes === null) {
        this.#numbers.delete(group);
        continue;
      }
      for (const outcome of new Set(outcomes)) {
        const number = numbers.get(outcome);
        if (number !== undefined) found.push(number);
      }
    }
    this.#starts[count] = found.length;
    for (const number of found) this.#sources[number] = (this.#sources[number] as number) + 1;
    return Int32Array.from(found);
  }

  #numbersOf(group: number): Map<number, number> {
    let numbers = this.#numbers.get(group);
    if (numbers === undefined) {
      numbers = new Map();
      this.#numbers.set(group, numbers);
    }
    return numbers;
  }
}
