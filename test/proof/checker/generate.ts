/**
 * Histories of a store that is linearizable by construction: each operation takes effect at one moment between its call
 * and its answer. Wrong ones are made by changing what one read saw.
 */
import {
  createOperation,
  type Answer,
  type History,
  type Operation,
  type Request,
} from "../../../src/proof/checker/index.ts";

export interface Plan {
  readonly seed: number;
  readonly clients: number;
  readonly operations: number;
  readonly keys: number;
  /** What is asked for, as often as it stands here. */
  readonly mix: readonly Request["kind"][];
  /** Clients never pause: each has always something under way. */
  readonly restless?: boolean;
  /** How many in 1000 get no answer. */
  readonly unknownPerMille?: number;
  /** Distinct values; 0: none is written twice. */
  readonly values?: number;
  readonly withRevisions?: boolean;
  /** How many in 1000 reads are local, and show an older state of a node that lags. */
  readonly localPerMille?: number;
}

/** Park and Miller's generator: the same numbers everywhere. */
export function dice(seed: number): (sides: number) => number {
  let state = (seed % 2147483646) + 1;
  return (sides) => {
    state = (state * 48271) % 2147483647;
    return state % sides;
  };
}

interface Cell {
  readonly value: string | null;
  readonly revision: number;
}

interface Slot {
  readonly process: string;
  readonly call: number;
  readonly effect: number;
  readonly end: number;
  readonly isUnknown: boolean;
}

export function generate(plan: Plan): History {
  const roll = dice(plan.seed);
  const slots = schedule(plan, roll);
  const store = new Map<string, Cell>();
  const operations: Operation[] = [];
  let revision = 0;
  slots.forEach((slot, number) => {
    const key = `k${roll(plan.keys)}`;
    const before = store.get(key) ?? { value: null, revision: 0 };
    const request = draw(plan, roll, slot.process, number, before);
    const takesPlace = !slot.isUnknown || roll(2) === 0;
    const { after, answer } = apply(before, request, revision + 1);
    const wrote = after.revision !== before.revision;
    if (takesPlace) {
      if (wrote) revision += 1;
      store.set(key, after);
    }
    const told = answer.kind === "value" || (answer.kind === "cas" && !wrote) ? before : after;
    operations.push(
      createOperation({
        id: number,
        process: slot.process,
        key,
        request,
        outcome: slot.isUnknown ? "unknown" : "ok",
        answer: slot.isUnknown ? null : answer,
        call: slot.call,
        end: slot.isUnknown ? Infinity : slot.end,
        revision: plan.withRevisions === true && !slot.isUnknown ? told.revision : null,
      }),
    );
  });
  operations.sort((a, b) => a.call - b.call);
  return { operations: operations.map((operation, id) => ({ ...operation, id })), unit: "us" };
}

/** When things happen, in the order in which they take effect. */
function schedule(plan: Plan, roll: (sides: number) => number): Slot[] {
  const slots: Slot[] = [];
  const each = Math.ceil(plan.operations / plan.clients);
  for (let client = 0; client < plan.clients; client++) {
    let time = roll(1000);
    let process = client;
    for (let count = 0; count < each && slots.length < plan.operations; count++) {
      const call = time + (plan.restless === true ? 1 : roll(300));
      const isUnknown = roll(1000) < (plan.unknownPerMille ?? 0);
      const effect = call + 1 + roll(500) + (isUnknown ? roll(20_000) : 0);
      const end = effect + 1 + roll(500);
      slots.push({ process: String(process), call, effect, end, isUnknown });
      if (isUnknown) process += plan.clients;
      time = isUnknown ? call + 1000 : end;
    }
  }
  return slots.sort((a, b) => a.effect - b.effect);
}

function draw(
  plan: Plan,
  roll: (sides: number) => number,
  process: string,
  number: number,
  before: Cell,
): Request {
  const kind = plan.mix[roll(plan.mix.length)]!;
  const value =
    plan.values === undefined || plan.values === 0
      ? `x ${process} ${number} y`
      : String(roll(plan.values));
  switch (kind) {
    case "read":
    case "delete":
      return { kind };
    case "cas": {
      const dice = roll(10);
      if (dice < 2) return { kind, expected: { kind: "absent" }, value };
      const isRight = dice < 7 && before.value !== null;
      if (plan.withRevisions === true && roll(2) === 0) {
        return {
          kind,
          expected: { kind: "revision", revision: isRight ? before.revision : 1 + roll(50) },
          value,
        };
      }
      const expected = isRight ? (before.value ?? "") : String(roll(plan.values ?? 5));
      return { kind, expected: { kind: "value", value: expected }, value };
    }
    default:
      return { kind, value };
  }
}

function apply(
  before: Cell,
  request: Request,
  revision: number,
): { readonly after: Cell; readonly answer: Answer } {
  switch (request.kind) {
    case "read":
      return { after: before, answer: { kind: "value", value: before.value } };
    case "write":
      return { after: { value: request.value, revision }, answer: { kind: "done" } };
    case "append":
      return {
        after: { value: (before.value ?? "") + request.value, revision },
        answer: { kind: "done" },
      };
    case "delete": {
      const existed = before.value !== null;
      return {
        after: existed ? { value: null, revision } : before,
        answer: { kind: "deleted", existed },
      };
    }
    case "cas": {
      const { expected } = request;
      const swapped =
        expected.kind === "absent"
          ? before.value === null
          : expected.kind === "value"
            ? before.value === expected.value
            : before.value !== null && before.revision === expected.revision;
      return {
        after: swapped ? { value: request.value, revision } : before,
        answer: { kind: "cas", swapped, actual: swapped ? undefined : before.value },
      };
    }
  }
}

/** The history with another value in the read at this position. */
export function withRead(history: History, position: number, value: string | null): History {
  const operations = history.operations.map((operation, at) =>
    at === position ? { ...operation, answer: { kind: "value", value } as const } : operation,
  );
  return { ...history, operations };
}

/**
 * Makes the last read but a few of the longest value forget the end of what it saw, although it had been seen before: the
 * search must go through everything that led there.
 */
export function corrupted(history: History, share = 0.9): History {
  const { operations } = history;
  const first = Math.floor(operations.length * share);
  for (const back of [3, 10, 30, 100]) {
    for (let i = 0; i < operations.length; i++) {
      const at = (first + i) % operations.length;
      const value = staleValue(operations, operations[at]!, back);
      if (value !== null) return withRead(history, at, value);
    }
  }
  throw new Error("no read to corrupt");
}

/** What one of the reads before it saw, if that is certain to be overwritten when this one begins. */
function staleValue(
  operations: readonly Operation[],
  { answer, key, call }: Operation,
  back: number,
): string | null {
  if (answer?.kind !== "value" || answer.value === null) return null;
  const earlier = operations.filter(
    (other) =>
      other.key === key &&
      other.answer?.kind === "value" &&
      other.end < call &&
      other.answer.value !== answer.value &&
      other.answer.value !== null,
  );
  const stale = earlier.at(-back);
  if (stale?.answer?.kind !== "value") return null;
  // Somebody saw today's value before this read began, so the older one is wrong.
  const isKnown = operations.some(
    (other) =>
      other.key === key &&
      other.answer?.kind === "value" &&
      other.answer.value === answer.value &&
      other.end < call &&
      other.call > stale.end,
  );
  return isKnown ? stale.answer.value : null;
}
