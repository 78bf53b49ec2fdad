/**
 * The notes of clients of transactions and ranges, in the words of the checker, and the invariants that can be checked at once.
 *
 * Invariants:
 *   STORENOTES-1. Every state that a client is told of has the same sum on its accounts.
 *   STORENOTES-2. No value of the counter is given out twice.
 *   STORENOTES-3. The set is not empty once it was not.
 *   STORENOTES-4. A client that reads an old revision is told COMPACTED only when no older one is kept either.
 */
import type { FoundKey, OpResult, StoreOp, StoreOperation } from "../../checker/index.ts";

export const ACCOUNT_PREFIX = "t/a";
export const ACCOUNTS = 6;
export const BALANCE = 100;
export const COUNTER = "t/n";
export const SET_PREFIX = "t/s/";
/** All keys of this torture begin so: others belong to other clients. */
export const PREFIX = "t/";

/** The range of a prefix that ends with a letter or a slash. */
export function rangeOf(prefix: string): { readonly start: string; readonly end: string } {
  const last = prefix.charCodeAt(prefix.length - 1);
  return { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}

export function told(found: readonly FoundKey[]): OpResult {
  return { found, count: found.length, deleted: 0 };
}

/** What was asked of a revision that is not kept any more. */
export interface Refused {
  readonly asked: number;
  /** The oldest there is, as it was told. */
  readonly oldest: number | null;
}

export class StoreNotes {
  readonly operations: StoreOperation[] = [];
  readonly violations: string[] = [];
  readonly counts = { transfers: 0, counted: 0, sets: 0, states: 0, old: 0, compacted: 0 };
  /** The latest revision that a client was told. */
  seen = 0;
  readonly #given = new Map<number, string>();
  /** From which revision on the set has members. */
  #filledAt = Infinity;

  add(operation: StoreOperation): void {
    this.operations.push(operation);
    this.seen = Math.max(this.seen, operation.revision ?? 0);
  }

  /** STORENOTES-2. */
  counted(value: number, who: string): void {
    const other = this.#given.get(value);
    if (other !== undefined) this.violation(`${who} was given ${value}, as ${other} was`);
    this.#given.set(value, who);
    this.counts.counted += 1;
  }

  filled(revision: number): void {
    this.#filledAt = Math.min(this.#filledAt, revision);
  }

  /** STORENOTES-1, STORENOTES-3: all keys of PREFIX at a revision; null: at one that is not known. */
  state(found: readonly FoundKey[], revision: number | null, who: string): void {
    this.counts.states += 1;
    const accounts = found.filter(({ key }) => key.startsWith(ACCOUNT_PREFIX));
    const sum = accounts.reduce((all, { value }) => all + Number(value), 0);
    const at = revision === null ? "" : ` at revision ${revision}`;
    if (accounts.length !== ACCOUNTS || sum !== ACCOUNTS * BALANCE) {
      this.violation(`${who} was told ${accounts.length} accounts with ${sum}${at}`);
    }
    const isEmpty = !found.some(({ key }) => key.startsWith(SET_PREFIX));
    if (isEmpty && revision !== null && revision >= this.#filledAt) {
      this.violation(`${who} was told an empty set${at}`);
    }
  }

  /** STORENOTES-4. */
  refused({ asked, oldest }: Refused, who: string): void {
    this.counts.compacted += 1;
    if (oldest !== null && oldest > asked) return;
    this.violation(`${who} was refused revision ${asked}, and told that ${oldest} is the oldest`);
  }

  violation(text: string): void {
    this.violations.push(text);
    console.log(`VIOLATION: ${text}`);
  }
}

/** Without an answer it may have happened; with one it has, at that revision. */
export function noted(
  who: string,
  callUs: number,
  parts: {
    readonly request: StoreOperation["request"];
    readonly revision: number | null;
    readonly results: readonly OpResult[];
  },
): StoreOperation {
  const { request, revision, results } = parts;
  const common = { process: who, request, call: callUs, source: `at ${callUs} us` };
  if (revision === null) {
    return { ...common, outcome: "unknown", revision, answer: null, end: Infinity };
  }
  const end = Math.round(performance.now() * 1000);
  return { ...common, outcome: "ok", revision, answer: { succeeded: true, results }, end };
}

/** A function's reads, and then its writes, as one transaction. */
export class Carried {
  readonly ops: StoreOp[] = [];
  readonly results: OpResult[] = [];
  readonly conditions: { key: string; target: "modRevision"; expected: number }[] = [];

  read(key: string, found: FoundKey | null): void {
    this.ops.push({ kind: "range", range: { start: key, end: null }, limit: 0 });
    this.results.push(told(found === null ? [] : [found]));
    const expected = found?.modRevision ?? 0;
    this.conditions.push({ key, target: "modRevision", expected });
  }

  range(prefix: string, found: readonly FoundKey[]): void {
    this.ops.push({ kind: "range", range: rangeOf(prefix), limit: 0 });
    this.results.push(told(found));
    for (const { key, modRevision: expected } of found) {
      this.conditions.push({ key, target: "modRevision", expected });
    }
  }

  put(key: string, value: string): void {
    this.ops.push({ kind: "put", key, value, lease: "" });
    this.results.push(told([]));
  }

  /** Deletes a key that was read before, and was there. */
  delete(key: string): void {
    this.ops.push({ kind: "delete", key });
    this.results.push({ found: [], count: null, deleted: 1 });
  }

  get request(): Extract<StoreOperation["request"], { kind: "txn" }> {
    return { kind: "txn", conditions: this.conditions, success: this.ops, failure: [] };
  }
}
