/** Programs without types hand in anything: they get a rejected promise that says what is wrong, and never a throw. */
import { describe, expect, test } from "vitest";
import { createAdminClient, createClient } from "../../../src/client/api/index.ts";
import { KvError } from "../../../src/base/errors.ts";
import type { BatchOutcome } from "../../../src/client/terms/index.ts";
import { KvClient, type KvClientOptions } from "../../../src/client/kv-client.ts";
import { FakeCluster } from "../fake-cluster.ts";

/** The methods as a program in JavaScript sees them. */
type Untyped = Record<
  "write" | "read" | "delete" | "cas",
  (...args: unknown[]) => Promise<unknown>
>;
const untyped = (client: KvClient): Untyped => client as unknown as Untyped;

async function rejection(call: () => Promise<unknown>): Promise<KvError> {
  const promise = call();
  const error: unknown = await promise.then(
    () => new Error("it was accepted"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KvError);
  return error as KvError;
}

function thrown(call: () => unknown): KvError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(KvError);
    return error as KvError;
  }
  throw new Error("it was accepted");
}

const view = new DataView(new ArrayBuffer(4));
const noBytes: readonly [unknown, string][] = [
  [5, "got 5"],
  [undefined, "got nothing"],
  [null, "got null"],
  [10n, "got the bigint 10n"],
  [Symbol("s"), "got a symbol"],
  [() => 1, "got a function"],
  [["a", "b"], "got an array of 2"],
  [new Date(0), "got an object of type Date"],
  [new ArrayBuffer(4), "got an object of type ArrayBuffer"],
  [view, "got an object of type DataView"],
  [new Uint16Array(2), "got an object of type Uint16Array"],
  [Object.create(null), "got {}"],
];

describe("arguments of KvClient", () => {
  test("keys and values are strings or bytes", async () => {
    const client = untyped(new FakeCluster().client());
    for (const [bad, got] of noBytes) {
      for (const [name, call] of [
        ["key", () => client.write(bad, "v")],
        ["value", () => client.write("k", bad)],
        ["key", () => client.read(bad)],
        ["key", () => client.delete(bad)],
        ["key", () => client.cas(bad, { absent: true }, "v")],
        ["value", () => client.cas("k", { absent: true }, bad)],
      ] as const) {
        const error = await rejection(call);
        expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true, retryable: false });
        expect(error.message).toContain(`${name}: expected a string or a Uint8Array`);
        expect(error.message).toContain(got);
      }
    }
  });

  test("an object as a value: the way out is JSON.stringify", async () => {
    const client = untyped(new FakeCluster().client());
    const { message } = await rejection(() => client.write("k", { name: "Ada", "\u001b[31m": 1 }));
    expect(message).toBe(
      "value: expected a string or a Uint8Array (JSON.stringify makes text of it), " +
        "got an object with name, \\u001b[31m",
    );
    expect((await rejection(() => client.write("k", 5))).message).not.toContain("JSON");
  });

  test("several keys where one is meant: what takes several is named", async () => {
    const client = untyped(new FakeCluster().client());
    expect((await rejection(() => client.read(["a", "b"]))).message).toContain("get reads several");
    const { message } = await rejection(() => client.delete({ prefix: "a/" }));
    expect(message).toContain('txn({ then: [{ op: "delete", range: { prefix } }] }) deletes them');
    expect(message).not.toContain("JSON.stringify");
  });

  test("options, of every method", async () => {
    const client = untyped(new FakeCluster().client());
    for (const [bad, text] of [
      [null, "options: expected an object, got null"],
      ["x", 'options: expected an object, got "x"'],
      [{ node: "1" }, 'node: expected the id of a node, a positive integer, got "1"'],
      [{ node: 0 }, "node: expected"],
      [{ node: 1.5 }, "node: expected"],
      [{ timeoutMs: -1 }, "timeoutMs: expected milliseconds, more than 0 and at most 2147483647"],
      [{ timeoutMs: 0 }, "timeoutMs: expected"],
      [{ timeoutMs: NaN }, "got NaN"],
      [{ timeoutMs: Infinity }, "got Infinity"],
      [{ timeoutMs: 2 ** 31 }, "got 2147483648"],
      [{ timeoutMs: "5" }, 'got "5"'],
      [{ signal: {} }, "signal: expected an AbortSignal, got {}"],
      [{ signal: null }, "signal: expected an AbortSignal, got null"],
      [{ signal: { aborted: false } }, "signal: expected"],
    ] as const) {
      for (const call of [
        () => client.write("k", "v", bad),
        () => client.read("k", bad),
        () => client.delete("k", bad),
        () => client.cas("k", { absent: true }, "v", bad),
      ]) {
        const error = await rejection(call);
        expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
        expect(error.message).toContain(text);
      }
    }
    const { message } = await rejection(() => client.read("k", { consistency: "foo" }));
    expect(message).toBe('consistency: expected "linearizable" or "local", got "foo"');
  });

  test("a condition that says nothing, two things or the opposite is none", async () => {
    const cluster = new FakeCluster();
    const client = untyped(cluster.client());
    for (const [bad, text] of [
      [undefined, "condition: expected exactly one of"],
      ["v", "condition: expected exactly one of"],
      [{}, "condition: expected exactly one of"],
      [{ value: undefined }, "condition: expected exactly one of"],
      [{ value: "v", absent: true }, "condition: expected exactly one of"],
      [{ value: "v", revision: 1 }, "condition: expected exactly one of"],
      [{ absent: false }, "condition.absent: expected true, got false"],
      [{ value: 5 }, "condition.value: expected a string or a Uint8Array, got 5"],
      [{ revision: 0 }, "condition.revision: expected a positive integer, got 0"],
      [{ revision: "1" }, 'condition.revision: expected a positive integer, got "1"'],
    ] as const) {
      const error = await rejection(() => client.cas("k", bad, "v"));
      expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
      expect(error.message).toContain(text);
    }
    cluster.clock.run(100);
    expect(cluster.state.appliedIdx).toBe(0);
  });

  test("half of a surrogate pair is refused wherever a string may stand, and nothing is sent", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const half = "user/\ud83d";
    const first = async (items: AsyncIterable<unknown>): Promise<unknown> => {
      for await (const item of items) return item;
      return null;
    };
    const outcome = ([one]: readonly BatchOutcome[]): void => {
      if (one?.ok === false) throw one.error;
    };
    for (const [name, call] of [
      ["key", () => client.write(half, "v")],
      ["value", () => client.write("k", "v\ude00")],
      ["key", () => client.read(half)],
      ["key", () => client.delete(half)],
      ["key", () => client.cas(half, { absent: true }, "v")],
      ["value", () => client.cas("k", { absent: true }, half)],
      ["condition.value", () => client.cas("k", { value: half }, "v")],
      ["keys[1]", () => client.get(["a", half])],
      ["key", async () => outcome(await client.batch([{ op: "write", key: half, value: "v" }]))],
      ["prefix", () => client.count({ prefix: half })],
      ["start", () => client.count({ start: half })],
      ["end", () => first(client.range({ start: "a", end: half }))],
      ["key", () => first(client.history(half))],
      ["watched", async () => first(client.watch(half))],
      ["prefix", async () => first(client.watch({ prefix: half }))],
      ["key", async () => client.atomic().put(half, "v").commit()],
      ["value", async () => client.atomic().put("k", half).commit()],
      ["key", () => client.txn({ then: [{ op: "put", key: half, value: "v" }] })],
      ["key", () => client.transact(async (tx) => tx.get(half))],
      ["prefix", async () => client.withPrefix(half)],
      ["key", () => client.withPrefix("p/").write(half, "v")],
      ["name", () => client.locks.request(half, () => 1)],
      ["owner", () => client.locks.request("l", { owner: half }, () => 1)],
    ] as const) {
      const error = await rejection(call);
      expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
      expect(error.message).toContain(`${name}: expected `);
    }
    cluster.clock.run(100);
    expect(cluster.state.appliedIdx).toBe(0);
  });

  test("a whole surrogate pair is text", async () => {
    const cluster = new FakeCluster();
    const writing = cluster.client().write("user/\u{1f600}", "\u{1f600}");
    cluster.clock.run(100);
    await writing;
    expect(cluster.state.revision).toBe(1);
  });

  test("a key of another realm's bytes is a key", async () => {
    const { runInNewContext } = await import("node:vm");
    const foreign: unknown = runInNewContext("new Uint8Array([107])");
    expect(foreign).not.toBeInstanceOf(Uint8Array);
    const cluster = new FakeCluster();
    const written = untyped(cluster.client()).write(foreign, "v");
    cluster.clock.run(100);
    expect(await written).toMatchObject({ revision: 1 });
  });
});

describe("options of createClient and createAdminClient", () => {
  const create = createClient as (options?: unknown) => KvClient;
  const nodes = [{ id: 1, host: "127.0.0.1", port: 4101 }];

  test("what is not understood is refused by its name", () => {
    for (const [bad, text] of [
      [undefined, "options: expected an object with nodes, or addresses of nodes, got nothing"],
      [5, "options: expected"],
      [{}, 'nodes: expected at least one address, like ["127.0.0.1:4101"], got nothing'],
      [[], "nodes: expected at least one address"],
      ["", 'nodes[0]: expected "HOST:PORT", "[IPV6]:PORT" or { id, host, port }, got ""'],
      ["127.0.0.1", "nodes[0]: expected"],
      ["http://127.0.0.1:4101", "nodes[0]"],
      [["https://127.0.0.1:4101", "127.0.0.1:4102"], "nodes: some addresses say TLS"],
      [{ nodes: "wss://127.0.0.1:4101", tls: false }, "tls: false, and the addresses say https"],
      [{ nodes, tls: 5 }, "tls: expected true, or an object with ca, cert and key"],
      [
        { nodes, tls: { cacert: "" } },
        "tls: there is no cacert in it, there are ca, cert, key, min",
      ],
      [
        { nodes, tls: { ca: "ca.crt" } },
        'tls: ca: expected text or bytes in PEM form ("-----BEGIN',
      ],
      [{ nodes, tls: { minVersion: "1.1" } }, 'tls: minVersion: expected "1.3" or "1.2"'],
      ["::1:4101", "nodes[0]: expected"],
      ["127.0.0.1:0", "nodes[0].port: expected a port from 1 to 65535, got 0"],
      ["127.0.0.1:70000", "nodes[0].port: expected a port from 1 to 65535, got 70000"],
      ["0=127.0.0.1:4101", "nodes[0].id: expected the id of a node"],
      [["127.0.0.1:4101", 5], "nodes[1]: expected"],
      [["127.0.0.1:4101", "127.0.0.1:4101"], "nodes: expected every node once"],
      [["1=127.0.0.1:4101", "1=127.0.0.1:4102"], "node 1 twice"],
      [{ nodes: [{ id: 1, host: "", port: 4101 }] }, "nodes[0].host: expected a host name"],
      [{ nodes: [{ id: 1, host: "a/b", port: 4101 }] }, "nodes[0].host: expected a host name"],
      [{ nodes: "10.0.0.256:4101" }, "nodes[0].host: expected a host name"],
      [{ nodes: [{ id: 1, host: "a" }] }, "nodes[0].port: expected a port"],
      [{ nodes: [{ id: "1", host: "a", port: 1 }] }, "nodes[0].id: expected"],
      [{ nodes, timeoutMs: -1 }, "timeoutMs: expected milliseconds"],
      [{ nodes, connectTimeoutMs: NaN }, "connectTimeoutMs: expected milliseconds"],
      [{ nodes, attemptTimeoutMs: "2s" }, "attemptTimeoutMs: expected milliseconds"],
      [{ nodes, clusterId: 5 }, "clusterId: expected a text that is not empty, or null, got 5"],
      [{ nodes, failFast: 1 }, "failFast: expected true or false, got 1"],
      [{ nodes, firstNode: "1" }, "firstNode: expected the id of a node"],
      [{ nodes, timeoutMS: 5 }, "timeoutMS: there is no such option, there are nodes, timeoutMs"],
    ] as const) {
      const error = thrown(() => create(bad));
      expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
      expect(error.message).toContain(text);
    }
    expect(thrown(() => create({ nodes, firstNode: 2 })).code).toBe("UNKNOWN_NODE");
  });

  test("a client made by hand needs a machine", () => {
    const make = (options?: unknown) => () => new KvClient(options as KvClientOptions);
    expect(thrown(make())).toMatchObject({ code: "BAD_REQUEST" });
    const { code, message } = thrown(make({ nodes }));
    expect(code).toBe("BAD_REQUEST");
    expect(message).toBe(
      "clock: expected one, as createClient and createAdminClient hand in, got nothing",
    );
  });

  test("a function that names no secret is refused where it is handed in", () => {
    for (const said of ["", 5, undefined]) {
      const secret = (() => said) as () => string;
      const { code, message } = thrown(() => create({ nodes, secret }));
      expect(code).toBe("BAD_REQUEST");
      expect(message).toContain("secret: expected a function that returns a text");
    }
  });

  test("a secret is not repeated", () => {
    for (const secret of [["hunter2!"], ""]) {
      const { code, message } = thrown(() => create({ nodes, secret }));
      expect(code).toBe("BAD_REQUEST");
      expect(message).toContain("secret: expected a text that is not empty");
      expect(message).not.toContain("hunter2");
    }
  });

  test("half of a surrogate pair is refused in all texts, and in what functions say", () => {
    const half = "0123456789abcdef\ud800";
    for (const options of [
      { secret: half },
      { secret: () => half },
      { clusterId: half },
      { user: "ann", password: half },
      { user: "ann", token: half },
    ]) {
      const { code, message } = thrown(() => create({ nodes, ...options }));
      expect(code).toBe("BAD_REQUEST");
      expect(message).toContain("expected well-formed text (no half of a surrogate pair)");
      if (!("clusterId" in options)) expect(message).not.toContain("0123");
    }
  });

  test("nodes may be named in every way that names them", () => {
    for (const good of [
      "127.0.0.1:4101",
      "127.0.0.1:4101, localhost:4102",
      "1=127.0.0.1:4101",
      ["127.0.0.1:4101", "[::1]:4101", { host: "localhost", port: 4101 }],
      { nodes: "127.0.0.1:4101" },
      { nodes: ["2=127.0.0.1:4101"], firstNode: 2, secret: null, clusterId: null },
      { nodes, timeoutMs: undefined, failFast: true },
    ]) {
      create(good).close();
    }
  });

  test("management needs the ids", async () => {
    const admin = createAdminClient as (options?: unknown) => ReturnType<typeof createAdminClient>;
    expect(thrown(() => admin()).message).toContain("options: expected");
    expect(thrown(() => admin({ nodes, failFast: true })).message).toContain(
      "failFast: there is no",
    );
    const { code, message } = thrown(() => admin("127.0.0.1:4101"));
    expect(code).toBe("BAD_REQUEST");
    expect(message).toContain('expected an id, like "1=127.0.0.1:4101"');
    const client = admin("1=127.0.0.1:4101");
    const call = client.call.bind(client) as (...args: unknown[]) => Promise<unknown>;
    for (const [args, text] of [
      [["1", "status", {}], 'node: expected the id of a node, a positive integer, got "1"'],
      [[1, "stop", {}], "op: expected one of getLinks"],
      [[1, "toString", {}], "op: expected one of getLinks"],
      [[1, "status"], "status: expected"],
      [[1, "status", { a: 1n }], "status: there is no"],
      [[1, "setFault", { peer: "x" }], "setFault.peer: expected"],
      [
        [1, "changeAccess", { change: { kind: "addUser", user: "a b", password: null } }],
        'changeAccess.change.user: expected 1 to 128 characters that are printable ASCII, without blanks, got "a b"',
      ],
      [
        [1, "changeAccess", { change: { kind: "addUser", user: "a", password: "\ud800 secret" } }],
        "changeAccess.change.password: expected well-formed text",
      ],
      [[1, "status", {}, { timeoutMs: -1 }], "timeoutMs: expected"],
      [[1, "status", {}, null], "options: expected"],
    ] as const) {
      const error = await rejection(() => call(...args));
      expect(error).toMatchObject({ code: "BAD_REQUEST", definite: true });
      expect(error.message).toContain(text);
    }
    client.close();
  });
});
