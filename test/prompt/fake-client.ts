/** A store of one node in memory that speaks as KvClient does, and fails as it is told. */
import { FoundResult, MissingResult } from "../../src/client/terms/read-result.ts";
import { KvError } from "../../src/base/errors.ts";
import { OPERATIONS, type Operation } from "../../src/store/operations/index.ts";
import type { KeyVersion } from "../../src/client/keys/key-version.ts";
import { KeyEntry, KeyValue } from "../../src/client/terms/range-entry.ts";
import type {
  Bytes,
  CasCondition,
  RangeOptions,
  RangeSelector,
  ReadOptions,
} from "../../src/client/terms/types.ts";
import type { WatchBatch } from "../../src/client/watches/watch-types.ts";
import type { TxnRequest, TxnResult } from "../../src/client/txn/txn-types.ts";
import type { KeyAction } from "../../src/prompt/commands/client-commands.ts";
import type { KvCalls } from "../../src/prompt/client-prompt.ts";

interface Cell {
  readonly value: Uint8Array;
  readonly modRevision: number;
  readonly createRevision: number;
  readonly version: number;
}

export interface FakeClient extends KvCalls {
  /** The next call rejects with it. */
  failNext(error: KvError): void;
  /** The next call answers only when it is aborted. */
  hangNext(): void;
  readonly calls: string[];
  /** What watches are told, one batch after the other; then nothing until they are ended. */
  readonly told: WatchBatch[];
  /** What was asked of them. */
  readonly watches: unknown[];
  /** What `history` tells. */
  readonly versions: Map<string, KeyVersion[]>;
  /** Transactions it was asked for, and what it answers. */
  readonly txns: TxnRequest[];
  answerTxn: TxnResult;
}

/** As much of a Watch as the prompt needs. */
function fakeWatch(told: readonly WatchBatch[], signal: AbortSignal | undefined) {
  const ended = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(new KvError("CANCELLED", "stop")));
  });
  ended.catch(() => {});
  return {
    created: Promise.resolve(told[0]?.revision ?? 1),
    close: () => {},
    async *[Symbol.asyncIterator]() {
      yield* told;
      await ended;
    },
  };
}

function holds(cell: Cell | undefined, condition: CasCondition): boolean {
  if ("absent" in condition) return cell === undefined;
  if (cell === undefined) return false;
  if ("revision" in condition) return cell.modRevision === condition.revision;
  return Buffer.compare(cell.value, Buffer.from(condition.value)) === 0;
}

export function fakeClient(): FakeClient {
  const cells = new Map<string, Cell>();
  const calls: string[] = [];
  const told: WatchBatch[] = [];
  const watches: unknown[] = [];
  const versions = new Map<string, KeyVersion[]>();
  let revision = 0;
  let failure: KvError | null = null;
  let hang = false;

  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

  async function begin(call: string, options: { node?: number; signal?: AbortSignal } = {}) {
    calls.push(`${options.node ?? "any"} ${call}`);
    if (failure !== null) {
      const error = failure;
      failure = null;
      throw error;
    }
    if (hang) {
      hang = false;
      await new Promise((_resolve, reject) => {
        options.signal?.addEventListener("abort", () => reject(new KvError("CANCELLED", "stop")));
      });
    }
    return options.node ?? 1;
  }

  function set(key: string, value: Uint8Array): number {
    revision += 1;
    const before = cells.get(key);
    cells.set(key, {
      value,
      modRevision: revision,
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
    });
    return revision;
  }

  function* entries(
    { prefix, start, end }: RangeSelector,
    { limit = Infinity, reverse = false }: RangeOptions,
  ): Generator<KeyValue> {
    const bytes = (bound: Bytes | undefined): string => text(Buffer.from(bound ?? ""));
    const isIn = (key: string): boolean =>
      prefix === undefined
        ? key >= bytes(start) && (end === undefined || key < bytes(end))
        : key.startsWith(bytes(prefix));
    const found = [...cells].filter(([key]) => isIn(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    if (reverse) found.reverse();
    for (const [key, cell] of found.slice(0, limit)) {
      const { value, modRevision, createRevision, version } = cell;
      const bytes = Buffer.from(key, "latin1");
      yield new KeyValue(bytes, value, modRevision, createRevision, version);
    }
  }

  async function answered(request: KeyAction, options?: ReadOptions) {
    const { op } = request;
    const name = text(request.key);
    const said = op === "read" ? ` ${request.consistency}` : "";
    const node = await begin(`${op} ${name}${said}`, options);
    const cell = cells.get(name);
    switch (op) {
      case "read":
        if (cell === undefined) return new MissingResult(node);
        return new FoundResult(
          cell.value,
          cell.modRevision,
          cell.createRevision,
          cell.version,
          node,
        );
      case "cas":
        if (holds(cell, request.condition)) {
          return { swapped: true, revision: set(name, request.value), node };
        }
        return { swapped: false, actual: cell ?? null, node };
      default: {
        const operation: Operation = OPERATIONS[op];
        if (operation.kind !== "key") throw new Error(`${op} is about no key`);
        const held = { value: cell === undefined ? null : text(cell.value), revision };
        const value = "value" in request ? text(request.value) : "";
        const next = operation.model(held, { value, expected: "", revision: 0 });
        if (typeof next === "string") set(name, Buffer.from(next, "latin1"));
        else if (next === null && cells.delete(name)) revision += 1;
        return operation.answer === "deleted"
          ? { existed: cell !== undefined, revision, node }
          : { revision, node };
      }
    }
  }

  return {
    async *range(selector, options = {}) {
      await begin("range", options);
      yield* entries(selector, options);
    },
    async *keys(selector, options = {}) {
      await begin("keys", options);
      for (const { key, modRevision, createRevision, version } of entries(selector, options)) {
        yield new KeyEntry(key, modRevision, createRevision, version);
      }
    },
    count: async (selector, options = {}) => {
      await begin("count", options);
      return { count: [...entries(selector, {})].length, revision };
    },
    watch: (selector, { signal, ...options }) => {
      calls.push(`${options.node ?? "any"} watch`);
      watches.push({ selector, ...options });
      return fakeWatch(told, signal);
    },
    told,
    watches,
    async *history(key, options = {}) {
      await begin(`history ${text(Buffer.from(key))}`, options);
      const told = versions.get(text(Buffer.from(key))) ?? [];
      yield* told.slice(0, options.limit);
    },
    async snapshot(keys, options = {}) {
      const said = [options.consistency, options.revision, options.atLeast].filter(Boolean);
      await begin(["snapshot", ...said].join(" "), options);
      const results = keys.map((key) => {
        const cell = cells.get(text(Buffer.from(key)));
        if (cell === undefined) return new MissingResult(1);
        return new FoundResult(cell.value, cell.modRevision, cell.createRevision, cell.version, 1);
      });
      return { revision, results };
    },
    calls,
    versions,
    txns: [],
    answerTxn: { succeeded: true, revision: 0, results: [], node: 1 },
    async txn(request, options = {}) {
      const node = await begin("txn", options);
      this.txns.push(request);
      const [first] = request.then ?? [];
      if (first?.op === "delete" && first.range !== undefined) {
        const gone = [...entries(first.range, {})];
        for (const { key } of gone) cells.delete(text(key));
        return {
          ...this.answerTxn,
          node,
          results: [{ op: "delete", count: gone.length, previous: [] }],
        };
      }
      return { ...this.answerTxn, node };
    },
    failNext: (error) => {
      failure = error;
    },
    hangNext: () => {
      hang = true;
    },
    request: answered as KvCalls["request"],
    leases: {
      issue: async (ttl, options = {}) => {
        await begin(`issue ${ttl}`, options);
        return { id: 7, ttl, remaining: ttl };
      },
      renew: async (id, options = {}) => {
        await begin(`renew ${id}`, options);
        return id === 7 ? 30_000 : null;
      },
      revoke: async (id, options = {}) => {
        await begin(`revoke ${id}`, options);
        return id === 7;
      },
      timeToLive: async (id, options = {}) => {
        await begin(`ttl ${id}`, options);
        const keys = [Buffer.from("a"), Buffer.from("two words")];
        return id === 7 ? { id, ttl: 30_000, remaining: 12_345, keys } : null;
      },
      list: async (options = {}) => {
        await begin("leases", options);
        return [{ id: 7, ttl: 30_000, remaining: 12_345 }];
      },
    },
    locks: {
      query: async (options = {}) => {
        await begin("locks", options);
        return {
          held: [{ name: "a", mode: "exclusive", owner: "me", revision: 5 }],
          pending: [{ name: "a", mode: "shared", owner: "", revision: 6 }],
        };
      },
    },
    write: async (key, value, options = {}) => {
      const { lease, ttl } = options;
      const bound = typeof lease === "number" ? lease : (ttl ?? "");
      const node = await begin(`write ${text(key)} ${bound}`.trim(), options);
      return { revision: set(text(key), value), node };
    },
  };
}
