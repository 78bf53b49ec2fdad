/**
 * The fast search against the definition: on small random histories both must always say the same. Then what single
 * rules demand, on histories small enough to be judged by eye.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendModel,
  checkLinearizable,
  checkSequential,
  createOperation,
  defineModel,
  kvModel,
  WrongModelError,
  type Answer,
  type History,
  type Model,
  type Operation,
  type OperationFields,
  type Request,
} from "../../../src/proof/checker/index.ts";
import { isLinearizable } from "./brute-force.ts";
import { generate, withRead } from "./generate.ts";

const value = fc.constantFrom("1", "2", "3");
const valueOrNothing = fc.constantFrom("1", "2", null);

const kvAct: fc.Arbitrary<[Request, Answer]> = fc.oneof(
  valueOrNothing.map((seen): [Request, Answer] => [
    { kind: "read" },
    { kind: "value", value: seen },
  ]),
  value.map((written): [Request, Answer] => [{ kind: "write", value: written }, { kind: "done" }]),
  fc
    .constantFrom(true, false, null)
    .map((existed): [Request, Answer] => [{ kind: "delete" }, { kind: "deleted", existed }]),
  fc
    .tuple(valueOrNothing, value, fc.boolean(), fc.constantFrom("1", null, undefined))
    .map(([from, to, swapped, actual]): [Request, Answer] => [
      {
        kind: "cas",
        expected: from === null ? { kind: "absent" } : { kind: "value", value: from },
        value: to,
      },
      { kind: "cas", swapped, actual: swapped ? undefined : actual },
    ]),
);

const appendAct: fc.Arbitrary<[Request, Answer]> = fc.oneof(
  fc
    .constantFrom("", "1", "12", "21", "2", "112")
    .map((seen): [Request, Answer] => [{ kind: "read" }, { kind: "value", value: seen }]),
  fc
    .constantFrom("1", "2", "12")
    .map((suffix): [Request, Answer] => [{ kind: "append", value: suffix }, { kind: "done" }]),
  fc
    .constantFrom("1", "")
    .map((written): [Request, Answer] => [{ kind: "write", value: written }, { kind: "done" }]),
);

function histories(act: fc.Arbitrary<[Request, Answer]>, keys: number): fc.Arbitrary<History> {
  const operation = fc.record({
    act,
    key: fc.integer({ min: 1, max: keys }),
    process: fc.integer({ min: 1, max: 3 }),
    call: fc.integer({ min: 0, max: 12 }),
    length: fc.integer({ min: 0, max: 8 }),
    isUnknown: fc.integer({ min: 0, max: 3 }).map((dice) => dice === 0),
  });
  return fc.array(operation, { minLength: 1, maxLength: 7 }).map((drawn) => ({
    unit: "events" as const,
    operations: drawn.map(({ act: [request, answer], key, process, call, length, isUnknown }, id) =>
      createOperation({
        id,
        process: String(process),
        key: `k${key}`,
        request,
        outcome: isUnknown ? "unknown" : "ok",
        answer: isUnknown ? null : answer,
        call,
        end: isUnknown ? Infinity : call + length,
      }),
    ),
  }));
}

const RUNS = { numRuns: 3000 };
const verdictOf = (isGood: boolean): string => (isGood ? "ok" : "violation");

describe("the search agrees with trying every order", () => {
  const cases: [string, Model, fc.Arbitrary<[Request, Answer]>, string | null][] = [
    ["kv", kvModel, kvAct, null],
    ["append", appendModel, appendAct, ""],
  ];
  test.each(cases)("%s, one key", (_, model, act, initial) => {
    let good = 0;
    fc.assert(
      fc.property(histories(act, 1), (history) => {
        const expected = isLinearizable(history.operations, initial);
        if (expected) good += 1;
        expect(checkLinearizable(model, history).verdict).toBe(verdictOf(expected));
      }),
      RUNS,
    );
    // Both verdicts came up often.
    expect(good).toBeGreaterThan(RUNS.numRuns / 20);
    expect(good).toBeLessThan((RUNS.numRuns * 19) / 20);
  });

  test.each(cases)("%s, two keys, apart and together", (_, model, act, initial) => {
    fc.assert(
      fc.property(histories(act, 2), (history) => {
        const expected = verdictOf(isLinearizable(history.operations, initial));
        expect(checkLinearizable(model, history).verdict).toBe(expected);
        expect(checkLinearizable(model, history, { partition: false }).verdict).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(cases)("%s, sequential consistency", (_, model, act, initial) => {
    fc.assert(
      fc.property(histories(act, 2), ({ operations, unit }) => {
        const expected = isLinearizable(
          operations,
          initial,
          (a, b) => a.session === b.session && a.end < b.call,
        );
        const { verdict } = checkSequential(model, { operations, unit });
        expect(verdict).toBe(verdictOf(expected));
      }),
      { numRuns: 1500 },
    );
  });

  test("the order that it gives is a witness", () => {
    fc.assert(
      fc.property(histories(kvAct, 1), (history) => {
        const { verdict, partitions } = checkLinearizable(kvModel, history);
        if (verdict !== "ok") return;
        for (const { operations, order } of partitions) {
          const placed = order.map((position) => operations[position]!);
          // As one after the other, at the moments that the order says.
          const replayed = placed.map((operation, at) => ({
            ...operation,
            call: at * 2,
            end: operation.outcome === "ok" ? at * 2 + 1 : Infinity,
          }));
          expect(isLinearizable(replayed)).toBe(true);
          placed.forEach((later, at) => {
            for (const earlier of placed.slice(0, at)) {
              expect(later.end < earlier.call).toBe(false);
            }
          });
          const answered = operations.filter(({ outcome }) => outcome === "ok");
          expect(placed.filter(({ outcome }) => outcome === "ok")).toHaveLength(answered.length);
        }
      }),
      RUNS,
    );
  });
});

describe("generated histories", () => {
  const mix = ["read", "read", "write", "cas", "delete", "append"] as const;
  const plan = fc.record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    clients: fc.integer({ min: 1, max: 8 }),
    operations: fc.integer({ min: 1, max: 120 }),
    keys: fc.integer({ min: 1, max: 3 }),
    unknownPerMille: fc.constantFrom(0, 50, 300),
    values: fc.constantFrom(0, 3),
    withRevisions: fc.boolean(),
  });

  test("of a linearizable store pass, also as sequentially consistent", () => {
    fc.assert(
      fc.property(plan, (drawn) => {
        const history = generate({ ...drawn, mix });
        expect(checkLinearizable(kvModel, history).verdict).toBe("ok");
        expect(checkSequential(kvModel, history, { stepLimit: 200_000 }).verdict).not.toBe(
          "violation",
        );
      }),
      { numRuns: 300 },
    );
  });

  test("a changed read is found exactly when the definition says so", () => {
    let wrong = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(), (seed, pick) => {
        const history = generate({ seed, clients: 3, operations: 8, keys: 1, values: 3, mix });
        const reads = history.operations.filter(({ request }) => request.kind === "read");
        if (reads.length === 0) return;
        const read = reads[pick % reads.length]!;
        const changed = withRead(history, read.id, String(pick % 3));
        const expected = isLinearizable(changed.operations);
        if (!expected) wrong += 1;
        expect(checkLinearizable(kvModel, changed).verdict).toBe(verdictOf(expected));
      }),
      { numRuns: 1000 },
    );
    expect(wrong).toBeGreaterThan(100);
  });
});

function operations(
  ...list: (Partial<OperationFields> & { readonly request: Request })[]
): History {
  return {
    unit: "events",
    operations: list.map((fields, id): Operation => {
      const isUnknown = fields.outcome === "unknown";
      return createOperation({
        id,
        process: String(id),
        key: "k",
        outcome: "ok",
        answer: isUnknown ? null : { kind: "done" },
        call: id * 10,
        end: isUnknown ? Infinity : id * 10 + 5,
        ...fields,
      });
    }),
  };
}
const write = (text: string, more: Partial<OperationFields> = {}) => ({
  request: { kind: "write", value: text } as const,
  ...more,
});
const read = (seen: string | null, more: Partial<OperationFields> = {}) => ({
  request: { kind: "read" } as const,
  answer: { kind: "value", value: seen } as const,
  ...more,
});
const verdict = (history: History): string => checkLinearizable(kvModel, history).verdict;

describe("rules", () => {
  test("an answer at the very time of a call is concurrent with it", () => {
    expect(
      verdict(operations(write("1", { call: 0, end: 5 }), read(null, { call: 5, end: 9 }))),
    ).toBe("ok");
    expect(
      verdict(operations(write("1", { call: 0, end: 4 }), read(null, { call: 5, end: 9 }))),
    ).toBe("violation");
  });

  test("a write of unknown outcome may take effect long after its call, once, or never", () => {
    const lost = write("2", { outcome: "unknown" });
    expect(verdict(operations(write("1"), lost, read("1"), read("2")))).toBe("ok");
    expect(verdict(operations(write("1"), lost, read("1")))).toBe("ok");
    expect(verdict(operations(write("1"), lost, read("2"), write("3"), read("2")))).toBe(
      "violation",
    );
    expect(verdict(operations(write("1"), read("2"), lost))).toBe("violation");
  });

  test("what failed and reads without an answer constrain nothing", () => {
    const failed = write("9", { outcome: "fail", answer: null });
    const silent = read(null, { outcome: "unknown", answer: null });
    const result = checkLinearizable(kvModel, operations(write("1"), failed, silent, read("1")));
    expect(result.verdict).toBe("ok");
    expect(result.leftOut).toEqual({ failed: 1, unanswered: 1, local: 0 });
    expect(verdict(operations(write("1"), failed, read("9")))).toBe("violation");
  });

  test("local reads are judged as sequentially consistent, not as linearizable", () => {
    const history = operations(write("1"), write("2"), read("1", { consistency: "local" }));
    expect(checkLinearizable(kvModel, history)).toMatchObject({
      verdict: "ok",
      leftOut: { local: 1 },
    });
    expect(checkSequential(kvModel, history).verdict).toBe("ok");
  });

  test("revisions of one key ascend, and reads show those of the writes they saw", () => {
    const two = [write("1", { revision: 3 }), write("2", { revision: 7 })] as const;
    expect(verdict(operations(...two, read("2", { revision: 7 })))).toBe("ok");
    expect(verdict(operations(...two, read("2", { revision: 6 })))).toBe("violation");
    expect(verdict(operations(write("1", { revision: 7 }), write("2", { revision: 3 })))).toBe(
      "violation",
    );
    const lost = write("3", { outcome: "unknown" });
    expect(verdict(operations(...two, lost, read("3", { revision: 9 })))).toBe("ok");
    expect(verdict(operations(...two, lost, read("3", { revision: 7 })))).toBe("violation");
  });

  test("compare-and-swap on a revision", () => {
    const cas = (revision: number, swapped: boolean) => ({
      request: { kind: "cas", expected: { kind: "revision", revision }, value: "2" } as const,
      answer: { kind: "cas", swapped, actual: undefined } as const,
    });
    const one = write("1", { revision: 3 });
    expect(verdict(operations(one, cas(3, true), read("2")))).toBe("ok");
    expect(verdict(operations(one, cas(4, true)))).toBe("violation");
    expect(verdict(operations(one, cas(4, false)))).toBe("ok");
    expect(verdict(operations(one, cas(3, false)))).toBe("violation");
    expect(verdict(operations(cas(0, true)))).toBe("violation");
  });

  test("a model of one's own", () => {
    const counter = defineModel<number>({
      name: "counter",
      initial: 0,
      step: (count, { request, answer }) =>
        request.kind === "read"
          ? answer?.kind === "value" && answer.value === String(count)
            ? count
            : undefined
          : count + 1,
      isObserver: ({ request }) => request.kind === "read",
    });
    expect(checkLinearizable(counter, operations(write(""), write(""), read("2"))).verdict).toBe(
      "ok",
    );
    expect(checkLinearizable(counter, operations(write(""), write(""), read("1"))).verdict).toBe(
      "violation",
    );
  });

  test("a limit that is reached gives no verdict", () => {
    const hard = generate({
      seed: 1,
      clients: 30,
      operations: 600,
      keys: 1,
      mix: ["read", "write", "append"],
    });
    expect(checkLinearizable(kvModel, hard, { stepLimit: 1000 })).toMatchObject({
      verdict: "unknown",
      reason: "steps",
    });
    let clock = 0;
    const now = (): number => (clock += 1);
    expect(checkLinearizable(kvModel, hard, { now, timeLimitMs: 2 })).toMatchObject({
      verdict: "unknown",
      reason: "time",
    });
    expect(checkLinearizable(kvModel, hard, { cacheLimitBytes: 1, stepLimit: 1e7 })).toMatchObject({
      verdict: "unknown",
      reason: "memory",
    });
    expect(() => checkLinearizable(kvModel, hard, { timeLimitMs: 2 })).toThrow(TypeError);
  });

  test("an operation that the model does not know is refused, not ignored", () => {
    expect(() =>
      checkLinearizable(
        appendModel,
        operations({ request: { kind: "cas", expected: { kind: "absent" }, value: "1" } }),
      ),
    ).toThrow(WrongModelError);
  });

  test("an empty history is fine", () => {
    expect(checkLinearizable(kvModel, operations()).verdict).toBe("ok");
    expect(checkLinearizable(kvModel, operations(), { partition: false }).verdict).toBe("ok");
    expect(checkSequential(kvModel, operations()).verdict).toBe("ok");
  });
});
