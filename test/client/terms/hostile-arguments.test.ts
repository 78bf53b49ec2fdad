/**
 * Every public method of the client with every argument that a program without types could hand in: BAD_REQUEST that names the argument,
 * at once, before anything is sent. A method that is added fails here until it is in the table.
 */
import { describe, expect, test } from "vitest";
import { createAdminClient, takeBackup } from "../../../src/client/api/index.ts";
import { KvError } from "../../../src/base/errors.ts";
import { GuardedClient } from "../../../src/client/guarded-client.ts";
import { KeyRequests } from "../../../src/client/key-requests.ts";
import { KvClient } from "../../../src/client/kv-client.ts";
import { Leases } from "../../../src/client/leases/leases.ts";
import type { Guard } from "../../../src/client/locks/index.ts";
import { Locks } from "../../../src/client/locks/locks.ts";
import { PrefixedClient } from "../../../src/client/prefixed-client.ts";
import { Atomic, Transaction } from "../../../src/client/txn/index.ts";
import { FakeCluster } from "../fake-cluster.ts";

interface Argument {
  readonly good: unknown;
  readonly bad: readonly unknown[];
}

interface Method {
  readonly args: readonly Argument[];
  /** It returns no promise: what is wrong is thrown. */
  readonly throws: boolean;
}

const method = (...args: Argument[]): Method => ({ args, throws: false });
const throwing = (...args: Argument[]): Method => ({ args, throws: true });

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const NOTHING: readonly unknown[] = [null, 5, NaN, 5n, Symbol("s"), () => 1];
const FAKE_SIGNAL = { aborted: false, addEventListener: () => {} };
/** Names of no option of any method. What is handed in the place of options has some, too. */
const UNKNOWN: readonly object[] = [
  { leaseId: 7 },
  { consistancy: "local" },
  { timeout: undefined },
  { "\u001b[2J": 1 },
  ["a"],
  [],
  new AbortController().signal,
  Object.create({ timeout: 5 }) as object,
];
const optionsLike = (...more: unknown[]): Argument => ({
  good: {},
  bad: [
    ...NOTHING,
    "x",
    ...UNKNOWN,
    ...[null, "x", {}, FAKE_SIGNAL].map((signal) => ({ signal })),
    ...[-1, 0, NaN, Infinity, "5", null].map((timeoutMs) => ({ timeoutMs })),
    ...more,
  ],
});

/** Options of other methods are none of this one's. */
const OPTIONS = optionsLike({ node: "1" }, { node: 0 }, { lease: 7 }, { consistency: "local" });
const KEPT = optionsLike({ ttl: 0 }, { ttl: NaN }, { ttl: "5" }, { ttl: null });
const WITH_LOSS = optionsLike(...KEPT.bad.slice(-4), { onLost: 5 }, { onLost: null });
const READ = optionsLike({ revision: 0 }, { atLeast: "1" }, { consistency: "x" }, { lease: 7 });
const RANGE = optionsLike(...READ.bad.slice(-3), { limit: 0 }, { reverse: 1 }, { orderBy: "x" });
const KEY: Argument = { good: "k", bad: [undefined, ...NOTHING, {}, [], "\ud800"] };
const NAME: Argument = { good: "n", bad: [undefined, ...NOTHING, "", {}, [], "\ud800"] };
const CALLBACK: Argument = {
  good: () => 1,
  bad: [undefined, null, 5, NaN, 5n, Symbol("s"), "x", {}],
};
const ID: Argument = { good: 7, bad: [undefined, ...NOTHING.filter((id) => id !== 5), 0, -1, "7"] };
const TTL: Argument = { good: 1000, bad: [undefined, null, NaN, Infinity, 0, -1, "5", {}] };
const SELECTOR: Argument = {
  good: { prefix: "a" },
  bad: [undefined, ...NOTHING, "x", [], { prefix: 5 }, { start: null }, { key: "a" }],
};
const KEYS: Argument = { good: ["a"], bad: [undefined, ...NOTHING, "x", {}, [5], Array(1)] };
const CONDITION: Argument = {
  good: { absent: true },
  bad: [undefined, ...NOTHING, {}, { revision: 5, version: 1 }],
};
const endless: { op: string; then: unknown[] } = { op: "txn", then: [] };
endless.then.push(endless);
const TXN: Argument = {
  good: { then: [] },
  bad: [
    ...[undefined, ...NOTHING, "x", endless],
    ...[5, {}, [null], [{}], [{ op: "x" }], Array(1)].map((list) => ({ then: list })),
    { compare: [{ key: "a" }] },
    // Without their names being looked at, these would do something else than what is said.
    { if: [{ key: "a", version: 0 }], then: [] },
    { compare: [{ key: "a", version: 0, not: true }] },
    ...[
      { op: "put", key: "a", value: "b", ttl: 1000 },
      { op: "delete", key: "a", limit: 1 },
      { op: "get", key: "a", keysonly: true },
      { op: "txn", if: [] },
    ].map((op) => ({ then: [op] })),
  ],
};
const { signal } = new AbortController();
const GUARD: Argument = {
  good: { key: "k", token: 1, signal },
  bad: [
    ...[undefined, ...NOTHING, "x", {}],
    { key: "k", token: 1 },
    { key: "k", token: 1, signal: FAKE_SIGNAL },
    { key: 5, token: 1, signal },
    { key: "", token: 1, signal },
    { key: "k", token: "1", signal },
  ],
};
const REQUEST: Argument = {
  good: { op: "read", key: "k" },
  bad: [
    undefined,
    ...NOTHING,
    {},
    { op: "x" },
    { op: "write", key: "k" },
    { op: "write", key: "k", value: "v", ttl: 1000 },
    { op: "delete", key: "k", value: "v" },
    { op: "read", key: "k", consistancy: "local" },
    { op: "cas", key: "k", value: "v", condition: { absent: true }, ttl: 5 },
  ],
};
const LEASES: readonly unknown[] = [null, 0, "x", {}, { id: 5 }, { id: 5, signal: FAKE_SIGNAL }];
const WRITE = optionsLike(...KEPT.bad.slice(-4), ...LEASES.map((lease) => ({ lease })));
const BATCH: Argument = { good: [], bad: [undefined, ...NOTHING, "x", {}] };
const ATTEMPTS = optionsLike({ attempts: 0 }, { attempts: "1" });
const CHECK: Argument = {
  good: { absent: true },
  bad: [
    ...[undefined, ...NOTHING, {}, { absent: false }, { value: 5 }],
    { version: 1, revison: 5 },
    ...["1", 0, 1n, Symbol("s")].flatMap((n) => [{ revision: n }, { version: n }]),
  ],
};
const WATCHED: Argument = { good: "k", bad: [undefined, ...NOTHING, [], { prefix: 5 }] };
const WATCH = optionsLike(
  { revision: 1 },
  { from: 0 },
  { only: "x" },
  { previous: 1 },
  { progress: "x" },
);
const OBSERVE = optionsLike({ node: 0 }, { timeoutMs: 5 });
const LOCK = optionsLike({ timeoutMs: 5 }, { mode: "x" }, { steal: 1 }, { owner: 5 }, { ttl: 0 });

const KEYED: Readonly<Record<string, Method>> = {
  write: method(KEY, KEY, WRITE),
  read: method(KEY, READ),
  append: method(KEY, KEY, OPTIONS),
  delete: method(KEY, OPTIONS),
  cas: method(KEY, CONDITION, KEY, OPTIONS),
};
const REQUESTS: Readonly<Record<string, Method>> = {
  ...KEYED,
  request: method(REQUEST, READ),
  snapshot: method(KEYS, READ),
  txn: method(TXN, OPTIONS),
  txnWhile: method(GUARD, TXN, OPTIONS),
  transact: method(CALLBACK, ATTEMPTS),
  range: method(SELECTOR, RANGE),
  keys: method(SELECTOR, RANGE),
  count: method(SELECTOR, READ),
  history: method(KEY, READ),
  watch: throwing(WATCHED, WATCH),
  observe: method({ ...WATCHED, good: ["k"] }, OBSERVE),
  batch: method(BATCH, OPTIONS),
  withPrefix: throwing(KEY),
  guarded: throwing(GUARD),
  elect: method(NAME, WITH_LOSS),
  observeElection: method(NAME, optionsLike({ node: 1 })),
};
/** Nothing is handed to them, or only views of a client call them. */
const WITHOUT = ["constructor", "close", "atomic", "leases", "locks", "writeBound"];
const FOR_VIEWS = ["transactOn", "watchOn", "observeOn"];

const cluster = new FakeCluster();
const client = cluster.client();
const guard = GUARD.good as Guard;
const SUBJECTS: Readonly<
  Record<string, { prototypes: object[]; make: () => object; methods: Record<string, Method> }>
> = {
  KvClient: {
    prototypes: [KvClient.prototype, KeyRequests.prototype],
    make: () => client,
    methods: { ...REQUESTS, get: method({ ...KEYS, bad: [...NOTHING, {}, [5]] }, READ) },
  },
  PrefixedClient: {
    prototypes: [PrefixedClient.prototype],
    make: () => client.withPrefix("p/"),
    methods: REQUESTS,
  },
  GuardedClient: {
    prototypes: [GuardedClient.prototype],
    make: () => client.guarded(guard),
    methods: {
      write: method(KEY, KEY, OPTIONS),
      delete: method(KEY, OPTIONS),
      txn: method(TXN, OPTIONS),
      transact: method(CALLBACK, ATTEMPTS),
      snapshot: method(KEYS, READ),
      range: method(SELECTOR, RANGE),
      count: method(SELECTOR, READ),
    },
  },
  Leases: {
    prototypes: [Leases.prototype],
    make: () => client.leases,
    methods: {
      grant: method(optionsLike(...KEPT.bad.slice(-4), { onLost: () => {} })),
      keep: method(TTL, { good: undefined, bad: [null, 5, "x", {}, FAKE_SIGNAL] }),
      session: method(WITH_LOSS),
      issue: method(TTL, OPTIONS),
      issueBound: method(TTL, OPTIONS),
      revoke: method(ID, OPTIONS),
      renew: method(ID, OPTIONS),
      timeToLive: method(ID, OPTIONS),
      list: method(OPTIONS),
    },
  },
  Locks: {
    prototypes: [Locks.prototype],
    make: () => client.locks,
    methods: {
      // A function in the place of the options is what is called.
      request: method(
        NAME,
        { ...LOCK, bad: LOCK.bad.filter((bad) => typeof bad !== "function") },
        CALLBACK,
      ),
      query: method(OPTIONS),
      within: throwing({ good: "p/", bad: [undefined, ...NOTHING, {}] }),
    },
  },
  Atomic: {
    prototypes: [Atomic.prototype],
    make: () => client.atomic(),
    methods: {
      check: method(KEY, CHECK),
      put: method(KEY, KEY),
      delete: method(KEY),
      commit: method(OPTIONS),
    },
  },
  Transaction: {
    prototypes: [Transaction.prototype],
    make: () => new Transaction(client, {}),
    methods: {
      get: method(KEY),
      range: method(SELECTOR, optionsLike({ limit: 0 }, { reverse: 1 }, { orderBy: "value" })),
      put: throwing(KEY, KEY),
      delete: throwing(KEY),
    },
  },
};
const OF_TRANSACT = ["commit", "end"];

/** What becomes of a call: it is told by the time that everything has run which does not wait for the network. */
async function failure(call: () => unknown, throws: boolean): Promise<unknown> {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return throws ? error : new Error(`thrown, where a promise was to reject: ${String(error)}`);
  }
  if (throws) return new Error("it was accepted");
  const asked = result instanceof Atomic ? result.commit() : result;
  const isIterated = typeof asked === "object" && asked !== null && "next" in asked;
  const promise = isIterated ? (asked as AsyncGenerator).next() : (asked as Promise<unknown>);
  const accepted = new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve, new Error("it was accepted")));
  });
  return Promise.race([
    promise.then(
      () => new Error("it was accepted"),
      (error: unknown) => error,
    ),
    accepted,
  ]);
}

const textOf = (bad: unknown): string =>
  typeof bad === "object" && bad !== null
    ? `{${Object.entries(bad)
        .map(([name, value]) => `${name}: ${String(value)}`)
        .join(", ")}}`
    : String(bad);

async function refusals(of: object, name: string, { args, throws }: Method): Promise<string[]> {
  const wrong: string[] = [];
  for (const [at, { bad }] of args.entries()) {
    for (const one of bad) {
      const given = args.map(({ good }, i) => (i === at ? one : good));
      // As a program in JavaScript sees it.
      const call = (of as Record<string, (...all: unknown[]) => unknown>)[name];
      const error = await failure(() => call?.apply(of, given), throws);
      const isRefused =
        error instanceof KvError &&
        error.code === "BAD_REQUEST" &&
        error.definite &&
        /^[\w.[\]\\]+: /.test(error.message);
      if (!isRefused) wrong.push(`argument ${at + 1}, ${textOf(one)}: ${String(error)}`);
    }
  }
  return wrong;
}

describe.each(Object.entries(SUBJECTS))("%s", (label, { prototypes, make, methods }) => {
  test("has no public method that is not in this table", () => {
    const exempt = [...WITHOUT, ...FOR_VIEWS, ...(label === "Transaction" ? OF_TRANSACT : [])];
    const names = prototypes.flatMap((prototype) => Object.getOwnPropertyNames(prototype));
    expect(names.filter((name) => !(name in methods) && !exempt.includes(name))).toEqual([]);
  });

  test.each(Object.entries(methods))("%s", async (name, how) => {
    expect(await refusals(make(), name, how)).toEqual([]);
  });
});

/** What throws whoever looks at it: to them the promise rejects, and nothing is thrown past it. */
test.each(Object.entries(SUBJECTS))("%s: what cannot be read rejects", async (_, subject) => {
  const { make, methods } = subject;
  const trap = {
    get timeoutMs() {
      throw new Error("not to be read");
    },
  };
  const thrown: string[] = [];
  for (const [name, { args, throws }] of Object.entries(methods)) {
    if (throws) continue;
    for (const at of args.keys()) {
      for (const bad of [revoked.proxy, trap]) {
        const given = args.map(({ good }, i) => (i === at ? bad : good));
        const of = make() as Record<string, (...all: unknown[]) => unknown>;
        const error = await failure(() => of[name]?.(...given), false);
        if (String(error).startsWith("Error: thrown")) thrown.push(`${name}: ${String(error)}`);
      }
    }
  }
  expect(thrown).toEqual([]);
});

test("an option that there is none of is named, with those that there are", async () => {
  const unnamed: unknown[] = [];
  for (const view of [client, client.withPrefix("p/")]) {
    const given = { leaseId: 7 } as object;
    const asked = [
      view.write("k", "v", given),
      view.write("k", "v", { ttl: 1000, ...given }),
      view.read("k", given),
      view.delete("k", given),
      view.cas("k", { absent: true }, "v", given),
      view.snapshot(["k"], given),
      view.count({}, given),
      view.batch([], given),
      view.atomic().commit(given),
      view.locks.request("k", given, () => {}),
    ];
    for (const promise of asked) {
      const text = await promise.then(String, ({ message }: Error) => message);
      if (!/^leaseId: there is no such option, there are .*signal/.test(text)) unnamed.push(text);
    }
  }
  expect(unnamed).toEqual([]);
  await expect(client.write("k", "v", { ttl: 1000, leaseId: 7 } as object)).rejects.toThrow(
    "leaseId: there is no such option, there are node, timeoutMs, signal, lease, ttl",
  );
  await expect(
    client.request({ op: "write", key: "k", value: "v" }, { lease: 7 } as object),
  ).rejects.toThrow("lease: expected none here");
});

test("what all objects inherit was not handed in", async () => {
  const polluted = { value: 1, enumerable: true, configurable: true, writable: true };
  // oxlint-disable-next-line no-extend-native -- what is meant, until the call has returned
  Object.defineProperty(Object.prototype, "polluted", polluted);
  const read = client.read("k", { timeoutMs: 1 }).catch((error: unknown) => error);
  Reflect.deleteProperty(Object.prototype, "polluted");
  cluster.clock.run(10);
  expect(await read).not.toMatchObject({ code: "BAD_REQUEST" });
});

test("takeBackup: what is wrong is not taken for a node that knows no backups", async () => {
  const admin = createAdminClient("1=127.0.0.1:4101");
  const take = { takeBackup };
  const wrong = await refusals(take, "takeBackup", {
    args: [
      { good: admin, bad: [undefined, ...NOTHING, {}] },
      { good: 1, bad: [undefined, null, "x", 0, {}] },
      { good: undefined, bad: [null, 5, "x", {}, FAKE_SIGNAL] },
    ],
    throws: false,
  });
  admin.close();
  expect(wrong).toEqual([]);
});

test("an operation of a batch that is left out has an outcome of its own", async () => {
  // oxlint-disable-next-line no-sparse-arrays -- what is meant
  const holes = [, { op: "read", key: "a" }] as unknown as Parameters<KvClient["batch"]>[0];
  for (const view of [client, client.withPrefix("p/")]) {
    const batch = view.batch(holes, { timeoutMs: 1 });
    cluster.clock.run(10);
    const [first, second] = await batch;
    expect(first).toMatchObject({ ok: false, error: { code: "BAD_REQUEST" } });
    expect(second).toMatchObject({ op: "read" });
  }
});

test("nothing of all this was sent as a write", () => {
  cluster.clock.run(100);
  expect(cluster.state.appliedIdx).toBe(0);
  client.close();
});
