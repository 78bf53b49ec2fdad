/** A store of one node in memory that speaks as KvClient does, and fails as it is told. */
import { FoundResult, MissingResult } from "../../src/client/read-result.ts";
import { KvError } from "../../src/base/errors.ts";
import { KeyEntry, KeyValue } from "../../src/client/range-entry.ts";
import type { Bytes, KvRequests, RangeOptions, RangeSelector } from "../../src/client/types.ts";

interface Cell {
  readonly value: Uint8Array;
  readonly modRevision: number;
  readonly createRevision: number;
  readonly version: number;
}

export interface FakeClient extends KvRequests {
  /** The next call rejects with it. */
  failNext(error: KvError): void;
  /** The next call answers only when it is aborted. */
  hangNext(): void;
  readonly calls: string[];
}

export function fakeClient(): FakeClient {
  const cells = new Map<string, Cell>();
  const calls: string[] = [];
  let revision = 0;
  let failure: KvError | null = null;
  let hang = false;

  const text = (bytes: Bytes): string => Buffer.from(bytes).toString("latin1");

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

  function set(key: string, bytes: Bytes): number {
    const value = Buffer.from(bytes);
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
    const bytes = (bound: Bytes | undefined): string => text(bound ?? "");
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
    calls,
    failNext: (error) => {
      failure = error;
    },
    hangNext: () => {
      hang = true;
    },
    async write(key, value, options) {
      const node = await begin(`write ${text(key)}`, options);
      return { revision: set(text(key), value), node };
    },
    async read(key, options) {
      const node = await begin(`read ${text(key)} ${options?.consistency}`, options);
      const cell = cells.get(text(key));
      if (cell === undefined) return new MissingResult(node);
      return new FoundResult(cell.value, cell.modRevision, cell.createRevision, cell.version, node);
    },
    async delete(key, options) {
      const node = await begin(`delete ${text(key)}`, options);
      const existed = cells.delete(text(key));
      if (existed) revision += 1;
      return { existed, revision, node };
    },
    async cas(key, condition, value, options) {
      const node = await begin(`cas ${text(key)}`, options);
      const cell = cells.get(text(key));
      const holds =
        "absent" in condition
          ? cell === undefined
          : cell !== undefined &&
            ("revision" in condition
              ? cell.modRevision === condition.revision
              : text(cell.value) === text(condition.value));
      if (holds) return { swapped: true, revision: set(text(key), value), node };
      return { swapped: false, actual: cell ?? null, node };
    },
  };
}
