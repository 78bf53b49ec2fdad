/** Transactions of several operations: what no order explains is found, and what one explains is told with that order. */
import { describe, expect, test } from "vitest";
import {
  checkTransactions,
  hasTransactions,
  parseTransactions,
  type MicroOp,
  type Transaction,
  type TransactionHistory,
} from "../../../src/proof/checker/index.ts";
import { SeededRandom } from "../../../src/machine/ports/index.ts";

/** "P type [ops]" a line, as EDN. */
function edn(lines: string): string {
  return lines
    .trim()
    .split("\n")
    .map((line) => {
      const [process = "", type = "", ...value] = line.trim().split(" ");
      return `{:process ${process}, :type :${type}, :f :txn, :value ${value.join(" ")}}`;
    })
    .join("\n");
}

function verdictOf(lines: string): [string, ...string[]] {
  const text = edn(lines);
  expect(hasTransactions(text)).toBe(true);
  const { verdict, anomalies } = checkTransactions(parseTransactions(text));
  return [verdict, ...anomalies.map(({ kind }) => kind)];
}

describe("lists", () => {
  test("one after the other", () => {
    expect(
      verdictOf(`
        0 invoke [[:append x 1] [:append y 1]]
        0 ok [[:append x 1] [:append y 1]]
        1 invoke [[:r x nil] [:append x 2] [:r x nil]]
        1 ok [[:r x [1]] [:append x 2] [:r x [1 2]]]
        2 invoke [[:r x nil] [:r y nil]]
        2 ok [[:r x [1 2]] [:r y [1]]]`),
    ).toEqual(["ok"]);
  });

  test("write skew: each missed the other's append", () => {
    expect(
      verdictOf(`
        0 invoke [[:r x nil] [:append y 1]]
        1 invoke [[:r y nil] [:append x 1]]
        0 ok [[:r x []] [:append y 1]]
        1 ok [[:r y []] [:append x 1]]
        2 invoke [[:r x nil] [:r y nil]]
        2 ok [[:r x [1]] [:r y [1]]]`),
    ).toEqual(["violation", "cycle"]);
  });

  test("an append that was acknowledged is missing from a later read", () => {
    const { anomalies } = checkTransactions(
      parseTransactions(
        edn(`
        0 invoke [[:append x 1] [:append y 1]]
        0 ok [[:append x 1] [:append y 1]]
        1 invoke [[:r x nil] [:r y nil]]
        1 ok [[:r x nil] [:r y [1]]]`),
      ),
    );
    expect(anomalies[0]?.text).toContain('T1 did not see what T0 wrote to "x"');
    expect(anomalies[0]?.transactions.toSorted()).toEqual([0, 1]);
  });

  test("half of a transaction was seen", () => {
    expect(
      verdictOf(`
        0 invoke [[:append x 1] [:append y 1]]
        1 invoke [[:r x nil] [:r y nil]]
        1 ok [[:r x [1]] [:r y []]]
        0 ok [[:append x 1] [:append y 1]]`),
    ).toEqual(["violation", "cycle"]);
  });

  test.each([
    ["aborted-read", "0 fail [[:append x 1] [:append y 1]]", "[[:r x [1]] [:r y nil]]"],
    ["garbage-read", "0 ok [[:append x 1] [:append y 1]]", "[[:r x [1]] [:r y [1 7]]]"],
    ["duplicate-elements", "0 ok [[:append x 1] [:append y 1]]", "[[:r x [1 1]] [:r y [1]]]"],
    ["internal", "0 ok [[:append x 1] [:append y 1]]", "[[:r x [1]] [:r x []]]"],
  ])("%s", (kind, first, read) => {
    const found = verdictOf(`
        0 invoke [[:append x 1] [:append y 1]]
        ${first}
        1 invoke [[:r x nil] [:r y nil]]
        1 ok ${read}`);
    expect(found[0]).toBe("violation");
    expect(found.slice(1)).toContain(kind);
  });

  test("two lists, neither the beginning of the other; a read between two appends", () => {
    const base = `
        0 invoke [[:append x 1] [:append x 2]]
        1 invoke [[:r x nil] [:r y nil]]
        2 invoke [[:r x nil] [:r y nil]]`;
    const found = verdictOf(`${base}
        0 ok [[:append x 1] [:append x 2]]
        1 ok [[:r x [1 2]] [:r y []]]
        2 ok [[:r x [2 1]] [:r y []]]`);
    expect(found.slice(1)).toContain("incompatible-order");
    const half = verdictOf(`${base}
        0 ok [[:append x 1] [:append x 2]]
        1 ok [[:r x [1 2]] [:r y []]]
        2 ok [[:r x [1]] [:r y []]]`);
    expect(half.slice(1)).toContain("intermediate-read");
  });

  test("an unknown outcome may be seen, or never happen; what failed is not there", () => {
    const history = (read: string): string => `
        0 invoke [[:append x 1] [:append y 1]]
        0 info [[:append x 1] [:append y 1]]
        1 invoke [[:append x 2] [:append y 2]]
        1 fail [[:append x 2] [:append y 2]]
        2 invoke [[:r x nil] [:r y nil]]
        2 ok ${read}`;
    expect(verdictOf(history("[[:r x [1]] [:r y [1]]]"))).toEqual(["ok"]);
    expect(verdictOf(history("[[:r x []] [:r y []]]"))).toEqual(["ok"]);
    expect(verdictOf(history("[[:r x [1]] [:r y []]]"))[0]).toBe("violation");
  });
});

describe("registers", () => {
  test("a lost update", () => {
    expect(
      verdictOf(`
        0 invoke [[:w x 1] [:w y 1]]
        0 ok [[:w x 1] [:w y 1]]
        1 invoke [[:r x nil] [:w x 2]]
        2 invoke [[:r x nil] [:w x 3]]
        1 ok [[:r x 1] [:w x 2]]
        2 ok [[:r x 1] [:w x 3]]`),
    ).toEqual(["violation", "cycle"]);
  });

  test("a stale read of one key, with the newest of another", () => {
    expect(
      verdictOf(`
        0 invoke [[:w x 1] [:w y 1]]
        0 ok [[:w x 1] [:w y 1]]
        0 invoke [[:w x 2] [:w y 2]]
        0 ok [[:w x 2] [:w y 2]]
        1 invoke [[:r x nil] [:r y nil]]
        1 ok [[:r x 2] [:r y 1]]`),
    ).toEqual(["violation", "cycle"]);
  });

  test("values that come again: the order is searched for", () => {
    const history = (read: string): string => `
        0 invoke [[:write :x 1] [:write :y 0]]
        0 ok [[:write :x 1] [:write :y 0]]
        1 invoke [[:write :x 0] [:write :y 1]]
        2 invoke [[:write :x 1] [:write :y 1]]
        1 ok [[:write :x 0] [:write :y 1]]
        2 ok [[:write :x 1] [:write :y 1]]
        3 invoke [[:read :x nil] [:read :y nil]]
        3 ok ${read}`;
    expect(verdictOf(history("[[:read :x 0] [:read :y 1]]"))).toEqual(["ok"]);
    expect(verdictOf(history("[[:read :x 1] [:read :y 1]]"))).toEqual(["ok"]);
    expect(verdictOf(history("[[:read :x 0] [:read :y 0]]"))).toEqual(["violation", "cycle"]);
  });
});

test("no two contradict each other, and yet no order explains all", () => {
  expect(
    verdictOf(`
        0 invoke [[:w x 1] [:w y 1]]
        1 invoke [[:w x 1] [:w y 2]]
        2 invoke [[:w x 2] [:w y 1]]
        3 invoke [[:w x 2] [:w y 1]]
        0 ok [[:w x 1] [:w y 1]]
        1 ok [[:w x 1] [:w y 2]]
        2 ok [[:w x 2] [:w y 1]]
        3 ok [[:w x 2] [:w y 1]]
        4 invoke [[:r x nil] [:r y nil]]
        4 ok [[:r x 2] [:r y 2]]`),
  ).toEqual(["violation", "no-order"]);
});

/** A store that carries transactions out one at a time, at a moment between call and answer. */
function generate(
  seed: number,
  kind: TransactionHistory["kind"],
  plan: { readonly count: number; readonly clients: number; readonly keys: number; values: number },
): TransactionHistory {
  const random = new SeededRandom(seed);
  const state = new Map<string, readonly string[]>();
  const transactions: Transaction[] = [];
  const free = Array.from({ length: plan.clients }, (_, client) => client);
  const busy: { client: number; id: number; asked: MicroOp[]; call: number; done?: MicroOp[] }[] =
    [];
  let time = 0;
  let asked = 0;
  while (transactions.length < plan.count) {
    time += 1;
    if (asked < plan.count && free.length > 0 && (busy.length === 0 || random.chance(0.5))) {
      const client = free.splice(random.below(free.length), 1)[0] ?? 0;
      const ops = Array.from({ length: 1 + random.below(4) }, (_, i): MicroOp => {
        const key = `k${random.below(plan.keys)}`;
        if (random.chance(0.5)) return { kind: "read", key, seen: undefined };
        const fresh = `${asked}.${i}`;
        const value = plan.values > 0 ? `${random.below(plan.values)}` : fresh;
        return { kind: "write", key, value };
      });
      busy.push({ client, id: asked++, asked: ops, call: time });
      continue;
    }
    const each = busy[random.below(busy.length)];
    if (each === undefined) continue;
    if (each.done === undefined) {
      each.done = each.asked.map((op): MicroOp => {
        const now = state.get(op.key) ?? [];
        if (op.kind === "read")
          return { ...op, seen: kind === "lists" ? now : (now.at(-1) ?? null) };
        state.set(op.key, kind === "lists" ? [...now, op.value] : [op.value]);
        return op;
      });
      continue;
    }
    busy.splice(busy.indexOf(each), 1);
    free.push(each.client);
    const isLost = random.chance(0.02);
    transactions.push({
      id: each.id,
      process: `${each.client}`,
      outcome: isLost ? "unknown" : "ok",
      ops: isLost ? each.asked : each.done,
      call: each.call,
      end: isLost ? Number.POSITIVE_INFINITY : time,
      line: each.id + 1,
    });
  }
  return { kind, transactions };
}

/** One read late in the history shows what the key was some transactions before. */
function corrupted(history: TransactionHistory): TransactionHistory | null {
  const { transactions, kind } = history;
  for (let at = Math.floor(transactions.length * 0.7); at < transactions.length; at++) {
    const bad = transactions[at];
    const op = bad?.ops.find((each) => each.kind === "read" && each.seen !== undefined);
    if (bad === undefined || op?.kind !== "read" || op.seen === undefined) continue;
    if (bad.ops.some((other) => other !== op && other.key === op.key)) continue;
    const seen =
      kind === "lists"
        ? (op.seen as readonly string[]).slice(0, Math.max(0, (op.seen?.length ?? 0) - 30))
        : null;
    if (op.seen === null || op.seen.length === 0) continue;
    const ops = bad.ops.map((each) => (each === op ? { ...op, seen } : each));
    return { kind, transactions: transactions.with(at, { ...bad, ops }) };
  }
  return null;
}

test.each(["lists", "registers"] as const)("thousands of small histories of %s", (kind) => {
  for (let seed = 1; seed <= 1000; seed++) {
    const plan = { count: 20, clients: 4, keys: 3, values: seed % 2 === 0 ? 0 : 3 };
    const history = generate(seed, kind, { ...plan, values: kind === "lists" ? 0 : plan.values });
    expect(checkTransactions(history), `seed ${seed}`).toMatchObject({ verdict: "ok" });
  }
});

test.each([
  ["lists", 50, 5000],
  ["registers", 20, 5000],
] as const)("many %s at once, and one wrong answer", (kind, keys, count) => {
  const history = generate(5, kind, { count, clients: 20, keys, values: 0 });
  const good = checkTransactions(history);
  expect(good.verdict).toBe("ok");
  expect(good.order.length).toBeGreaterThan(count * 0.9);
  const bad = corrupted(history);
  expect(bad).not.toBeNull();
  if (bad !== null) expect(checkTransactions(bad).verdict).toBe("violation");
});

/** Every order tried. */
function someOrder(history: TransactionHistory): boolean {
  const { transactions, kind } = history;
  const place = (
    left: readonly Transaction[],
    state: ReadonlyMap<string, readonly string[]>,
  ): boolean =>
    left.every(({ outcome }) => outcome !== "ok") ||
    left.some((each) => {
      if (left.some((other) => other.end < each.call)) return false;
      const after = new Map(state);
      const fits = each.ops.every((op) => {
        const now = after.get(op.key) ?? [];
        if (op.kind === "write") {
          after.set(op.key, kind === "lists" ? [...now, op.value] : [op.value]);
          return true;
        }
        if (op.seen === undefined) return true;
        const told = kind === "lists" ? now : (now.at(-1) ?? null);
        return JSON.stringify(told) === JSON.stringify(op.seen);
      });
      return (
        fits &&
        place(
          left.filter((other) => other !== each),
          after,
        )
      );
    });
  return place(transactions, new Map());
}

test.each(["lists", "registers"] as const)("as every order tried says, %s", (kind) => {
  const told = { ok: 0, violation: 0 };
  for (let seed = 1; seed <= 1500; seed++) {
    const values = kind === "registers" && seed % 3 === 0 ? 2 : 0;
    const history = generate(seed, kind, { count: 6, clients: 4, keys: 2, values });
    const random = new SeededRandom(`answers ${seed}`);
    const seen = history.transactions.flatMap(({ ops }) =>
      ops.flatMap((op) => (op.kind === "read" && op.seen !== undefined ? [op] : [])),
    );
    // What one read saw is told of another of the same key.
    const [to, from] = [random.below(seen.length + 1), random.below(seen.length + 1)];
    const [target, source] = [seen[to], seen[from]];
    const transactions = history.transactions.map((each) => ({
      ...each,
      ops: each.ops.map((op) =>
        op === target && target?.key === source?.key ? { ...target, seen: source?.seen } : op,
      ),
    })) as readonly Transaction[];
    const mixed = { kind, transactions };
    const expected = someOrder(mixed) ? "ok" : "violation";
    told[expected] += 1;
    expect(checkTransactions(mixed).verdict, `seed ${seed}`).toBe(expected);
  }
  expect(Math.min(told.ok, told.violation)).toBeGreaterThan(100);
});
