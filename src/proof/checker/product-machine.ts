/**
 * Several keys as one machine, for what must be judged across keys. A state is the root of a binary tree over the states
 * of the keys; equal subtrees are the same node (hash consing), so that a step costs the logarithm of the number of keys.
 */
import { REJECTED, type Machine, type Model } from "./model.ts";
import type { Operation } from "./operation.ts";

/** Nodes are numbered below this, so that a pair of them is one safe integer. */
const NODES_MAX = 2 ** 26;

export class ProductMachine implements Machine {
  readonly initial: number;
  readonly #keys: readonly string[];
  readonly #machines: readonly Machine[];
  readonly #keyOf: Int32Array;
  /** Position of an operation among those of its key. */
  readonly #within: Int32Array;
  readonly #depth: number;
  readonly #pairs = new Map<number, number>();
  readonly #left: number[] = [];
  readonly #right: number[] = [];

  constructor(model: Model, operations: readonly Operation[]) {
    const perKey = new Map<string, Operation[]>();
    const numbers = new Map<string, number>();
    this.#keyOf = new Int32Array(operations.length);
    this.#within = new Int32Array(operations.length);
    operations.forEach((operation, position) => {
      const { key } = operation;
      let list = perKey.get(key);
      if (list === undefined) {
        list = [];
        numbers.set(key, perKey.size);
        perKey.set(key, list);
      }
      this.#keyOf[position] = numbers.get(key) ?? 0;
      this.#within[position] = list.length;
      list.push(operation);
    });
    this.#keys = [...perKey.keys()];
    this.#machines = [...perKey.values()].map((list) => model.prepare(list));
    this.#depth = Math.ceil(Math.log2(Math.max(1, this.#machines.length)));
    this.initial = this.#build(this.#depth, 0);
  }

  step(state: number, position: number): number {
    const key = this.#keyOf[position] as number;
    const machine = this.#machines[key] as Machine;
    const before = this.#componentOf(state, key);
    const after = machine.step(before, this.#within[position] as number);
    if (after === REJECTED || after === before) return after === REJECTED ? REJECTED : state;
    return this.#replace(state, this.#depth, key, after);
  }

  isObserver(position: number): boolean {
    return this.#machine(position).isObserver(this.#within[position] as number);
  }

  isDoomed(state: number, position: number): boolean {
    const key = this.#keyOf[position] as number;
    const component = this.#componentOf(state, key);
    return this.#machine(position).isDoomed(component, this.#within[position] as number);
  }

  isReset(position: number): boolean {
    return this.#machine(position).isReset(this.#within[position] as number);
  }

  isUnseen(position: number): boolean {
    return this.#machine(position).isUnseen(this.#within[position] as number);
  }

  overwrites(position: number): boolean {
    return this.#machine(position).overwrites(this.#within[position] as number);
  }

  group(position: number): number {
    return this.#keyOf[position] as number;
  }

  component(state: number, group: number): number {
    const machine = this.#machines[group] as Machine;
    return machine.component(this.#componentOf(state, group), machine.group(0));
  }

  need(position: number): number | null {
    return this.#machine(position).need(this.#within[position] as number);
  }

  outcomes(position: number): readonly number[] | null {
    return this.#machine(position).outcomes(this.#within[position] as number);
  }

  signature(position: number): string {
    const within = this.#within[position] as number;
    return `${this.#keyOf[position]} ${this.#machine(position).signature(within)}`;
  }

  describe(state: number): string {
    const parts = this.#keys.map((key, number) => {
      const machine = this.#machines[number] as Machine;
      return `${JSON.stringify(key)}: ${machine.describe(this.#componentOf(state, number))}`;
    });
    return parts.join(", ");
  }

  #machine(position: number): Machine {
    return this.#machines[this.#keyOf[position] as number] as Machine;
  }

  #componentOf(state: number, key: number): number {
    let node = state;
    for (let level = this.#depth - 1; level >= 0; level--) {
      node = (((key >>> level) & 1) === 0 ? this.#left[node] : this.#right[node]) as number;
    }
    return node;
  }

  #replace(node: number, depth: number, key: number, component: number): number {
    if (depth === 0) return component;
    const left = this.#left[node] as number;
    const right = this.#right[node] as number;
    return ((key >>> (depth - 1)) & 1) === 0
      ? this.#pair(this.#replace(left, depth - 1, key, component), right)
      : this.#pair(left, this.#replace(right, depth - 1, key, component));
  }

  #build(depth: number, first: number): number {
    if (depth === 0) return this.#machines[first]?.initial ?? 0;
    const half = 2 ** (depth - 1);
    return this.#pair(this.#build(depth - 1, first), this.#build(depth - 1, first + half));
  }

  #pair(left: number, right: number): number {
    const pair = left * NODES_MAX + right;
    let node = this.#pairs.get(pair);
    if (node === undefined) {
      node = this.#left.length;
      this.#pairs.set(pair, node);
      this.#left.push(left);
      this.#right.push(right);
    }
    return node;
  }
}
