/** Transactions that are too large: refused before anything is sent, with the codes of single requests. */
import { expect, test } from "vitest";
import type { KvError } from "../../../src/base/errors.ts";
import type { TxnOperation, TxnRequest } from "../../../src/client/txn/txn-types.ts";
import { settle } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

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

/** So many operations. */
const gets = (count: number): TxnOperation[] =>
  Array.from({ length: count }, () => ({ op: "get", key: "a" }));

const long = { key: "k".repeat(4097), value: new Uint8Array(1024 * 1024 + 1) };
test.each<[TxnRequest, string, string]>([
  [
    { then: [...gets(3), { op: "put", key: long.key, value: "" }] },
    "KEY_TOO_LARGE",
    "txn.then[3].key of 4097 bytes, the limit is 4096",
  ],
  [
    { else: [{ op: "txn", then: [{ op: "delete", key: "ü".repeat(2049) }] }] },
    "KEY_TOO_LARGE",
    "txn.else[0].then[0].key of 4098 bytes, the limit is 4096",
  ],
  [
    { compare: [{ key: long.key, version: 1 }] },
    "KEY_TOO_LARGE",
    "txn.compare[0].key of 4097 bytes, the limit is 4096",
  ],
  [
    { then: [{ op: "get", range: { start: `${long.key}k` } }] },
    "KEY_TOO_LARGE",
    "txn.then[0].range: bound of 4098 bytes, the limit is 4097",
  ],
  [
    { then: [{ op: "put", key: "a", value: long.value }] },
    "VALUE_TOO_LARGE",
    "txn.then[0].value of 1048577 bytes, the limit is 1048576",
  ],
  [
    { compare: [{ key: "a", value: long.value }] },
    "VALUE_TOO_LARGE",
    "txn.compare[0].value of 1048577 bytes, the limit is 1048576",
  ],
  [{ else: gets(129) }, "BAD_REQUEST", "txn.else: expected at most 128 in it, got an array of 129"],
  [
    { then: Array.from({ length: 9 }, () => ({ op: "txn", then: gets(127) }) as const) },
    "BAD_REQUEST",
    "txn.then[7].then: a transaction has at most 1024 comparisons and operations in all",
  ],
])("too long, request %#: the code of a single request, and where it is", async (...args) => {
  const [request, code, message] = args;
  const cluster = new FakeCluster(1);
  const kv = cluster.client();
  const error = await failure(cluster, kv.txn(request));
  expect(error).toMatchObject({ code, message, definite: true });
  expect(cluster.node(1).frames).toEqual([]);
});

test.each<[unknown, string]>([
  [[], "txn: expected { compare, then, else }"],
  [new Date(), "txn: expected { compare, then, else }"],
  [new Map([["then", [{ op: "put", key: "a", value: "1" }]]]), "txn: expected"],
  [{ then: null }, "txn.then: expected an array, got null"],
  [{ compare: null }, "txn.compare: expected an array, got null"],
  [{ then: [{ op: "txn", else: null }] }, "txn.then[0].else: expected an array, got null"],
  [{ then: Object.assign([], { length: 4_294_967_295 }) }, "txn.then: expected at most 128 in it"],
  [Object.defineProperty({}, "then", { get: () => fail("a getter") }), "arguments: expected"],
])("what is no transaction is refused, at a view as well: %#", async (request, text) => {
  const cluster = new FakeCluster();
  const client = cluster.client();
  for (const kv of [client, client.withPrefix("p/")]) {
    const error = await failure(cluster, kv.txn(request as TxnRequest));
    expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
    expect(error.message).toContain(text);
  }
});

function fail(text: string): never {
  throw new Error(text);
}

test("the functions that make transactions name their own argument", async () => {
  const cluster = new FakeCluster(1);
  const kv = cluster.client();
  const [key, value] = ["KEY_TOO_LARGE", "VALUE_TOO_LARGE"];
  const keyText = "key of 4097 bytes, the limit is 4096";
  const valueText = "value of 1048577 bytes, the limit is 1048576";
  const refused: [Promise<unknown>, string | undefined, string][] = [
    [kv.atomic().put(long.key, "").commit(), key, keyText],
    [kv.atomic().put("a", long.value).commit(), value, valueText],
    [kv.atomic().delete(long.key).commit(), key, keyText],
    [kv.atomic().check(long.key, { absent: true }).commit(), key, keyText],
    [kv.atomic().check("a", { value: long.value }).commit(), value, `check.${valueText}`],
    [kv.transact((tx) => tx.put(long.key, "")), key, keyText],
    [kv.transact((tx) => tx.put("a", long.value)), value, valueText],
    [kv.transact((tx) => tx.delete(long.key)), key, keyText],
    [kv.write(long.key, "", { ttl: 1000 }), key, keyText],
    [kv.write("a", long.value, { ttl: 1000 }), value, valueText],
  ];
  for (const [promise, code, message] of refused) {
    expect(await failure(cluster, promise)).toMatchObject({ code, message, definite: true });
  }
  expect(cluster.node(1).frames).toEqual([]);
  const many = kv.atomic();
  for (let i = 0; i < 129; i++) many.delete(`k${i}`);
  expect((await failure(cluster, many.commit())).message).toBe(
    "atomic: at most 128 writes in one commit, got 129",
  );
  const transact = kv.transact((tx) => {
    for (let i = 0; i < 129; i++) tx.put(`k${i}`, "");
  });
  expect((await failure(cluster, transact)).message).toBe(
    "transact: at most 128 keys written, got 129",
  );
});
