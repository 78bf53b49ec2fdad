/**
 * Looks for one order of all transactions that explains every answer: Wing and Gong's search, led by what dependencies say.
 *
 * Invariants:
 *   ORDER-1. No transaction is placed before one that had ended when it began, nor before one that a dependency puts first: every
 *       order has these.
 *   ORDER-2. A transaction that changes nothing and whose reads hold is placed at once: it takes nothing from those that follow.
 *   ORDER-3. The search does not try again from the same state with the same transactions placed. 64 bits tell sets and states
 *       apart.
 *   ORDER-4. One of unknown outcome is placed anywhere after its call, or left out.
 *   ORDER-5. No register is set while some transaction has yet to read its present value, and none is left that writes it again.
 */
import type { Dependencies, Kind } from "./dependencies.ts";
import type { KeyEffect } from "./effects.ts";

export interface OrderFound {
  /** Places of transactions: all, or the longest beginning that was found. */
  readonly order: readonly number[];
  readonly verdict: "ok" | "violation" | "unknown";
  readonly reason: "steps" | "time" | null;
}

export interface OrderLimits {
  readonly stepLimit: number;
  readonly now: (() => number) | undefined;
  /** On that clock. */
  readonly deadlineMs: number;
}

interface Change {
  readonly slot: number;
  readonly before: number;
}

interface Placed {
  readonly at: number;
  readonly changes: readonly Change[];
}

interface Level {
  readonly candidates: readonly number[];
  next: number;
  /** What was placed to come here; null at the beginning. */
  readonly placed: Placed | null;
}

interface Use {
  readonly slot: number;
  readonly effect: KeyEffect;
  /** State that its read asks for; -1: none. */
  readonly expected: number;
  /** The state in which it leaves a register; -1: it leaves it alone. */
  readonly last: number;
}

const STEPS_BETWEEN_LOOKS = 1024;

export function findOrder(dependencies: Dependencies, kind: Kind, limits: OrderLimits): OrderFound {
  return new OrderSearch(dependencies, kind).run(limits);
}

class OrderSearch {
  readonly #calls: Float64Array;
  readonly #ends: Float64Array;
  readonly #isSure: Uint8Array;
  readonly #waiting: Int32Array;
  readonly #after: readonly (readonly number[])[];
  readonly #uses: readonly (readonly Use[])[];
  readonly #values = new Values();
  readonly #kind: Kind;
  readonly #count: number;
  /** In the order of their calls, with those that are placed taken out. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #state: Int32Array;
  /** ORDER-5. By state, among those that are not placed. */
  readonly #readersLeft: Int32Array;
  readonly #writersLeft: Int32Array;
  #sureLeft = 0;
  #hashA = 0;
  #hashB = 0;
  readonly #dead = new Set<string>();

  constructor({ transactions, effects, graph }: Dependencies, kind: Kind) {
    this.#kind = kind;
    const count = (this.#count = transactions.length);
    this.#calls = Float64Array.from(transactions, ({ call }) => call);
    this.#ends = Float64Array.from(transactions, ({ end }) => end);
    this.#isSure = Uint8Array.from(transactions, ({ outcome }) => (outcome === "ok" ? 1 : 0));
    this.#sureLeft = this.#isSure.reduce((sum, each) => sum + each, 0);
    const needs = graph.needs();
    this.#waiting = needs.waiting;
    this.#after = needs.after;
    const slots = new Map<string, number>();
    this.#uses = effects.map(({ keys }) =>
      [...keys.values()].map((effect): Use => {
        const slot = slots.get(effect.key) ?? slots.size;
        slots.set(effect.key, slot);
        const expected = effect.isRead ? this.#stateOf(slot, effect.seen) : -1;
        const isSet = kind === "registers" && effect.written.length > 0;
        const last = isSet ? this.#stateOf(slot, effect.written.at(-1)) : -1;
        return { slot, effect, expected, last };
      }),
    );
    this.#state = Int32Array.from(slots.values(), (slot) => this.#stateOf(slot, null));
    this.#readersLeft = new Int32Array(this.#values.size);
    this.#writersLeft = new Int32Array(this.#values.size);
    for (const uses of this.#uses) this.#tally(uses, 1);
    const order = [...this.#calls.keys()].sort(
      (a, b) => (this.#calls[a] ?? 0) - (this.#calls[b] ?? 0),
    );
    // The place after the last one begins and ends the list.
    this.#next = new Int32Array(count + 1).fill(count);
    this.#previous = new Int32Array(count + 1).fill(count);
    let last = count;
    for (const at of order) {
      this.#next[last] = at;
      this.#previous[at] = last;
      last = at;
    }
    this.#previous[count] = last;
  }

  run({ stepLimit, now, deadlineMs }: OrderLimits): OrderFound {
    const levels: Level[] = [{ candidates: this.#candidates(), next: 0, placed: null }];
    let best: readonly number[] = [];
    for (let steps = 0; ; steps++) {
      if (this.#sureLeft === 0) return { order: orderOf(levels), verdict: "ok", reason: null };
      if (steps >= stepLimit) return { order: best, verdict: "unknown", reason: "steps" };
      const isLook = now !== undefined && steps % STEPS_BETWEEN_LOOKS === 0;
      if (isLook && now() >= deadlineMs) {
        return { order: best, verdict: "unknown", reason: "time" };
      }
      const level = levels.at(-1);
      if (level === undefined) return { order: best, verdict: "violation", reason: null };
      const at = level.candidates[level.next++];
      if (at === undefined) {
        if (levels.length - 1 > best.length) best = orderOf(levels);
        if (level.candidates.length !== 1) this.#dead.add(this.#name());
        levels.pop();
        if (level.placed !== null) this.#takeBack(level.placed);
        continue;
      }
      const placed = this.#place(at);
      if (this.#dead.has(this.#name())) {
        this.#takeBack(placed);
        continue;
      }
      levels.push({ candidates: this.#candidates(), next: 0, placed });
    }
  }

  /** ORDER-1, ORDER-2. */
  #candidates(): readonly number[] {
    const found: number[] = [];
    let firstEnd = Number.POSITIVE_INFINITY;
    for (let at = this.#next[this.#count] ?? 0; at !== this.#count; at = this.#next[at] ?? 0) {
      if ((this.#calls[at] ?? 0) > firstEnd) break;
      firstEnd = Math.min(firstEnd, this.#ends[at] ?? 0);
      if (this.#waiting[at] !== 0 || !this.#holds(at)) continue;
      const changesNothing = (this.#uses[at] ?? []).every(
        ({ effect }) => effect.written.length === 0,
      );
      if (changesNothing) return [at];
      found.push(at);
    }
    // The transaction that ended first is the likeliest to be next.
    return found.sort((a, b) => (this.#ends[a] ?? 0) - (this.#ends[b] ?? 0));
  }

  #holds(at: number): boolean {
    return (this.#uses[at] ?? []).every(({ slot, expected, last }) => {
      const now = this.#state[slot] ?? 0;
      if (expected !== -1 && now !== expected) return false;
      if (last === -1 || last === now) return true;
      // ORDER-5.
      const others = (this.#readersLeft[now] ?? 0) - (expected === now ? 1 : 0);
      return others === 0 || (this.#writersLeft[now] ?? 0) > 0;
    });
  }

  #stateOf(slot: number, seen: KeyEffect["seen"]): number {
    return this.#kind === "lists" ? this.#values.ofList(seen) : this.#values.of(slot, seen);
  }

  #tally(uses: readonly Use[], by: 1 | -1): void {
    if (this.#kind === "lists") return;
    for (const { expected, last } of uses) {
      if (expected !== -1) this.#readersLeft[expected] = (this.#readersLeft[expected] ?? 0) + by;
      if (last !== -1) this.#writersLeft[last] = (this.#writersLeft[last] ?? 0) + by;
    }
  }

  #place(at: number): Placed {
    const changes: Change[] = [];
    this.#tally(this.#uses[at] ?? [], -1);
    for (const { slot, effect, last } of this.#uses[at] ?? []) {
      if (effect.written.length === 0) continue;
      const before = this.#state[slot] ?? 0;
      let after = last;
      if (last === -1) {
        after = before;
        for (const value of effect.written) after = this.#values.appended(after, value);
      }
      changes.push({ slot, before });
      this.#set(slot, before, after);
    }
    this.#mix(at, -1);
    this.#sureLeft -= this.#isSure[at] ?? 0;
    for (const to of this.#after[at] ?? []) this.#waiting[to] = (this.#waiting[to] ?? 0) - 1;
    const [before, after] = [this.#previous[at] ?? 0, this.#next[at] ?? 0];
    this.#next[before] = after;
    this.#previous[after] = before;
    return { at, changes };
  }

  #takeBack({ at, changes }: Placed): void {
    for (const { slot, before } of changes.toReversed()) {
      this.#set(slot, this.#state[slot] ?? 0, before);
    }
    this.#tally(this.#uses[at] ?? [], 1);
    this.#mix(at, -1);
    this.#sureLeft += this.#isSure[at] ?? 0;
    for (const to of this.#after[at] ?? []) this.#waiting[to] = (this.#waiting[to] ?? 0) + 1;
    this.#next[this.#previous[at] ?? 0] = at;
    this.#previous[this.#next[at] ?? 0] = at;
  }

  #set(slot: number, before: number, after: number): void {
    this.#mix(slot, before);
    this.#mix(slot, after);
    this.#state[slot] = after;
  }

  /** Taken in and taken out alike. */
  #mix(one: number, other: number): void {
    this.#hashA ^= scrambled(one, other, 0x9e3779b1);
    this.#hashB ^= scrambled(other, one, 0x85ebca77);
  }

  #name(): string {
    return `${this.#hashA},${this.#hashB}`;
  }
}

/** States of keys by numbers: of lists 0 is the empty one, of registers each has numbers of its own. */
class Values {
  readonly #numbers = new Map<string, number>();
  #count = 0;

  /** One more than the highest. */
  get size(): number {
    return this.#count + 1;
  }

  of(slot: number, seen: KeyEffect["seen"]): number {
    // A register that was set to nil is as at the beginning.
    const value = typeof seen === "string" && seen !== "nil" ? `=${seen}` : "";
    return this.#number(`${slot}${value}`);
  }

  ofList(seen: KeyEffect["seen"]): number {
    if (!Array.isArray(seen)) return 0;
    return (seen as string[]).reduce((state, value) => this.appended(state, value), 0);
  }

  appended(state: number, value: string): number {
    return this.#number(`${state} ${value}`);
  }

  #number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, ++this.#count);
    return this.#count;
  }
}

function scrambled(one: number, other: number, salt: number): number {
  let hash = Math.imul(one ^ salt, 0xc2b2ae3d) ^ Math.imul(other + salt, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return hash ^ (hash >>> 15);
}

function orderOf(levels: readonly Level[]): number[] {
  return levels.flatMap(({ placed }) => (placed === null ? [] : [placed.at]));
}
