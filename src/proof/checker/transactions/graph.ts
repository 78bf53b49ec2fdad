/**
 * The order of transactions as a graph: transactions as nodes, and reasons why one must precede another as edges. Real time is not an
 * edge for each pair: nodes for the moments at which a transaction ended form a chain, so that there are about as many edges as
 * transactions.
 */
import type { Transaction } from "./transaction.ts";

/**
 * wr: the other read what it wrote. ww: the other wrote a later version. rw: it read a version before the one that the other wrote.
 * time: it had ended before the other began.
 */
export type Reason = "wr" | "ww" | "rw" | "time";

export interface Edge {
  readonly to: number;
  readonly reason: Reason;
  /** The key whose versions say so; empty for time. */
  readonly key: string;
}

export interface Step {
  readonly from: number;
  readonly edge: Edge;
}

export class Graph {
  readonly #edges: Edge[][];
  readonly #count: number;

  /** @param transactions those that count; an edge names them by their places in this list */
  constructor(transactions: readonly Transaction[]) {
    this.#count = transactions.length;
    this.#edges = transactions.map(() => []);
    this.#addTime(transactions);
  }

  add(from: number, to: number, reason: Reason, key: string): void {
    if (from !== to) this.#edges[from]?.push({ to, reason, key });
  }

  /** How many transactions must come before each one by what was read and written, and which wait for it. */
  needs(): { readonly waiting: Int32Array; readonly after: readonly (readonly number[])[] } {
    const waiting = new Int32Array(this.#count);
    const after = this.#edges
      .slice(0, this.#count)
      .map((edges) => [...new Set(edges.map(({ to }) => to).filter((to) => to < this.#count))]);
    for (const list of after) for (const to of list) waiting[to] = (waiting[to] ?? 0) + 1;
    return { waiting, after };
  }

  /** A short way round, from a transaction to itself; null: there is none. */
  cycle(): readonly Step[] | null {
    let best: readonly Step[] | null = null;
    const component = this.#components();
    if (component === null) return null;
    // Every transaction of a component lies on a cycle; the shortest through some of them is short enough for people.
    for (const start of component.slice(0, CYCLES_TRIED)) {
      const found = this.#around(start, new Set(component));
      if (found !== null && (best === null || found.length < best.length)) best = found;
    }
    return best;
  }

  /** Ends of transactions in their order, each after the one before; a transaction that begins later comes after the last of them. */
  #addTime(transactions: readonly Transaction[]): void {
    const moments = transactions.flatMap(({ call, end }, at) => [
      { time: call, at, ends: false },
      ...(end === Number.POSITIVE_INFINITY ? [] : [{ time: end, at, ends: true }]),
    ]);
    // An answer at the very time of a call counts as concurrent with it: the call comes first.
    moments.sort((a, b) => a.time - b.time || Number(a.ends) - Number(b.ends));
    let last = -1;
    for (const { at, ends } of moments) {
      if (!ends) {
        if (last !== -1) this.add(last, at, "time", "");
        continue;
      }
      const moment = this.#edges.push([]) - 1;
      if (last !== -1) this.add(last, moment, "time", "");
      this.add(at, moment, "time", "");
      last = moment;
    }
  }

  /** The transactions of one component that is no single node (Tarjan's, without recursion); null: there is none. */
  #components(): readonly number[] | null {
    const size = this.#edges.length;
    const order = new Int32Array(size).fill(-1);
    const low = new Int32Array(size);
    const isOpen = new Uint8Array(size);
    const next = new Int32Array(size);
    const open: number[] = [];
    let counter = 0;
    for (let root = 0; root < size; root++) {
      if (order[root] !== -1) continue;
      const path = [root];
      for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
        if (order[node] === -1) {
          order[node] = low[node] = counter++;
          open.push(node);
          isOpen[node] = 1;
        }
        const edge = this.#edges[node]?.[next[node] ?? 0];
        if (edge !== undefined) {
          next[node] = (next[node] ?? 0) + 1;
          const { to } = edge;
          if (order[to] === -1) path.push(to);
          else if (isOpen[to] === 1) low[node] = Math.min(low[node] ?? 0, order[to] ?? 0);
          continue;
        }
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[node] ?? 0);
        if (low[node] !== order[node]) continue;
        const members = open.splice(open.lastIndexOf(node));
        for (const member of members) isOpen[member] = 0;
        const inside = members.filter((member) => member < this.#count);
        if (inside.length > 1) return inside;
      }
    }
    return null;
  }

  /** The shortest way from a node back to it; moments in between are one step of time. */
  #around(start: number, component: ReadonlySet<number>): readonly Step[] | null {
    const cameBy = new Map<number, Step>();
    let front = [start];
    while (front.length > 0) {
      const further: number[] = [];
      for (const from of front) {
        for (const edge of this.#edges[from] ?? []) {
          if (edge.to < this.#count && !component.has(edge.to)) continue;
          if (edge.to !== start && cameBy.has(edge.to)) continue;
          cameBy.set(edge.to, { from, edge });
          if (edge.to === start) return this.#walkBack(start, cameBy);
          // The first of many moments in a row leads to each transaction that began after it, by way of the others, at no cost.
          further.push(edge.to);
        }
      }
      front = further;
    }
    return null;
  }

  #walkBack(start: number, cameBy: ReadonlyMap<number, Step>): readonly Step[] {
    const steps: Step[] = [];
    for (let at = start; ;) {
      const step = cameBy.get(at);
      if (step === undefined) return steps;
      let { from } = step;
      // Over moments to the transaction whose end they come after.
      while (from >= this.#count) {
        const before = cameBy.get(from);
        if (before === undefined) return steps;
        from = before.from;
      }
      steps.unshift({ from, edge: { ...step.edge, to: at } });
      if (from === start) return steps;
      at = from;
    }
  }
}

const CYCLES_TRIED = 32;
