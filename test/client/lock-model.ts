/** A store of one node in memory, as far as requests for locks need it: transactions, and leases that end when the test says so. */
import { afterPrefix } from "../../src/base/bytes.ts";
import { ELECTIONS_PREFIX } from "../../src/client/locks/lock-keys.ts";
import type { TxnCompare, TxnOperation, TxnRequest } from "../../src/client/txn/txn-types.ts";
import type { RangeSelector } from "../../src/client/terms/types.ts";

interface Stored {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
}

export interface ModelAnswer {
  readonly succeeded: boolean;
  readonly revision: number;
  readonly results: readonly ModelResult[];
}

type ModelResult =
  | { readonly op: "put"; readonly previous: null }
  | { readonly op: "delete"; readonly count: number; readonly previous: [] }
  | { readonly op: "get"; readonly count: number; readonly more: boolean; readonly found: never[] };

export class LockModel {
  readonly keys = new Map<string, Stored>();
  /** Those that have ended. */
  readonly ended = new Set<number>();
  revision = 0;
  /** What became of each key. */
  readonly history = new Map<string, { revision: number; createRevision: number }[]>();

  /** Null: refused, a lease has ended. */
  txn(request: TxnRequest): ModelAnswer | null {
    const succeeded = (request.compare ?? []).every((compare) => this.#holds(compare));
    const operations = (succeeded ? request.then : request.else) ?? [];
    const isRefused = operations.some((each) => each.op === "put" && this.ended.has(leaseOf(each)));
    if (isRefused) return null;
    if (operations.some((each) => this.#changes(each))) this.revision += 1;
    return { succeeded, revision: this.revision, results: operations.map((op) => this.#do(op)) };
  }

  /** The keys of a lease go, in one revision. */
  end(lease: number): void {
    if (this.ended.has(lease)) return;
    this.ended.add(lease);
    const keys = [...this.keys].filter(([, stored]) => stored.lease === lease);
    if (keys.length > 0) this.revision += 1;
    for (const [key] of keys) this.#delete(key);
  }

  firstOf(
    prefix: string,
    limit: number,
  ): { key: string; value: Uint8Array; createRevision: number }[] {
    return this.#in({ prefix })
      .toSorted(([, a], [, b]) => a.createRevision - b.createRevision)
      .slice(0, limit)
      .map(([key, { createRevision }]) => ({ key, value: new Uint8Array(0), createRevision }));
  }

  #delete(key: string): boolean {
    if (!this.keys.delete(key)) return false;
    this.#note(key, 0);
    return true;
  }

  #note(key: string, createRevision: number): void {
    const states = this.history.get(key) ?? [];
    this.history.set(key, states);
    states.push({ revision: this.revision, createRevision });
  }

  #changes(operation: TxnOperation): boolean {
    if (operation.op !== "delete") return operation.op === "put";
    const { range } = operation;
    return range === undefined ? this.keys.has(String(operation.key)) : this.#in(range).length > 0;
  }

  lastBefore(prefix: string, revision: number): string | null {
    const [last] = this.#in({ prefix })
      .filter(([, { createRevision }]) => createRevision < revision)
      .toSorted(([, a], [, b]) => b.createRevision - a.createRevision);
    return last?.[0] ?? null;
  }

  #in(range: RangeSelector): [string, Stored][] {
    const text = (bytes: unknown): string =>
      typeof bytes === "string" ? bytes : Buffer.from(bytes as Uint8Array).toString();
    const start = text(range.prefix ?? range.start ?? "");
    const after = range.prefix === undefined ? range.end : afterPrefix(Buffer.from(start));
    const end = after === undefined || after === null ? `${ELECTIONS_PREFIX}\uffff` : text(after);
    return [...this.keys].filter(([key]) => key >= start && key < end);
  }

  #holds(compare: TxnCompare): boolean {
    const range = compare.range ?? { start: compare.key, end: `${String(compare.key)}\0` };
    const there = this.#in(range).map(([, stored]) => stored);
    if ("version" in compare) {
      return there.length === 0
        ? compare.version === 0
        : there.every(({ version }) => version === compare.version);
    }
    if ("lease" in compare) return there.every(({ lease }) => lease === compare.lease);
    if (!("createRevision" in compare)) throw new Error("no comparison of a lock");
    return (
      there.length > 0 && there.every((each) => each.createRevision === compare.createRevision)
    );
  }

  #do(operation: TxnOperation): ModelResult {
    switch (operation.op) {
      case "put": {
        const key = String(operation.key);
        const old = this.keys.get(key);
        this.keys.set(key, {
          createRevision: old?.createRevision ?? this.revision,
          modRevision: this.revision,
          version: (old?.version ?? 0) + 1,
          lease: leaseOf(operation),
        });
        this.#note(key, old?.createRevision ?? this.revision);
        return { op: "put", previous: null };
      }
      case "delete": {
        const keys =
          operation.range === undefined
            ? [String(operation.key)]
            : this.#in(operation.range).map(([key]) => key);
        const count = keys.filter((key) => this.#delete(key)).length;
        return { op: "delete", count, previous: [] };
      }
      case "get": {
        const range = operation.range ?? {
          start: operation.key,
          end: `${String(operation.key)}\0`,
        };
        const all = this.#in(range);
        const found = all
          .slice(0, operation.limit ?? all.length)
          .map(([key, { createRevision }]) => ({ key, createRevision }));
        return { op: "get", count: all.length, more: false, found: found as never[] };
      }
      default:
        throw new Error("no operation of a lock");
    }
  }
}

function leaseOf(operation: TxnOperation): number {
  return "lease" in operation ? (operation.lease ?? 0) : 0;
}
