/** Histories of the size that clusters under load leave behind. Limits are generous: they catch exponential, not slow. */
import { describe, expect, test } from "vitest";
import {
  appendModel,
  checkLinearizable,
  checkSequential,
  kvModel,
  type Verdict,
} from "../../../src/proof/checker/index.ts";
import { corrupted, generate } from "./generate.ts";

const now = (): number => performance.now();
const MANY_APPENDS = [
  "read",
  "read",
  "read",
  "read",
  "append",
  "append",
  "append",
  "append",
  "append",
  "write",
] as const;
const KV = ["read", "read", "read", "write", "write", "delete", "cas", "cas"] as const;

test.each([1, 2, 3, 4])("50 clients, 2,000 operations, long values (seed %i)", (seed) => {
  const plan = { seed, clients: 50, operations: 2000, keys: 10 };
  const histories = [
    generate({ ...plan, mix: MANY_APPENDS }),
    generate({ ...plan, mix: ["read", "append"] }),
    generate({ ...plan, mix: ["read", "append"], unknownPerMille: 30 }),
  ];
  for (const history of histories) {
    const check = (what: typeof history): Verdict =>
      checkLinearizable(appendModel, what, { now, timeLimitMs: 5000 }).verdict;
    expect(check(history)).toBe("ok");
    expect(check(corrupted(history))).toBe("violation");
  }
});

const BLIND = ["read", "write"] as const;

describe.each([3, 10])("50 clients that never pause, 2,000 operations on %i keys", (keys) => {
  const kinds = [
    ["appends", appendModel, MANY_APPENDS, 0],
    ["writes", kvModel, BLIND, 0],
    ["writes of few values", kvModel, BLIND, 5],
    ["everything", kvModel, KV, 0],
  ] as const;
  test.each(kinds)("%s", (_, model, mix, values) => {
    for (const unknownPerMille of [0, 30]) {
      const plan = { seed: keys, clients: 50, operations: 2000, restless: true };
      const history = generate({ ...plan, keys, mix, values, unknownPerMille });
      const check = (what: typeof history): Verdict =>
        checkLinearizable(model, what, { now, timeLimitMs: 5000 }).verdict;
      expect(check(history)).toBe("ok");
      // Where values come back, an older one may be right.
      if (values === 0) expect(check(corrupted(history))).toBe("violation");
    }
  });
});

test.each([true, false])("100,000 operations on 20 keys, revisions known: %s", (withRevisions) => {
  const history = generate({
    seed: 9,
    clients: 40,
    operations: 100_000,
    keys: 20,
    mix: KV,
    unknownPerMille: 20,
    withRevisions,
  });
  const result = checkLinearizable(kvModel, history, { now, timeLimitMs: 20_000 });
  expect(result.verdict).toBe("ok");
  const wrong = checkLinearizable(kvModel, corrupted(history, 0.98), { now, timeLimitMs: 20_000 });
  expect(wrong.verdict).toBe("violation");
});

test("thousands of small histories", () => {
  const histories = Array.from({ length: 3000 }, (_, seed) =>
    generate({ seed: seed + 1, clients: 4, operations: 40, keys: 2, mix: KV, unknownPerMille: 50 }),
  );
  const startedMs = now();
  for (const history of histories) expect(checkLinearizable(kvModel, history).verdict).toBe("ok");
  expect(now() - startedMs).toBeLessThan(10_000);
});

test("sequential consistency of 5,000 operations whose revisions are known", () => {
  const history = generate({
    seed: 3,
    clients: 10,
    operations: 5000,
    keys: 10,
    mix: KV,
    withRevisions: true,
  });
  expect(checkSequential(kvModel, history, { now, timeLimitMs: 20_000 }).verdict).toBe("ok");
});
