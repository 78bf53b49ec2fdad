/** Transactions of the client library, on nodes that share one state machine. */
import { describe, expect, test } from "vitest";
import type { KvError } from "../../../src/base/errors.ts";
import type { KvClient } from "../../../src/client/kv-client.ts";
import type { TxnRequest } from "../../../src/client/txn/txn-types.ts";
import { settle, valueOf } from "../ask.ts";
import { FakeCluster, SERVE } from "../fake-cluster.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";

function started(size = 1): { cluster: FakeCluster; kv: KvClient; other: KvClient } {
  const cluster = new FakeCluster(size);
  return { cluster, kv: cluster.client(), other: cluster.client() };
}

const text = (value: Uint8Array): string => Buffer.from(value).toString();

async function failure(cluster: FakeCluster, promise: Promise<unknown>): Promise<KvError> {
  const error = await settle(
    cluster,
    promise.then(
      () => null,
      (reason: unknown) => reason,
    ),
  );
  expect(error).not.toBeNull();
  return error as KvError;
}

describe("txn", () => {
  test("says which list was carried out and what came of each operation", async () => {
    const { cluster, kv } = started();
    await settle(cluster, kv.write("a", "1"));
    const answer = await settle(
      cluster,
      kv.txn({
        compare: [
          { key: "a", value: "1" },
          { key: "a", version: 2, is: "<" },
          { range: { prefix: "b" }, count: 0 },
        ],
        then: [
          { op: "put", key: "b", value: "2", previous: true },
          { op: "put", key: "a", keepValue: true, previous: true },
          { op: "txn", compare: [{ key: "x", createRevision: 9, is: ">" }], else: [] },
          { op: "get", range: {}, limit: 1 },
          { op: "get", range: {}, countOnly: true },
          { op: "get", key: "b", keysOnly: true },
        ],
      }),
    );
    expect(answer).toMatchObject({ succeeded: true, revision: 2, node: 1 });
    const [put, kept, nested, first, count, keysOnly] = answer.results!;
    expect(put).toEqual({ op: "put", previous: null });
    expect(kept).toMatchObject({ previous: { modRevision: 1, version: 1 } });
    expect(nested).toEqual({ op: "txn", succeeded: false, results: [] });
    expect(first).toMatchObject({ count: 1, more: true, found: [{ modRevision: 2, version: 2 }] });
    expect(count).toMatchObject({ count: 2, found: [] });
    expect(keysOnly).toMatchObject({ found: [{ modRevision: 2, value: new Uint8Array(0) }] });
    const deleted = await settle(
      cluster,
      kv.txn({
        compare: [{ key: "a", modRevision: 1 }],
        else: [{ op: "delete", range: {}, previous: true }],
      }),
    );
    expect(deleted).toMatchObject({ succeeded: false, revision: 3 });
    expect(deleted.results).toMatchObject([{ op: "delete", count: 2 }]);
    const puts = await settle(cluster, kv.txn({ then: [{ op: "put", key: "c", value: "" }] }));
    expect(puts.results).toEqual([{ op: "put", previous: null }]);
    expect((await settle(cluster, kv.txn({}))).results).toEqual([]);
  });

  test.each<[unknown, string]>([
    [null, "txn: expected"],
    [{ compare: 5 }, "txn.compare: expected an array"],
    [{ compare: [{ key: "a" }] }, "txn.compare[0]: expected exactly one of value"],
    [{ compare: [{ key: "a", value: "", count: 1 }] }, "exactly one of value"],
    [{ compare: [{ key: "a", version: -1 }] }, "txn.compare[0].version"],
    [{ compare: [{ key: "a", version: 1, is: "==" }] }, "txn.compare[0].is"],
    [{ compare: [{ key: "a", range: {}, version: 1 }] }, "exactly one of `key` and `range`"],
    [{ then: [{ op: "write", key: "a", value: "" }] }, 'txn.then[0].op: expected "put"'],
    [{ then: [{ op: "put", key: "a" }] }, "txn.then[0].value"],
    [{ then: [{ op: "put", key: "", value: "" }] }, "at least one byte"],
    [{ then: [{ op: "get", key: "a", limit: 0 }] }, "txn.then[0].limit"],
    [{ else: [{ op: "txn", then: [null] }] }, "txn.else[0].then[0]"],
    [
      {
        then: [
          { op: "put", key: "a", value: "" },
          { op: "delete", range: {} },
        ],
      },
      'the key "a" would be changed twice',
    ],
    [{ then: Array.from({ length: 129 }, () => ({ op: "get", key: "a" })) }, "at most 128"],
  ])("request %# is refused before anything is sent", async (request, message) => {
    const { cluster, kv } = started();
    const error = await failure(cluster, kv.txn(request as TxnRequest));
    expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
    expect(error.message).toContain(message);
    expect(cluster.node(1).frames).toEqual([]);
  });

  test.each([{ keepValue: true } as const, { value: "", keepLease: true } as const])(
    "what is refused by what is there says why: %j",
    async (what) => {
      const { cluster, kv } = started();
      const error = await failure(cluster, kv.txn({ then: [{ op: "put", key: "a", ...what }] }));
      expect(error).toMatchObject({ code: "TXN_REFUSED", definite: true, retryable: false });
      expect(error.message).toContain("keeps the value or the lease of a key that does not exist");
    },
  );
});

describe("atomic", () => {
  test("all checks hold: all is written at one revision", async () => {
    const { cluster, kv } = started();
    const { revision } = await settle(cluster, kv.write("a", "1"));
    await settle(cluster, kv.write("b", "2"));
    const commit = kv.atomic().check("a", { revision }).check("b", { value: "2" });
    commit.check("b", { version: 1 }).check("c", { absent: true }).put("c", "3").delete("a");
    expect(await settle(cluster, commit.commit())).toEqual({
      committed: true,
      revision: 3,
      node: 1,
    });
    expect([valueOf(cluster, "a"), valueOf(cluster, "c")]).toEqual([undefined, "3"]);
  });

  test("one does not: nothing is written, and what differs is told", async () => {
    const { cluster, kv } = started();
    await settle(cluster, kv.write("a", "1"));
    const answer = await settle(
      cluster,
      kv
        .atomic()
        .check("a", { revision: 1 })
        .check("a", { absent: true })
        .check("b", { value: "2" })
        .put("c", "3")
        .commit(),
    );
    expect(answer).toMatchObject({
      committed: false,
      conflicts: [
        { key: "a", actual: { modRevision: 1, createRevision: 1, version: 1 } },
        { key: "b", actual: null },
      ],
    });
    expect(valueOf(cluster, "c")).toBeUndefined();
  });

  test("values that are too large together do not come along", async () => {
    const { cluster, kv } = started();
    const checks = kv.atomic();
    for (let i = 0; i < 3; i++) {
      await settle(cluster, kv.write(`k${i}`, "v".repeat(700 * 1024)));
      checks.check(`k${i}`, { absent: true });
    }
    const answer = await settle(cluster, checks.put("x", "").commit());
    if (answer.committed) throw new Error("it was committed");
    expect(answer.conflicts.map(({ actual }) => actual?.value)).toEqual([null, null, null]);
    expect(answer.conflicts.map(({ actual }) => actual?.modRevision)).toEqual([1, 2, 3]);
  });

  test("one buffer, filled anew for each key and value, is copied at each call", async () => {
    const { cluster, kv } = started();
    await settle(cluster, kv.write("k1", "v1"));
    const [key, value] = [Buffer.from("k1"), Buffer.from("v1")];
    const atomic = kv.atomic().check(key, { value });
    for (const i of [2, 3]) atomic.put(bufferOf(key, `k${i}`), bufferOf(value, `v${i}`));
    atomic.delete(bufferOf(key, "k1"));
    bufferOf(key, "xx");
    bufferOf(value, "xx");
    expect(await settle(cluster, atomic.commit())).toMatchObject({ committed: true });
    expect(["k1", "k2", "k3"].map((each) => valueOf(cluster, each))).toEqual([
      undefined,
      "v2",
      "v3",
    ]);
  });

  test("a wrong argument rejects the commit", async () => {
    const { cluster, kv } = started();
    const wrong = kv.atomic().check("a", { revision: 0 }).put("b", "1");
    expect(await failure(cluster, wrong.commit())).toMatchObject({ code: "BAD_REQUEST" });
    const both = kv.atomic().check("a", { revision: 1, absent: true } as never);
    expect(await failure(cluster, both.commit())).toMatchObject({ code: "BAD_REQUEST" });
    expect(valueOf(cluster, "b")).toBeUndefined();
  });
});

describe("transact", () => {
  test("reads one state, sees its own writes, and commits them at one revision", async () => {
    const { cluster, kv, other } = started();
    await settle(
      cluster,
      kv.batch(["a", "b", "c"].map((key) => ({ op: "write", key, value: key }))),
    );
    const seen: string[] = [];
    const { revision, result, attempts } = await settle(
      cluster,
      kv.transact(async (tx) => {
        seen.push(String((await tx.get("a")).text()));
        tx.put("b", "mine").put("bb", "new").delete("c");
        for await (const entry of tx.range({})) seen.push(`${entry.keyText()}=${entry.text()}`);
        for await (const entry of tx.range({}, { reverse: true, limit: 2 })) {
          seen.push(entry.keyText());
        }
        seen.push(String((await tx.get("c")).found), String((await tx.get("bb")).text()));
        return "done";
      }),
    );
    expect([revision, result, attempts]).toEqual([4, "done", 1]);
    expect(seen).toEqual(["a", "a=a", "b=mine", "bb=new", "bb", "b", "false", "new"]);
    const after = await settle(cluster, other.get(["a", "b", "bb", "c"]));
    expect(after.map((found) => found.text())).toEqual(["a", "mine", "new", undefined]);
  });

  test.each<[string, (kv: KvClient) => Promise<unknown>]>([
    ["a key that was read", (kv) => kv.write("a", "other")],
    ["a key that was not there", (kv) => kv.write("none", "other")],
    ["a key of the range", (kv) => kv.write("r/1", "other")],
    ["a key that came to the range", (kv) => kv.write("r/15", "other")],
    ["a key that went from the range", (kv) => kv.delete("r/2")],
  ])("somebody changes %s meanwhile: it runs again, on what is there then", async (_, change) => {
    const { cluster, kv, other } = started();
    for (const key of ["a", "r/1", "r/2"]) await settle(cluster, kv.write(key, "1"));
    let runs = 0;
    const { attempts } = await settle(
      cluster,
      kv.transact(async (tx) => {
        runs += 1;
        await tx.get("a");
        await tx.get("none");
        let sum = 0;
        for await (const entry of tx.range({ prefix: "r/" })) sum += entry.text().length;
        if (runs === 1) await change(other);
        tx.put("sum", String(sum));
      }),
    );
    expect([attempts, runs]).toEqual([2, 2]);
  });

  test("what was not read of a range may change", async () => {
    const { cluster, kv, other } = started();
    for (const key of ["r/1", "r/2", "r/3"]) await settle(cluster, kv.write(key, "1"));
    for (const reverse of [false, true]) {
      const { attempts } = await settle(
        cluster,
        kv.transact(async (tx) => {
          for await (const entry of tx.range({ prefix: "r/" }, { reverse })) {
            if (entry.keyText() === "r/2") break;
          }
          await other.write(reverse ? "r/1" : "r/3", "2");
          tx.put("x", "");
        }),
      );
      expect(attempts).toBe(1);
    }
  });

  test("the store was empty: what was not there may not have come", async () => {
    const { cluster, kv, other } = started();
    const { attempts } = await settle(
      cluster,
      kv.transact(async (tx) => {
        const found: string[] = [];
        for await (const entry of tx.range({})) found.push(entry.keyText());
        await tx.get("a");
        if (found.length === 0) await other.write("a", "1");
        tx.put("found", String(found.length));
      }),
    );
    expect([attempts, valueOf(cluster, "found")]).toEqual([2, "1"]);
  });

  test("what it reads is compacted meanwhile: it runs again", async () => {
    const { cluster, kv, other } = started();
    await settle(cluster, kv.write("a", "1"));
    let runs = 0;
    const { attempts } = await settle(
      cluster,
      kv.transact(async (tx) => {
        runs += 1;
        await tx.get("a");
        if (runs === 1) {
          await other.write("b", "2");
          cluster.compact(2);
        }
        await tx.get("b");
        tx.put("c", "3");
      }),
    );
    expect(attempts).toBe(2);
  });

  test.each(["applyAndDie", "applySilently"] as const)(
    "the answer to a commit is lost (%s): it takes effect once, and is told as it was",
    async (kind) => {
      const { cluster, kv } = started(2);
      await settle(cluster, kv.write("n", "1"));
      let runs = 0;
      const outcome = kv.transact(async (tx) => {
        runs += 1;
        const n = Number((await tx.get("n")).text());
        for (const node of cluster.nodes) node.behaviour = { kind };
        cluster.clock.after(kind === "applyAndDie" ? 4 : 200, () => {
          for (const node of cluster.nodes) node.behaviour = SERVE;
        });
        tx.put("n", String(n + 1));
      });
      const { attempts, revision } = await settle(cluster, outcome);
      expect([attempts, runs, revision, valueOf(cluster, "n")]).toEqual([1, 1, 2, "2"]);
    },
  );

  test("a commit whose outcome is not known rejects as indefinite and is not tried again", async () => {
    const { cluster, kv } = started();
    await settle(cluster, kv.write("n", "1"));
    let runs = 0;
    const error = await failure(
      cluster,
      kv.transact(
        async (tx) => {
          runs += 1;
          await tx.get("n");
          cluster.node(1).behaviour = { kind: "applySilently" };
          tx.put("n", "2");
        },
        { timeoutMs: 500 },
      ),
    );
    expect(error).toMatchObject({ code: "TIMEOUT", definite: false });
    expect([runs, cluster.state.revision]).toEqual([1, 2]);
  });

  test("it gives up after so many tries, and by its signal", async () => {
    const { cluster, kv, other } = started();
    const lose = (onRun: (runs: number) => void, options = {}): Promise<unknown> => {
      let runs = 0;
      return kv.transact(async (tx) => {
        await tx.get("a");
        await other.write("a", String((runs += 1)));
        onRun(runs);
        tx.put("b", "");
      }, options);
    };
    const error = await failure(
      cluster,
      lose(() => {}, { attempts: 5 }),
    );
    expect(error).toMatchObject({ code: "CONFLICT", definite: true, retryable: true });
    expect(error.message).toContain("each of the 5 times");
    const abort = new AbortController();
    const stop = (runs: number): void => void (runs === 3 && abort.abort());
    const cancelled = await failure(cluster, lose(stop, { signal: abort.signal }));
    expect(cancelled).toMatchObject({ code: "CANCELLED", definite: true });
    expect(valueOf(cluster, "b")).toBeUndefined();
  });

  test("what the function throws is what it rejects with, and nothing is written", async () => {
    const { cluster, kv } = started();
    const thrown = new Error("mine");
    const promise = kv.transact((tx) => {
      tx.put("a", "1");
      throw thrown;
    });
    expect(await failure(cluster, promise)).toBe(thrown);
    expect(cluster.state.revision).toBe(0);
  });

  test("it is of no use afterwards; without writes nothing is committed", async () => {
    const { cluster, kv } = started();
    await settle(cluster, kv.write("a", "1"));
    const { result, revision } = await settle(
      cluster,
      kv.transact(async (tx) => {
        await tx.get("a");
        return tx;
      }),
    );
    expect([revision, cluster.state.revision]).toEqual([1, 1]);
    expect(() => result.put("a", "2")).toThrow("the transaction is over");
    expect(
      await settle(
        cluster,
        kv.transact(() => 5),
      ),
    ).toEqual({
      ...{ result: 5, revision: 0, attempts: 1 },
    });
  });
});

test.each([1, 2, 3, 4, 5, 6])(
  "transfers by several clients over nodes that lose answers: each takes effect once, the sum holds (%i)",
  async (seed) => {
    const cluster = new FakeCluster(3, {}, seed);
    const dice = seededRandom(seed);
    const clients = [1, 2, 3].map(() => cluster.client({ timeoutMs: 2000, attemptTimeoutMs: 50 }));
    const first = clients[0]!;
    for (const key of ["a", "b", "c"]) await settle(cluster, first.write(key, "100"));
    const misbehave = (): void => {
      for (const node of cluster.nodes) {
        const kinds = ["serve", "serve", "applyAndDie", "applySilently", "ignore"] as const;
        node.behaviour = { kind: kinds[dice.uint32() % kinds.length] ?? "serve" };
      }
      cluster.clock.after(20, misbehave);
    };
    misbehave();
    const told = { committed: 0, unknown: 0 };
    const transfer = async (kv: KvClient, i: number): Promise<void> => {
      const [from, to] = i % 2 === 0 ? ["a", "b"] : ["b", "c"];
      try {
        await kv.transact(async (tx) => {
          const source = Number((await tx.get(from)).text());
          tx.put(from, String(source - 1));
          tx.put(to, String(Number((await tx.get(to)).text()) + 1));
          tx.put(`log/${clients.indexOf(kv)}/${i}`, "");
        });
        told.committed += 1;
      } catch (error) {
        if (!(error as KvError).definite) told.unknown += 1;
      }
    };
    const all = clients.map(async (kv) => {
      for (let i = 0; i < 15; i++) await transfer(kv, i);
    });
    await settle(cluster, Promise.all(all), 40_000);
    const sum = ["a", "b", "c"].reduce((total, key) => total + Number(valueOf(cluster, key)), 0);
    expect(sum).toBe(300);
    const lines = cluster.state.size - 3;
    expect(lines).toBeGreaterThanOrEqual(told.committed);
    expect(lines).toBeLessThanOrEqual(told.committed + told.unknown);
    expect(told.committed).toBeGreaterThan(10);
  },
);

test("a view of a client has them within its prefix", async () => {
  const { cluster, kv } = started();
  const view = kv.withPrefix("app/").withPrefix("x/");
  await settle(cluster, kv.write("b", "outside"));
  const answer = await settle(
    cluster,
    view.txn({
      compare: [{ range: {}, count: 0 }],
      then: [
        { op: "put", key: "a", value: "1" },
        { op: "txn", then: [{ op: "get", range: {} }] },
      ],
    }),
  );
  expect(valueOf(cluster, "app/x/a")).toBe("1");
  const [, nested] = answer.results!;
  if (nested?.op !== "txn" || nested.results[0]?.op !== "get") throw new Error("no results");
  expect(nested.results[0].found.map(({ key }) => text(key))).toEqual(["a"]);
  await settle(cluster, view.atomic().check("a", { value: "1" }).put("b", "2").commit());
  const { result } = await settle(
    cluster,
    view.transact(async (tx) => {
      const keys: string[] = [];
      for await (const entry of tx.range({})) keys.push(entry.keyText());
      tx.delete("a");
      return keys;
    }),
  );
  expect(result).toEqual(["a", "b"]);
  expect([valueOf(cluster, "app/x/a"), valueOf(cluster, "b")]).toEqual([undefined, "outside"]);
  expect(await failure(cluster, view.txn({ then: [{ op: "delete", key: "" }] }))).toMatchObject({
    code: "BAD_REQUEST",
  });
});

function bufferOf(buffer: Buffer, text: string): Buffer {
  buffer.write(text);
  return buffer;
}

/** Nodes tell 32 MiB of results in one turn at most. */
test("what a transaction only reads is asked again where a node had too much to tell", async () => {
  const cluster = new FakeCluster(1);
  const client = cluster.client();
  const value = "v".repeat(1024 * 1024 - 1024);
  await settle(cluster, client.write("long", value));
  const read: TxnRequest = { then: [{ op: "get", key: "long" }] };
  const answers = await settle(
    cluster,
    Promise.all(Array.from({ length: 40 }, () => client.txn(read))),
  );
  for (const { results } of answers) {
    expect(results?.[0]).toMatchObject({ op: "get", count: 1 });
  }
});
