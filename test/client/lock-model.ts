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

  /** Null: refused, a lease has ended. */
  txn(request: TxnRequest): ModelAnswer | null {
    const succeeded = (request.compare ?? []).every((compare) => this.#holds(compare));
    const operations = (succeeded ? request.then : request.else) ?? [];
    const isRefused = operations.some((each) => each.op === "put" && this.ended.has(leaseOf(each)));
    if (isRefused) return null;
    if (operations.some(({ op }) => op !== "get")) this.revision += 1;
    return { succeeded, revision: this.revision, results: operations.map((op) => this.#do(op)) };
  }

  /** The keys of a lease go, in one revision. */
  end(lease: number): void {
    if (this.ended.has(lease)) return;
    this.ended.add(lease);
    this.revision += 1;
    for (const [key, stored] of this.keys) if (stored.lease === lease) this.keys.delete(key);
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
        return { op: "put", previous: null };
      }
      case "delete": {
        const keys =
          operation.range === undefined
            ? [String(operation.key)]
            : this.#in(operation.range).map(([key]) => key);
        const count = keys.filter((key) => this.keys.delete(key)).length;
        return { op: "delete", count, previous: [] };
      }
      case "get": {
        const range = operation.range ?? {
          start: operation.key,
          end: `${String(operation.key)}\0`,
        };
        const all = this.#in(range);
        const found = all.slice(0, operation.limit ?? all.length).map(([key]) => ({ key }));
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
