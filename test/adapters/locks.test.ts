/** The Web Locks API over a real cluster, and locks of views. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { OmnikvLockManager } from "../../src/adapters/locks.ts";
import { createClient, type KvClient } from "../../src/client/api/index.ts";
import { startCluster, type Cluster } from "./cluster.ts";

let cluster: Cluster;
let client: KvClient;
beforeAll(async () => {
  cluster = await startCluster(1);
  client = cluster.client();
});
afterAll(() => cluster.stop());

/** Holds the lock until `release`. */
function hold(locks: OmnikvLockManager, name: string, mode: "exclusive" | "shared" = "exclusive") {
  let release = (): void => {};
  const until = new Promise<void>((resolve) => (release = resolve));
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const request = locks.request(name, { mode }, async (lock) => {
    begin();
    await until;
    return lock.token;
  });
  return { request, begun, release };
}

const fails = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "nothing",
    (error: unknown) => error,
  );

describe("a lock manager", () => {
  test("calls the function with the lock, returns what it returns, and rejects with what it throws", async () => {
    const locks = new OmnikvLockManager(client);
    const told = await locks.request("a", (lock) => [lock.name, lock.mode]);
    expect(told).toEqual(["a", "exclusive"]);
    const abort = new DOMException("of the function", "AbortError");
    expect(await fails(locks.request("a", () => Promise.reject(abort)))).toBe(abort);
    expect(await locks.request("a", { mode: "shared" }, (lock) => lock.mode)).toBe("shared");
  });

  test("one after the other exclusively, together when shared; query tells who holds and who waits", async () => {
    const [one, two] = [
      new OmnikvLockManager(client, { clientId: "one" }),
      new OmnikvLockManager(client, { clientId: "two", ttl: 5000 }),
    ];
    const first = hold(one, "b", "shared");
    const second = hold(two, "b", "shared");
    await Promise.all([first.begun, second.begun]);
    const third = hold(two, "b");
    await vi.waitFor(async () => expect((await one.query()).pending).toHaveLength(1), {
      timeout: 20_000,
    });
    expect(await two.query()).toEqual({
      held: [
        { name: "b", mode: "shared", clientId: "one" },
        { name: "b", mode: "shared", clientId: "two" },
      ],
      pending: [{ name: "b", mode: "exclusive", clientId: "two" }],
    });
    expect(await one.request("b", { ifAvailable: true }, (lock) => lock)).toBeNull();
    first.release();
    second.release();
    await third.begun;
    third.release();
    const tokens = await Promise.all([first.request, second.request, third.request]);
    expect(tokens[2]).toBeGreaterThan(Math.max(tokens[0], tokens[1]));
    expect(await one.query()).toEqual({ held: [], pending: [] });
  });

  test("who gives up waiting gets the reason of its signal, before it asks too", async () => {
    const locks = new OmnikvLockManager(client);
    const holder = hold(locks, "c");
    await holder.begun;
    const stop = new AbortController();
    const waiting = fails(locks.request("c", { signal: stop.signal }, () => "had"));
    await vi.waitFor(async () => expect((await locks.query()).pending).toHaveLength(1), {
      timeout: 20_000,
    });
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await fails(locks.request("c", { signal: stop.signal }, () => "had"))).toBe(reason);
    holder.release();
    await holder.request;
    // Of no effect once it is held.
    const late = new AbortController();
    const told = await locks.request("c", { signal: late.signal }, () => {
      late.abort();
      return "had";
    });
    expect(told).toBe("had");
  });

  test("who is robbed rejects with an AbortError, and its guarded writes fail", async () => {
    const locks = new OmnikvLockManager(client);
    let write: Promise<unknown> = Promise.resolve();
    const robbed = fails(
      locks.request("d", async (lock) => {
        await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
        write = fails(client.guarded(lock).write("guarded", "late"));
      }),
    );
    await vi.waitFor(async () => expect((await locks.query()).held).toHaveLength(1), {
      timeout: 20_000,
    });
    expect(await locks.request("d", { steal: true }, () => "stolen")).toBe("stolen");
    expect(await robbed).toMatchObject({ name: "AbortError" });
    expect(await write).toMatchObject({ code: "LOCK_LOST" });
  });

  test("who is robbed hears of it while its function goes on", async () => {
    const locks = new OmnikvLockManager(client);
    const never = (): Promise<never> => new Promise(() => {});
    const robbed = [
      fails(locks.request("e", never)),
      fails(locks.request("e", { steal: true }, never)),
    ];
    expect(await locks.request("e", { steal: true }, () => "stolen")).toBe("stolen");
    expect(await Promise.all(robbed)).toMatchObject([
      { name: "AbortError" },
      { name: "AbortError" },
    ]);
    expect((await locks.query()).held).toEqual([]);
  });

  test("requests are carried out in the order of the calls, whichever has a lease at hand; query tells of all before it", async () => {
    const locks = new OmnikvLockManager(client);
    for (let round = 0; round < 5; round++) {
      // Leaves a lease behind, which the first of the next ones takes: the others have to get one.
      await locks.request("spare", () => {});
      const had: number[] = [];
      const name = `f${round}`;
      const requests = Array.from({ length: 6 }, (_, n) =>
        locks.request(name, { mode: n < 2 ? "shared" : "exclusive" }, async () => {
          had.push(n);
          if (n === 0) await asked;
        }),
      );
      const asked = locks.query();
      const { held, pending } = await asked;
      expect(held.map(({ mode }) => mode)).toContain("shared");
      expect(held.length + pending.length).toBeGreaterThanOrEqual(5);
      await Promise.all(requests);
      expect(had).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  test("a client that is closed while it waits, or has a lease to spare, holds up nobody", async () => {
    const [one, two] = [createClient(cluster.address), createClient(cluster.address)];
    const locks = new OmnikvLockManager(client);
    // Two in a row, so that the client keeps a lease for the next one.
    for (let i = 0; i < 2; i++) await one.locks.request("h", () => {});
    const holder = hold(locks, "h");
    await holder.begun;
    const given = [
      fails(one.locks.request("h", () => "had")),
      fails(two.locks.request("h", () => "had")),
    ];
    await vi.waitFor(async () => expect((await locks.query()).pending).toHaveLength(2), {
      timeout: 20_000,
    });
    one.close();
    two.close();
    expect(await Promise.all(given)).toMatchObject([{ code: "CANCELLED" }, { code: "CANCELLED" }]);
    await vi.waitFor(async () => expect((await locks.query()).pending).toHaveLength(0), {
      timeout: 5000,
    });
    const next = locks.request("h", () => "had");
    holder.release();
    expect(await next).toBe("had");
    const own = createClient(cluster.address);
    const held = await new Promise<{ signal: AbortSignal }>((resolve) => {
      const forEver = (lock: { signal: AbortSignal }): Promise<never> => {
        resolve(lock);
        return new Promise(() => {});
      };
      own.locks.request("i", { ttl: 2000 }, forEver).catch(() => {});
    });
    own.close();
    expect(held.signal.aborted).toBe(true);
    // It may still be at work: it has its time.
    expect((await locks.query()).held).toMatchObject([{ name: "i" }]);
    await vi.waitFor(async () => expect((await locks.query()).held).toEqual([]), {
      timeout: 20_000,
    });
  });

  test("a request that is given up before it is sent holds up nobody", async () => {
    const locks = new OmnikvLockManager(client);
    const stop = new AbortController();
    const given = fails(locks.request("g", { signal: stop.signal }, () => "had"));
    stop.abort();
    expect(await locks.request("g", () => "had")).toBe("had");
    expect(await given).toMatchObject({ name: "AbortError" });
  });

  test.each(["", "a\0b", "\ud800", "\udc00", "\udc00\ud800", "\uffff", "x-y"])(
    "%j is a name like any other",
    async (name) => {
      const locks = new OmnikvLockManager(client);
      const told = await locks.request(name, async (lock) => {
        const { held } = await locks.query();
        const other = await locks.request("\ufffd", { ifAvailable: true }, (free) => free !== null);
        return [lock.name, held.map((each) => each.name), other];
      });
      expect(told).toEqual([name, [name], true]);
    },
  );

  test.each([
    ["-a", {}, "NotSupportedError"],
    ["a", { steal: true, ifAvailable: true }, "NotSupportedError"],
    ["a", { steal: true, mode: "shared" as const }, "NotSupportedError"],
    ["a", { steal: true, signal: new AbortController().signal }, "NotSupportedError"],
    ["a", { ifAvailable: true, signal: new AbortController().signal }, "NotSupportedError"],
    ["a", { mode: "both" as "shared" }, "TypeError"],
    ["a", { signal: {} as AbortSignal }, "TypeError"],
  ])("refuses %s with %j: %s", async (name, options, error) => {
    const locks = new OmnikvLockManager(client);
    expect(await fails(locks.request(name, options, () => "had"))).toMatchObject({ name: error });
    expect(() => new OmnikvLockManager({} as never)).toThrow("client: expected");
    expect(() => new OmnikvLockManager(client, { clientId: "\ud800" })).toThrow(
      "clientId: expected",
    );
  });
});

describe("a view", () => {
  test("has locks and elections whose names lie within its prefix, and guarded writes within it", async () => {
    const view = client.withPrefix("app/").withPrefix("é/");
    const key = await view.locks.request("job", async (lock) => {
      expect(lock.name).toBe("job");
      expect(await view.locks.query()).toMatchObject({ held: [{ name: "job" }], pending: [] });
      expect(await client.locks.query()).toMatchObject({ held: [{ name: "app/é/job" }] });
      expect(await client.withPrefix("other/").locks.query()).toEqual({ held: [], pending: [] });
      expect(
        await client.locks.request("app/é/job", { ifAvailable: true }, (other) => other),
      ).toBeNull();
      await view.guarded(lock).write("done", "yes");
      await client.guarded(lock).write("whole", "yes");
      const { results } = await view.guarded(lock).txn({
        // oxlint-disable-next-line no-thenable -- a list, which nobody can call
        then: [{ op: "get", key: "done" }],
      });
      expect(results).toMatchObject([{ op: "get", count: 1 }]);
      return lock.key;
    });
    expect((await client.read("app/é/done")).text()).toBe("yes");
    const late = { key, token: 1, signal: new AbortController().signal };
    expect(await fails(view.guarded(late).write("done", "late"))).toMatchObject({
      code: "LOCK_LOST",
    });
    for await (const term of view.elect("boss", { value: "me" })) {
      expect(term.name).toBe("boss");
      for await (const leader of client.observeElection("app/é/boss")) {
        expect(leader?.token).toBe(term.token);
        break;
      }
      for await (const leader of view.observeElection("boss")) {
        expect(leader?.token).toBe(term.token);
        break;
      }
      break;
    }
    const lease = await view.leases.grant({ ttl: 5000 });
    await view.write("leased", "x", { lease });
    expect((await client.leases.timeToLive(lease.id))?.keys).toEqual([
      new Uint8Array(Buffer.from("app/é/leased")),
    ]);
    await lease.revoke();
    expect((await view.read("leased")).found).toBe(false);
  });

  test("whose prefix is no text has none", async () => {
    const view = client.withPrefix(Uint8Array.of(255));
    expect(() => view.locks).toThrow("prefix: expected text");
    expect(await fails(view.elect("a").next())).toMatchObject({ code: "BAD_REQUEST" });
  });
});
