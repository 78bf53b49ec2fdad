/** Answers that make no sense, and operations that throw when they are looked at: nothing is thrown into the connection. */
import { expect, test } from "vitest";
import type { BatchOperation } from "../../../src/client/terms/types.ts";
import { settle } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

/** Its nodes answer writes with bytes that are no results. */
function damaged(): FakeCluster {
  const cluster = new FakeCluster(1);
  const apply = cluster.apply.bind(cluster);
  cluster.apply = (group, answers, state) => {
    const write = answers?.write.bind(answers);
    if (answers !== undefined && write !== undefined) {
      answers.write = (session, number, status, revision) =>
        write(session, number, status, revision, Uint8Array.of(250, 7, 7));
    }
    apply(group, answers, state);
  };
  return cluster;
}

test("a request rejects, as indefinite", async () => {
  const cluster = damaged();
  const client = cluster.client();
  const promise = client.txn({
    // oxlint-disable-next-line no-thenable -- a list, which nobody can call
    then: [{ op: "put", key: "a", value: "1", previous: true }],
  });
  // What is thrown into the connection comes out of `settle`, which lets the time pass.
  const [{ reason }] = (await settle(cluster, Promise.allSettled([promise] as const))) as [
    PromiseRejectedResult,
  ];
  expect(reason).toMatchObject({ code: "INTERNAL", definite: false });
  client.close();
});

test("an operation of a batch has it as its outcome, in refills too", async () => {
  const cluster = new FakeCluster(1);
  const client = cluster.client();
  const hostile = {
    op: "write",
    key: "a",
    get value(): string {
      throw new Error("gone");
    },
  } as const;
  const nameless = {
    get op(): "read" {
      throw new Error("gone");
    },
    key: "a",
  };
  const many = Array.from({ length: 9000 }, (): BatchOperation => ({ op: "read", key: "a" }));
  const outcomes = await settle(cluster, client.batch([hostile, ...many, hostile, nameless]));
  const failed = { ok: false, error: { code: "BAD_REQUEST" } };
  expect([outcomes[0], ...outcomes.slice(-2)]).toMatchObject([failed, failed, failed]);
  expect(outcomes.filter(({ ok }) => ok).length).toBe(9000);
  client.close();
});
