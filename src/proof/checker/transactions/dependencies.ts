/**
 * Works out from the answers which transaction came before which.
 *
 * Invariants:
 *   DEPEND-1. An edge is drawn only when every order that explains the answers has it. So a cycle alone is a violation.
 *   DEPEND-2. A value that more than one transaction may have written to a key names no writer, and gives no edges.
 *   DEPEND-3. A transaction of unknown outcome counts only when another one saw its writes: else it may never have happened.
 */
import { anomaly, type Anomaly } from "./anomaly.ts";
import { effectsOf, type Effects, type KeyEffect } from "./effects.ts";
import { Graph } from "./graph.ts";
import { describeSeen, type Transaction, type TransactionHistory } from "./transaction.ts";
import { WritersInTime } from "./writers-in-time.ts";

export interface Dependencies {
  /** Those that count. */
  readonly transactions: readonly Transaction[];
  /** The effects of each transaction, at the same places as in `transactions`. */
  readonly effects: readonly Effects[];
  readonly graph: Graph;
  readonly anomalies: readonly Anomaly[];
}

export type Kind = TransactionHistory["kind"];

/** The transactions that used one key. Places are those of the transactions that count. */
export interface KeyUse {
  readonly key: string;
  readonly readers: { readonly at: number; readonly effect: KeyEffect }[];
  readonly writers: { readonly at: number; readonly effect: KeyEffect }[];
}

const ANOMALIES_MAX = 10;

export function findDependencies(history: TransactionHistory): Dependencies {
  const { kind } = history;
  const seen = valuesSeen(history);
  const counts = ({ outcome, ops }: Transaction): boolean =>
    outcome === "ok" ||
    (outcome === "unknown" &&
      ops.some((op) => op.kind === "write" && seen.has(nameOf(op.key, op.value))));
  const transactions = history.transactions.filter(counts);
  const effects = transactions.map((transaction) => effectsOf(transaction, kind));
  const graph = new Graph(transactions);
  const anomalies: Anomaly[] = [];
  const report = (
    kindOf: Parameters<typeof anomaly>[0],
    who: Transaction[],
    what: string,
  ): void => {
    if (anomalies.length < ANOMALIES_MAX) anomalies.push(anomaly(kindOf, kind, who, what));
  };
  effects.forEach(({ contradicts }, at) => {
    const transaction = transactions[at];
    if (contradicts === null || transaction === undefined) return;
    const what = contradicts.kind === "read" ? describeSeen(contradicts.seen) : contradicts.value;
    const key = JSON.stringify(contradicts.key);
    report("internal", [transaction], `it read ${key} as ${what}, against its own operations`);
  });
  const failed = failedWriters(history);
  for (const use of usesOf(effects)) {
    const writerOf = writersByValue(use, kind);
    for (const { at, effect } of use.readers) {
      for (const value of elementsOf(effect)) {
        if (writerOf.has(value)) continue;
        const reader = transactions[at];
        const writer = failed.get(nameOf(use.key, value));
        if (reader === undefined) continue;
        const key = JSON.stringify(use.key);
        if (writer === undefined)
          report("garbage-read", [reader], `nobody wrote ${value} to ${key}`);
        else
          report("aborted-read", [reader, writer], `the writer of ${value} to ${key} had failed`);
      }
    }
    const context: KeyContext = { use, writerOf, graph, transactions, report };
    if (kind === "lists") listEdges(context);
    else registerEdges(context);
  }
  return { transactions, effects, graph, anomalies };
}

interface KeyContext {
  readonly use: KeyUse;
  /** Null: several. */
  readonly writerOf: ReadonlyMap<string, number | null>;
  readonly graph: Graph;
  readonly transactions: readonly Transaction[];
  readonly report: (kind: Parameters<typeof anomaly>[0], who: Transaction[], what: string) => void;
}

/** The longest list that was read has all others at its beginning: the order of the versions. */
function listEdges({ use, writerOf, graph, transactions, report }: KeyContext): void {
  const { key, readers, writers } = use;
  const lists = readers.map(({ at, effect }) => ({ at, list: effect.seen as readonly string[] }));
  const longest = lists.reduce<(typeof lists)[number] | null>(
    (best, each) => (best === null || each.list.length > best.list.length ? each : best),
    null,
  );
  const order = longest?.list ?? [];
  const who = (...places: number[]): Transaction[] =>
    places.flatMap((place) => transactions[place] ?? []);
  if (new Set(order).size !== order.length && longest !== null) {
    report("duplicate-elements", who(longest.at), `an element is twice in ${JSON.stringify(key)}`);
    return;
  }
  // DEPEND-2.
  const isUnique = [...writerOf.values()].every((writer) => writer !== null);
  for (const { at, list } of lists) {
    if (list.every((value, i) => value === order[i]) || longest === null) continue;
    const what = `two lists of ${JSON.stringify(key)}, and neither is the beginning of the other`;
    report("incompatible-order", who(at, longest.at), what);
    return;
  }
  if (!isUnique) return;
  const writerAt = (i: number): number | null => writerOf.get(order[i] ?? "") ?? null;
  for (let i = 1; i < order.length; i++) {
    const [before, after] = [writerAt(i - 1), writerAt(i)];
    if (before !== null && after !== null) graph.add(before, after, "ww", key);
  }
  const places = new Set(order);
  const effectOf = new Map(writers.map(({ at, effect }) => [at, effect]));
  const never = writers.filter(
    ({ at, effect }) =>
      transactions[at]?.outcome === "ok" && effect.written.some((value) => !places.has(value)),
  );
  const last = writerAt(order.length - 1);
  for (const { at } of never) if (last !== null) graph.add(last, at, "ww", key);
  for (const { at, list } of lists) {
    const lastSeen = list.length === 0 ? null : writerAt(list.length - 1);
    if (lastSeen !== null) {
      graph.add(lastSeen, at, "wr", key);
      const effect = effectOf.get(lastSeen);
      if (effect !== undefined && effect.written.at(-1) !== list.at(-1) && lastSeen !== at) {
        const what = `it read ${JSON.stringify(key)} between two appends of one transaction`;
        report("intermediate-read", who(at, lastSeen), what);
      }
    }
    if (list.length < order.length) {
      const next = writerAt(list.length);
      if (next !== null) graph.add(at, next, "rw", key);
    } else {
      for (const writer of never) graph.add(at, writer.at, "rw", key);
    }
  }
}

/**
 * Which of two versions of a register is later is known when a transaction read the one and wrote the other, when one was written
 * after the other's writer had ended, or when the one was read after the other's writer had ended.
 */
function registerEdges({ use, writerOf, graph, transactions, report }: KeyContext): void {
  const { key, readers, writers } = use;
  const time = (at: number): Transaction | undefined => transactions[at];
  const certain = writers.flatMap(({ at }) => {
    const writer = time(at);
    return writer?.outcome === "ok" ? [{ at, call: writer.call, end: writer.end }] : [];
  });
  const inTime = new WritersInTime(certain);
  const effectOf = new Map(writers.map((writer) => [writer.at, writer.effect]));
  const readersOf = new Map<string | null, (typeof readers)[number][]>();
  for (const reader of readers) {
    const seen = reader.effect.seen as string | null;
    const those = readersOf.get(seen);
    if (those === undefined) readersOf.set(seen, [reader]);
    else those.push(reader);
  }
  for (const [seen, those] of readersOf) {
    if (writerOf.get(seen ?? "nil") === null || (seen === null && writerOf.has("nil"))) continue;
    const overwriters = those.filter(({ effect }) => effect.written.length > 0).slice(0, 2);
    // A transaction that read a version and wrote the next one comes after all that read it.
    for (const { at } of those) for (const next of overwriters) graph.add(at, next.at, "rw", key);
  }
  for (const { at, effect } of readers) {
    const seen = effect.seen as string | null;
    const call = time(at)?.call ?? 0;
    if (seen === null) {
      if (writerOf.has("nil")) continue;
      for (const writer of inTime.firstAfter(Number.NEGATIVE_INFINITY))
        graph.add(at, writer, "rw", key);
      // A transaction that saw nothing comes before all, and so before those that had ended: the edge of time closes the circle.
      for (const writer of inTime.lastBefore(call)) graph.add(at, writer, "rw", key);
      continue;
    }
    const writer = writerOf.get(seen) ?? null;
    if (writer === null) continue;
    graph.add(writer, at, "wr", key);
    const written = effectOf.get(writer)?.written;
    if (written !== undefined && written.at(-1) !== seen && writer !== at) {
      const who = [at, writer].flatMap((place) => transactions[place] ?? []);
      report(
        "intermediate-read",
        who,
        `${seen} of ${JSON.stringify(key)} was written over at once`,
      );
    }
    if (effect.written.length > 0 && writer !== at) graph.add(writer, at, "ww", key);
    for (const later of inTime.firstAfter(time(writer)?.end ?? Number.POSITIVE_INFINITY)) {
      graph.add(at, later, "rw", key);
    }
    for (const earlier of inTime.lastBefore(call)) {
      if (earlier !== writer) graph.add(earlier, writer, "ww", key);
    }
  }
}

function valuesSeen({ transactions }: TransactionHistory): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const { ops, outcome } of transactions) {
    if (outcome !== "ok") continue;
    for (const op of ops) {
      if (op.kind !== "read" || op.seen === undefined || op.seen === null) continue;
      const values = typeof op.seen === "string" ? [op.seen] : op.seen;
      for (const value of values) seen.add(nameOf(op.key, value));
    }
  }
  return seen;
}

function failedWriters({ transactions }: TransactionHistory): ReadonlyMap<string, Transaction> {
  const writers = new Map<string, Transaction>();
  for (const transaction of transactions) {
    if (transaction.outcome !== "fail") continue;
    for (const op of transaction.ops) {
      if (op.kind === "write") writers.set(nameOf(op.key, op.value), transaction);
    }
  }
  return writers;
}

function usesOf(effects: readonly Effects[]): Iterable<KeyUse> {
  const uses = new Map<string, KeyUse>();
  effects.forEach(({ keys }, at) => {
    for (const effect of keys.values()) {
      let use = uses.get(effect.key);
      if (use === undefined)
        uses.set(effect.key, (use = { key: effect.key, readers: [], writers: [] }));
      if (effect.isRead) use.readers.push({ at, effect });
      if (effect.written.length > 0) use.writers.push({ at, effect });
    }
  });
  return uses.values();
}

function writersByValue({ writers }: KeyUse, kind: Kind): ReadonlyMap<string, number | null> {
  const byValue = new Map<string, number | null>();
  for (const { at, effect } of writers) {
    for (const value of effect.written) {
      const isOther = byValue.has(value) && (kind === "lists" || byValue.get(value) !== at);
      byValue.set(value, isOther ? null : at);
    }
  }
  return byValue;
}

function elementsOf({ seen }: KeyEffect): readonly string[] {
  if (seen === undefined || seen === null) return [];
  return typeof seen === "string" ? [seen] : seen;
}

function nameOf(key: string, value: string): string {
  return JSON.stringify([key, value]);
}
