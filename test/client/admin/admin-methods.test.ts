/** The methods of management that programs see: one for each operation, whose arguments are looked at before anybody is asked. */
import { afterAll, describe, expect, test } from "vitest";
import { AdminClient, createAdminClient } from "../../../src/client/api/index.ts";
import { KvError } from "../../../src/base/errors.ts";
import { ADMIN_OPS, type AdminOp } from "../../../src/protocol/admin/index.ts";

/** Clients do these by themselves: when they connect, and in `takeBackup`. */
const WITHOUT: readonly AdminOp[] = ["signIn", "beginBackup", "readBackup"];
const OPS = ADMIN_OPS.filter((op) => !WITHOUT.includes(op));
const PARAMS: Partial<Record<AdminOp, object>> = {
  breakLink: { peer: 2, direction: "both" },
  restoreLink: { peer: 2, direction: "both" },
  setFault: { peer: 2, direction: "both", dropPermille: 5, delayMs: 0 },
  setFaults: { faults: [] },
  listKeys: { prefix: new Uint8Array(), after: null, limit: 10 },
  setQuota: { bytes: 100_000_000 },
  setHistory: { revisions: 10, bytes: null },
  compact: { revision: 1 },
  changeAccess: { change: { kind: "turnOff" } },
};

/** Nobody listens there. */
const admin = createAdminClient({ nodes: "1=127.0.0.1:1", timeoutMs: 5000 });
afterAll(() => admin.close());

/** As a program without types has it. */
type Loose = Readonly<Record<string, (...given: readonly unknown[]) => Promise<unknown>>>;
const failure = (name: string, ...given: readonly unknown[]): Promise<unknown> =>
  (admin as unknown as Loose)[name]?.(...given).then(
    () => new Error("it was answered"),
    (error: unknown) => error,
  ) ?? Promise.resolve(new Error("there is no such method"));

test("there is one for each operation", () => {
  const names = Object.getOwnPropertyNames(AdminClient.prototype);
  expect(names.filter((name) => !["constructor", "call", "close"].includes(name)).sort()).toEqual(
    [...OPS].sort(),
  );
});

describe.each(OPS)("%s", (op) => {
  const params = PARAMS[op];
  const before: readonly unknown[] = params === undefined ? [1] : [1, params];

  test("asks the node", async () => {
    expect(await failure(op, ...before)).toMatchObject({ code: "CONNECTION_FAILED" });
  });

  test("refuses what is wrong, and names it", async () => {
    const wrong: unknown[] = [];
    const hostile = [null, 5, "x", Symbol("s"), () => 1, [], { node: 2 }, { timeout: 5 }];
    const calls = [
      ...[undefined, null, "1", 0, NaN, {}].map((node) => [node, ...before.slice(1)]),
      ...hostile.map((options) => [...before, options]),
      ...(params === undefined
        ? []
        : [undefined, null, 5, "x", [], { ...params, more: 1 }].map((given) => [1, given])),
    ];
    for (const call of calls) {
      const error = await failure(op, ...call);
      const isRefused = error instanceof KvError && error.code === "BAD_REQUEST";
      if (!isRefused) wrong.push([call.map(String), String(error)]);
    }
    expect(wrong).toEqual([]);
  });
});

test("call refuses what is no operation", async () => {
  for (const op of [undefined, null, 5, "x", "toString", Symbol("s"), {}]) {
    expect(await failure("call", 1, op, {})).toMatchObject({ code: "BAD_REQUEST" });
  }
});
