/** How requests for locks wait, and what followers of an election are told: by reads and watches of a client that the test plays. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { observeElection, type Leader } from "../../../src/client/locks/election.ts";
import {
  gone as untilGone,
  storeOf,
  type CoordinationSource,
} from "../../../src/client/locks/lock-store.ts";
import { KeyEntry, KeyValue } from "../../../src/client/terms/range-entry.ts";
import { FoundResult, MissingResult } from "../../../src/client/terms/read-result.ts";
import { DeleteEvent, PutEvent, type WatchBatch } from "../../../src/client/watches/watch-types.ts";

const KEY = Buffer.from("held/x/1");

/** What it answers, one after the other, and what it was asked. */
class FakeSource implements CoordinationSource {
  readonly asked: unknown[] = [];
  /** Of each read: the revision, and that of the key; null: there is none. */
  readonly states: { revision: number; at: number | null }[] = [];
  /** Of each watch: batches, and the error that it ends with. */
  readonly watches: (WatchBatch | KvError)[][] = [];
  found: string[] = [];

  txn = (): Promise<never> => Promise.reject(new Error("not asked"));

  async snapshot(): Promise<{ revision: number; results: (FoundResult | MissingResult)[] }> {
    const { revision, at } = this.#next();
    const found = at === null ? new MissingResult(1) : new FoundResult(KEY, at, at, 1, 1);
    return Promise.resolve({ revision, results: [found] });
  }

  count: CoordinationSource["count"] = () => {
    const { revision, at } = this.#next();
    this.found = at === null ? [] : [`v${at}`];
    return Promise.resolve({ count: this.found.length, revision });
  };

  async *range(_selector: unknown, options: unknown = {}): AsyncGenerator<KeyValue> {
    this.asked.push(options);
    await Promise.resolve();
    for (const value of this.found) {
      const at = Number(value.slice(1));
      yield new KeyValue(KEY, Buffer.from(value), at, at, 1);
    }
  }

  async *keys(_selector: unknown, options: unknown = {}): AsyncGenerator<KeyEntry> {
    this.asked.push(options);
    await Promise.resolve();
    for (const key of this.found) yield new KeyEntry(Buffer.from(key), 3, 3, 1);
  }

  async *watch(_selector: unknown, options: unknown = {}): AsyncGenerator<WatchBatch> {
    this.asked.push(options);
    for (const item of this.watches.shift() ?? []) {
      await Promise.resolve();
      if (item instanceof KvError) throw item;
      yield item;
    }
  }

  #next(): { revision: number; at: number | null } {
    const state = this.states.shift();
    if (state === undefined) throw new KvError("CANCELLED", "the test is over");
    return state;
  }
}

const gone = (revision: number): WatchBatch => ({
  type: "events",
  revision,
  events: [new DeleteEvent(KEY, revision, null)],
});
const put = (revision: number): WatchBatch => ({
  type: "events",
  revision,
  events: [new PutEvent(KEY, Buffer.from(`v${revision}`), revision, revision, 1, null)],
});
const COMPACTED = new KvError("COMPACTED", "gone", { oldestRevision: 90 });

describe("to wait until a key is gone", () => {
  test("takes no watch when it is gone already", async () => {
    const source = new FakeSource();
    source.states.push({ revision: 8, at: null });
    await untilGone(storeOf(source), KEY, null, new AbortController().signal);
    expect(source.asked).toEqual([]);
  });

  test("watches from the state in which it was there, and looks again when that is not kept any more", async () => {
    const source = new FakeSource();
    source.states.push({ revision: 8, at: 5 }, { revision: 95, at: 5 });
    source.watches.push([COMPACTED], [gone(97)]);
    await untilGone(storeOf(source), KEY, null, new AbortController().signal);
    expect(source.asked).toMatchObject([{ from: 9 }, { from: 96 }]);
  });

  test("reads nothing when it is known since when it is to be gone", async () => {
    const source = new FakeSource();
    source.watches.push([put(6), gone(9)]);
    const { signal } = new AbortController();
    expect(await untilGone(storeOf(source), KEY, 6, signal)).toBe(9);
    expect(source.asked).toEqual([{ from: 6, signal }]);
  });

  test("throws what else is in the way", async () => {
    const source = new FakeSource();
    source.states.push({ revision: 8, at: 5 });
    source.watches.push([new KvError("OVERLOADED", "too many")]);
    const { signal } = new AbortController();
    await expect(untilGone(storeOf(source), KEY, null, signal)).rejects.toMatchObject({
      code: "OVERLOADED",
    });
  });
});

test("the one before is asked for by order of creation", async () => {
  const source = new FakeSource();
  source.found = ["b"];
  const before = await storeOf(source).lastBefore("wait/", 7, { timeoutMs: 5 });
  expect(Buffer.from(before!).toString()).toBe("b");
  expect(source.asked).toEqual([
    { timeoutMs: 5, orderBy: "create", reverse: true, limit: 1, atLeast: 7, maxCreateRevision: 6 },
  ]);
  expect(await storeOf(source).lastBefore("wait/", 1, {})).toBeNull();
});

test("followers are told who leads at first, each change once, and go on after a compaction", async () => {
  const source = new FakeSource();
  source.states.push({ revision: 8, at: 5 }, { revision: 95, at: 20 }, { revision: 99, at: null });
  source.watches.push([gone(10), put(11), put(20), COMPACTED], [gone(96), COMPACTED], [put(101)]);
  const seen: (string | null)[] = [];
  const text = (leader: Leader | null): string | null =>
    leader === null ? null : `${Buffer.from(leader.value).toString()} ${leader.token}`;
  const run = async (): Promise<void> => {
    for await (const leader of observeElection(source, "e", {})) seen.push(text(leader));
  };
  await expect(run()).rejects.toMatchObject({ code: "CANCELLED" });
  expect(seen).toEqual(["v5 5", null, "v11 11", "v20 20", null, "v101 101"]);
  expect(source.asked[0]).toMatchObject({ revision: 8 });
});
