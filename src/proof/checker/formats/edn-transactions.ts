/**
 * Transactions of several operations in EDN: `{:process P, :type T, :f :txn, :value [[:r K nil] [:append K V] [:w K V]]}`, as Elle
 * reads them. A history is of lists when something is appended in it, else of registers. Words may be long (`:read`, `:write`).
 */
import { HistoryFormatError } from "../errors.ts";
import type { Outcome } from "../operation.ts";
import type { MicroOp, Transaction, TransactionHistory } from "../transactions/transaction.ts";
import { EdnReader, textOf, type Edn } from "./edn-reader.ts";
import { excerpt } from "./lines.ts";

const NIL: Edn = { kind: "nil" };
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  ":ok": "ok",
  ":fail": "fail",
  ":info": "unknown",
};

interface Event {
  readonly process: string;
  readonly type: string;
  readonly value: Edn;
  readonly line: number;
}

/** Whether some call asks for several operations at once. @throws HistoryFormatError */
export function hasTransactions(text: string): boolean {
  for (const { value } of new EdnReader(text).events()) {
    if (value.kind !== "map") return false;
    if (value.entries.get(":process")?.kind === "keyword") continue;
    const asked = value.entries.get(":value") ?? NIL;
    const isMicro = asked.kind === "list" && asked.items.every(({ kind }) => kind === "list");
    if (isMicro && asked.items.length !== 1 && isTxn(value)) return true;
  }
  return false;
}

function isTxn(event: Extract<Edn, { kind: "map" }>): boolean {
  const f = event.entries.get(":f") ?? NIL;
  return [":txn", ":read", ":write"].includes(textOf(f));
}

/** @throws HistoryFormatError */
export function parseTransactions(text: string): TransactionHistory {
  const events = [...readEvents(text)];
  const kind = events.some(({ value }) => appends(value)) ? "lists" : "registers";
  const transactions: (Transaction | null)[] = [];
  const open = new Map<string, { readonly event: Event; readonly call: number; id: number }>();
  const close = (process: string, outcome: Outcome, answer: Event | null, end: number): void => {
    const called = open.get(process);
    if (called === undefined) return;
    open.delete(process);
    const { event, call, id } = called;
    const told = outcome === "ok" && answer !== null ? answer : event;
    const ops = readOps(told, kind, outcome === "ok");
    transactions[id] = { id, process, outcome, ops, call, end, line: event.line };
  };
  events.forEach((event, position) => {
    const { process, type, line } = event;
    const called = open.get(process);
    if (type === ":invoke") {
      if (called !== undefined) {
        const problem = `process ${process} calls again, but its call in line ${called.event.line} has no answer`;
        throw new HistoryFormatError("BAD_ORDER", line, problem);
      }
      open.set(process, { event, call: position + 1, id: transactions.length });
      transactions.push(null);
      return;
    }
    const outcome = OUTCOMES[type];
    if (outcome === undefined) {
      const problem = `:type: expected :invoke, :ok, :fail or :info, got ${excerpt(type)}`;
      throw new HistoryFormatError("BAD_FIELD", line, problem);
    }
    if (called === undefined) {
      const problem = `process ${process} is answered, but has called nothing`;
      throw new HistoryFormatError("BAD_ORDER", line, problem);
    }
    close(process, outcome, event, outcome === "unknown" ? Infinity : position + 1);
  });
  for (const process of open.keys()) close(process, "unknown", null, Number.POSITIVE_INFINITY);
  return { kind, transactions: transactions.filter((transaction) => transaction !== null) };
}

function* readEvents(text: string): Generator<Event> {
  for (const { value, line } of new EdnReader(text).events()) {
    if (value.kind !== "map") {
      const problem = `expected an event like "{:process 0, :type :invoke, …}", got ${excerpt(textOf(value))}`;
      throw new HistoryFormatError("BAD_SYNTAX", line, problem);
    }
    const process = value.entries.get(":process") ?? NIL;
    // An event of no client, like the nemesis.
    if (process.kind === "keyword") continue;
    if (process.kind !== "symbol" && process.kind !== "string") {
      const problem = `:process: expected a number, got ${excerpt(textOf(process))}`;
      throw new HistoryFormatError("BAD_FIELD", line, problem);
    }
    if (!isTxn(value)) {
      const problem = `:f: expected :txn, got ${excerpt(textOf(value.entries.get(":f") ?? NIL))}`;
      throw new HistoryFormatError("BAD_FIELD", line, problem);
    }
    yield {
      process: process.text,
      type: textOf(value.entries.get(":type") ?? NIL),
      value: value.entries.get(":value") ?? NIL,
      line,
    };
  }
}

function appends(value: Edn): boolean {
  if (value.kind !== "list") return false;
  return value.items.some((op) => op.kind === "list" && textOf(op.items[0] ?? NIL) === ":append");
}

function readOps(
  { value, line }: Event,
  kind: TransactionHistory["kind"],
  isAnswer: boolean,
): readonly MicroOp[] {
  const fail = (expected: string, got: Edn): never => {
    const problem = `:value: expected ${expected}, got ${excerpt(textOf(got))}`;
    throw new HistoryFormatError("BAD_FIELD", line, problem);
  };
  if (value.kind !== "list") return fail("operations, like [[:r K nil] [:w K V]]", value);
  return value.items.map((op): MicroOp => {
    if (op.kind !== "list" || op.items.length < 2 || op.items.length > 3) {
      return fail("an operation, like [:r K nil]", op);
    }
    const [f = NIL, name = NIL, operand = NIL] = op.items;
    const key = textOf(name);
    switch (textOf(f)) {
      case ":r":
      case ":read":
        return { kind: "read", key, seen: isAnswer ? seenIn(operand, kind, fail) : undefined };
      case ":w":
      case ":write":
        if (kind === "lists") return fail(":r or :append in a history of lists", f);
        return { kind: "write", key, value: textOf(operand) };
      case ":append":
        return { kind: "write", key, value: textOf(operand) };
      default:
        return fail(":r, :w or :append", f);
    }
  });
}

function seenIn(
  value: Edn,
  kind: TransactionHistory["kind"],
  fail: (expected: string, got: Edn) => never,
): readonly string[] | string | null {
  if (kind === "registers") return value.kind === "nil" ? null : textOf(value);
  if (value.kind === "nil") return [];
  return value.kind === "list" ? value.items.map(textOf) : fail("a list that was read", value);
}
