/**
 * Transactions once more, in the simplest way: on a copy of the whole content, without plans, overlays or budgets. For checks that
 * carry out the decided log anew; it shares nothing with the product but the form of a body.
 */
import { unreachable } from "../../base/index.ts";
import type { Compare, Found, Txn, TxnOp, TxnResult, Where } from "../../store/index.ts";

/** By key; keys and values with a character for each byte. */
export type Content = ReadonlyMap<string, Omit<Found, "key">>;

export interface Carried {
  readonly succeeded: boolean;
  readonly after: Content;
  readonly results: readonly TxnResult[];
}

/**
 * @param revision that changes will have
 * @param hasLease whether there is such a lease
 * @returns null: it keeps the value, or the lease, of a key that does not exist, or binds one to a lease that does not
 */
export function carryOut(
  before: Content,
  txn: Txn,
  revision: number,
  hasLease: (id: number) => boolean = () => false,
): Carried | null {
  const after = new Map(before);
  try {
    const { succeeded, results } = run(before, after, txn, revision, hasLease);
    return { succeeded, after, results };
  } catch (error) {
    if (error instanceof NothingToKeep) return null;
    throw error;
  }
}

class NothingToKeep extends Error {}

function run(
  before: Content,
  after: Map<string, Omit<Found, "key">>,
  txn: Txn,
  revision: number,
  hasLease: (id: number) => boolean,
): { succeeded: boolean; results: TxnResult[] } {
  const succeeded = txn.compare.every((compare) => holds(before, compare));
  const ops = succeeded ? txn.success : txn.failure;
  const results = ops.map((op): TxnResult => {
    if (op.op === "txn") return { op: "txn", ...run(before, after, op.txn, revision, hasLease) };
    return one(after, op, revision, hasLease);
  });
  return { succeeded, results };
}

function one(
  content: Map<string, Omit<Found, "key">>,
  op: Exclude<TxnOp, { op: "txn" }>,
  revision: number,
  hasLease: (id: number) => boolean,
): TxnResult {
  switch (op.op) {
    case "put": {
      const old = content.get(op.key);
      const keeps = op.value === null || op.lease === null;
      if (keeps && old === undefined) throw new NothingToKeep();
      if (op.lease && !hasLease(op.lease)) throw new NothingToKeep();
      const lease = (op.lease === null ? old?.lease : op.lease) ?? 0;
      content.set(op.key, {
        value: op.value ?? old?.value ?? op.key,
        createRevision: old?.createRevision ?? revision,
        modRevision: revision,
        version: (old?.version ?? 0) + 1,
        ...(lease === 0 ? {} : { lease }),
      });
      return { op: "put", previous: op.previous && old ? { key: op.key, ...old } : null };
    }
    case "delete": {
      const found = within(content, op.where);
      for (const { key } of found) content.delete(key);
      return { op: "delete", count: found.length, previous: op.previous ? found : [] };
    }
    case "get": {
      const all = within(content, op.where);
      const some = op.limit === 0 ? all : all.slice(0, op.limit);
      const more = some.length < all.length;
      const found = op.countOnly ? [] : some;
      return { op: "get", count: some.length, more, keysOnly: op.keysOnly, found };
    }
    default:
      return unreachable(op, "operation");
  }
}

function within(content: Content, where: Where): Found[] {
  // Keys of the content are byte strings, although their type is string.
  const all = [...content].map(([key, held]) => ({ ...held, key }) as Found);
  all.sort((a, b) => (a.key < b.key ? -1 : 1));
  return all.filter(({ key }) =>
    "key" in where
      ? key === where.key
      : key >= where.start && (where.end === null || key < where.end),
  );
}

function holds(before: Content, compare: Compare): boolean {
  const found = within(before, compare.where);
  if (compare.target === "count") return inOrder(found.length, compare.to).includes(compare.is);
  if (compare.target === "value") {
    const { to } = compare;
    return found.length > 0 && found.every(({ value }) => inOrder(value, to).includes(compare.is));
  }
  const { target, to } = compare;
  const numbers = found.length === 0 ? [0] : found.map((held) => held[target] ?? 0);
  return numbers.every((number) => inOrder(number, to).includes(compare.is));
}

/** The relations in which the two stand. */
function inOrder<T extends string | number>(a: T, b: T): string[] {
  if (a === b) return ["="];
  return a < b ? ["!=", "<"] : ["!=", ">"];
}
