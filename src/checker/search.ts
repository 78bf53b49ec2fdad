/**
 * Wing and Gong's search for a linearization, in Lowe's form: events in a doubly linked list from which linearized
 * operations are lifted out, and a memory of the configurations already tried.
 */
import { assert } from "../base/assert.ts";
import { Configurations } from "./configurations.ts";
import type { Model, Operation } from "./operation.ts";

export interface SearchLimits {
  /** Says when to give up; asked now and then. */
  readonly isOver: () => boolean;
  readonly configurationsMax: number;
}

export interface SearchResult {
  readonly verdict: "ok" | "violation" | "unknown";
  /** The longest order found: all operations when ok. Positions in the list that was searched. */
  readonly longest: readonly number[];
  /** Of a violation: the operation that has to come next and cannot, after the longest order. */
  readonly stuck: number | null;
}

interface Event {
  /** Position of the operation. */
  readonly op: number;
  /** The return of a call; null for a return. */
  readonly match: Event | null;
  previous: Event | null;
  next: Event | null;
}

/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 1024;

export function search<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  limits: SearchLimits,
): SearchResult {
  const head = linkEvents(operations);
  const states = new States(model, operations);
  const seen = new Configurations(operations.length, limits.configurationsMax);
  const bits = new Uint32Array(Math.max(1, Math.ceil(operations.length / 32)));
  const marks = randomMarks(operations.length);
  const stack: { readonly event: Event; readonly state: number }[] = [];
  let hash = 0;
  let state = 0;
  let longest: number[] = [];
  let stuck: number | null = null;
  let steps = 0;
  const flip = (op: number): void => {
    bits[op >>> 5] = ((bits[op >>> 5] ?? 0) ^ (1 << (op & 31))) >>> 0;
    hash = (hash ^ (marks[op] ?? 0)) >>> 0;
  };
  let event = head.next;
  while (event !== null) {
    steps += 1;
    if (steps % STEPS_PER_LOOK === 0 && (limits.isOver() || seen.isFull)) {
      return { verdict: "unknown", longest, stuck: null };
    }
    if (event.match !== null) {
      const next = states.step(state, event.op);
      if (next >= 0) {
        flip(event.op);
        if (seen.add(bits, hash, next)) {
          stack.push({ event, state });
          state = next;
          lift(event);
          event = head.next;
          continue;
        }
        flip(event.op);
      }
      event = event.next;
      continue;
    }
    // A return whose call was not linearized: what came before cannot be right.
    if (stack.length > longest.length || stuck === null) {
      longest = stack.map((step) => step.event.op);
      stuck = event.op;
    }
    const last = stack.pop();
    if (last === undefined) return { verdict: "violation", longest, stuck };
    state = last.state;
    flip(last.event.op);
    unlift(last.event);
    event = last.event.next;
  }
  return { verdict: "ok", longest: stack.map((step) => step.event.op), stuck: null };
}

/** Calls before returns at the same time: intervals are closed. Operations of unknown outcome return last of all. */
function linkEvents(operations: readonly Operation<unknown, unknown>[]): Event {
  const times = operations.flatMap((operation, op) => [
    { op, isCall: true, time: operation.call },
    { op, isCall: false, time: operation.return },
  ]);
  times.sort((a, b) => {
    if (a.time !== b.time) return a.time < b.time ? -1 : 1;
    if (a.isCall !== b.isCall) return a.isCall ? -1 : 1;
    return a.op - b.op;
  });
  const returns = new Map<number, Event>();
  for (const { op, isCall } of times) {
    if (!isCall) returns.set(op, { op, match: null, previous: null, next: null });
  }
  const head: Event = { op: -1, match: null, previous: null, next: null };
  let last = head;
  for (const { op, isCall } of times) {
    const back = returns.get(op);
    assert(back !== undefined, "each operation returns");
    const event: Event = isCall ? { op, match: back, previous: null, next: null } : back;
    event.previous = last;
    last.next = event;
    last = event;
  }
  return head;
}

function lift(call: Event): void {
  unlink(call);
  if (call.match !== null) unlink(call.match);
}

function unlift(call: Event): void {
  if (call.match !== null) relink(call.match);
  relink(call);
}

function unlink(event: Event): void {
  if (event.previous !== null) event.previous.next = event.next;
  if (event.next !== null) event.next.previous = event.previous;
}

function relink(event: Event): void {
  if (event.previous !== null) event.previous.next = event;
  if (event.next !== null) event.next.previous = event;
}

/** States as small integers, and steps between them remembered. */
class States<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #ids = new Map<string | number, number>();
  readonly #states: State[] = [];
  /** By state: the next state for each operation; -1 impossible, undefined not tried yet. */
  readonly #steps: Map<number, number>[] = [];

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.#model = model;
    this.#operations = operations;
    this.#intern(model.init);
  }

  /** @returns the state afterwards, or -1 when the operation cannot have gone as it did */
  step(state: number, op: number): number {
    const steps = this.#steps[state];
    assert(steps !== undefined, "states are interned");
    const known = steps.get(op);
    if (known !== undefined) return known;
    const operation = this.#operations[op];
    const from = this.#states[state];
    assert(operation !== undefined && from !== undefined, "positions are in the history");
    const next = this.#model.step(from, operation.input, operation.output);
    const id = next === undefined ? -1 : this.#intern(next);
    steps.set(op, id);
    return id;
  }

  #intern(state: State): number {
    const key = this.#model.stateKey(state);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#states.length;
    this.#ids.set(key, id);
    this.#states.push(state);
    this.#steps.push(new Map());
    return id;
  }
}

/** A fixed pseudo-random number for each operation: the hash of a set is the exclusive-or of its members' numbers. */
function randomMarks(count: number): Uint32Array {
  const marks = new Uint32Array(count);
  let state = 0x2545f491;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    marks[i] = state >>> 0;
  }
  return marks;
}
