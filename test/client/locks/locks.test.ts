/** Locks in the client, against nodes that the test plays: the protocol itself is tested in lock-request.test.ts. */
import { describe, expect, test } from "vitest";
import type { Lock } from "../../../src/client/locks/lock.ts";
import type { LockOptions } from "../../../src/client/locks/locks.ts";
import { KvError } from "../../../src/base/errors.ts";
import { FakeLeases } from "../fake-leases.ts";

interface Holder {
  lock: Lock | null;
  done: boolean;
  error: unknown;
  release: () => void;
}

/** Asks for the lock, and holds it until told otherwise. */
function ask(nodes: FakeLeases, options: LockOptions = {}, client = nodes.client()): Holder {
  const holder: Holder = { lock: null, done: false, error: null, release: () => {} };
  const released = new Promise<void>((resolve) => {
    holder.release = resolve;
  });
  const request = client.locks.request("a", { ttl: 800, ...options }, async (lock) => {
    holder.lock = lock;
    if (lock !== null) await released;
  });
  request.then(
    () => (holder.done = true),
    (error: unknown) => (holder.error = error),
  );
  return holder;
}

/** @returns a holder that has waited, and was handed the lock */
async function handedOver(nodes: FakeLeases, options: LockOptions = {}): Promise<Holder> {
  const first = ask(nodes, options);
  await nodes.pass(50);
  const second = ask(nodes, options, nodes.client());
  await nodes.pass(50);
  first.release();
  await nodes.pass(50);
  return second;
}

describe("locks", () => {
  test.each([
    ["that nobody waits for", false],
    ["that others wait for", true],
  ])(
    "%s are free when nodes answer again, though they were given back while none did",
    async (_, isWaitedFor) => {
      const nodes = new FakeLeases();
      nodes.ttlMs = 300_000;
      const options = { ttl: 300_000 };
      const first = isWaitedFor ? await handedOver(nodes, options) : ask(nodes, options);
      await nodes.pass(100);
      expect(first.lock).not.toBeNull();
      nodes.failure = new KvError("TIMEOUT", "no answer");
      first.release();
      await nodes.pass(10_000);
      expect(first.done).toBe(true);
      nodes.failure = null;
      const next = ask(nodes, options);
      await nodes.pass(6000);
      expect(next.lock).not.toBeNull();
    },
  );

  test("are had in the order of their requests, each with a larger token", async () => {
    const nodes = new FakeLeases();
    const all: Holder[] = [];
    for (let i = 0; i < 20; i++) {
      all.push(ask(nodes));
      await nodes.pass(20);
    }
    let token = 0;
    for (const [i, holder] of all.entries()) {
      await nodes.pass(100);
      expect(all.map(({ lock }) => lock !== null)).toEqual(all.map((_, j) => j <= i));
      expect(holder.lock?.token).toBeGreaterThan(token);
      token = holder.lock!.token;
      holder.release();
    }
    await nodes.pass(100);
    expect(all.every(({ done }) => done)).toBe(true);
    expect(nodes.model.keys.size).toBe(0);
  });

  test("to hand one over costs as much with a hundred waiting as with ten", async () => {
    const costs: number[] = [];
    for (const waiting of [10, 100]) {
      const nodes = new FakeLeases();
      const holder = ask(nodes);
      await nodes.pass(20);
      for (let i = 0; i < waiting; i++) ask(nodes);
      await nodes.pass(200);
      nodes.events = 0;
      holder.release();
      await nodes.pass(200);
      costs.push(nodes.events);
    }
    expect(costs[1]).toBe(costs[0]);
    expect(costs[0]).toBeLessThanOrEqual(3);
  });

  test("whoever asks again and again hands over with one write, asks for it with one, and needs no new lease", async () => {
    const nodes = new FakeLeases();
    let handOvers = 0;
    let inside = 0;
    let isOver = false;
    const run = Array.from({ length: 5 }, async () => {
      const { locks } = nodes.client();
      while (!isOver) {
        await locks.request("a", { ttl: 800 }, async () => {
          inside += 1;
          expect(inside).toBe(1);
          await Promise.resolve();
          inside -= 1;
          handOvers += 1;
        });
      }
    });
    await nodes.pass(500);
    const [had, written] = [handOvers, nodes.writes];
    await nodes.pass(500);
    const count = handOvers - had;
    expect(count).toBeGreaterThan(20);
    expect((nodes.writes - written) / count).toBeLessThan(2.2);
    isOver = true;
    await nodes.pass(200);
    await Promise.all(run);
    // What is spare is given back after a moment.
    await nodes.pass(1200);
    expect(nodes.model.keys.size).toBe(0);
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].filter((id) => nodes.hasLease(id))).toEqual([]);
  });

  test("a lease that lay idle and was ended by somebody is not missed: the next request takes a new one", async () => {
    const nodes = new FakeLeases();
    const client = nodes.client();
    for (let i = 0; i < 3; i++) {
      const holder = ask(nodes, {}, client);
      await nodes.pass(50);
      holder.release();
      await nodes.pass(50);
    }
    const idle = [1, 2, 3].filter((id) => nodes.hasLease(id));
    expect(idle).toHaveLength(1);
    for (const id of idle) void nodes.revoke(id, {});
    await nodes.pass(10);
    const last = ask(nodes, {}, client);
    await nodes.pass(100);
    expect(last.error).toBeNull();
    expect(last.lock).not.toBeNull();
  });

  test("nobody looks after a lock that is lost, however long its holder goes on", async () => {
    const nodes = new FakeLeases();
    let looks = 0;
    // oxlint-disable-next-line require-yield -- nothing is told by a client that was closed
    nodes.follow = async function* () {
      looks += 1;
      throw new KvError("CANCELLED", "the client was closed");
    };
    const holder = ask(nodes);
    await nodes.pass(50);
    nodes.isSilent = true;
    await nodes.pass(3000);
    expect(holder.lock?.signal.aborted).toBe(true);
    const before = looks;
    await nodes.pass(10_000);
    expect(looks).toBe(before);
  });

  test("the next one takes the lock by itself when the holder's lease ends while it rests", async () => {
    const nodes = new FakeLeases();
    const first = ask(nodes);
    await nodes.pass(50);
    const dying = ask(nodes, {}, nodes.client());
    await nodes.pass(50);
    const last = ask(nodes, { ttl: 60_000 });
    await nodes.pass(50);
    first.release();
    for (let i = 0; i < 20 && dying.lock === null; i++) await nodes.pass(5);
    expect(dying.lock).not.toBeNull();
    // Its process dies as soon as it has the lock.
    void nodes.revoke(2, {});
    await nodes.pass(200);
    expect(last.lock).not.toBeNull();
  });

  test("whoever waits behind others asks for both of its watches at once", async () => {
    const nodes = new FakeLeases();
    ask(nodes);
    await nodes.pass(50);
    ask(nodes, {}, nodes.client());
    await nodes.pass(50);
    nodes.followed.length = 0;
    ask(nodes, {}, nodes.client());
    await nodes.pass(50);
    const [held, before] = nodes.followed;
    expect(nodes.followed).toHaveLength(2);
    expect([held?.key, before?.key]).toEqual([
      expect.stringContaining("/held/x/3-"),
      expect.stringContaining("/wait/x/2-"),
    ]);
    expect(held?.ms).toBe(before?.ms);
  });

  test("whoever is handed the lock hears of it although it is not told who waits before it", async () => {
    const nodes = new FakeLeases();
    const second = await handedOver(nodes);
    const lastBefore = nodes.lastBefore.bind(nodes);
    let asked = 0;
    nodes.lastBefore = (...args) => {
      asked += 1;
      nodes.failure = asked === 1 ? new KvError("OVERLOADED", "later", { definite: true }) : null;
      nodes.answerMs = 700;
      const answer = lastBefore(...args);
      nodes.answerMs = 2;
      nodes.failure = null;
      return answer;
    };
    const third = ask(nodes, {}, nodes.client());
    await nodes.pass(150);
    expect([second.lock === null, third.lock, asked]).toEqual([false, null, 2]);
    second.release();
    await nodes.pass(50);
    expect(third.lock).not.toBeNull();
  });

  test("whoever is handed the lock by the holder that it waits for asks nothing more", async () => {
    const nodes = new FakeLeases();
    const second = await handedOver(nodes);
    const third = ask(nodes, {}, nodes.client());
    await nodes.pass(50);
    expect([second.lock === null, third.lock]).toEqual([false, null]);
    const { reads, writes } = nodes;
    second.release();
    await nodes.pass(50);
    expect(third.lock).not.toBeNull();
    // Who is next, asked by the second one; its hand-over; the end of its lease.
    expect([nodes.reads - reads, nodes.writes - writes]).toEqual([1, 2]);
  });

  test("when the holder's lease ends the first of those who wait takes the lock with one write, and no question before", async () => {
    const nodes = new FakeLeases();
    ask(nodes);
    await nodes.pass(50);
    const next = ask(nodes, {}, nodes.client());
    await nodes.pass(50);
    const { reads, writes } = nodes;
    void nodes.revoke(1, {});
    await nodes.pass(50);
    expect(next.lock).not.toBeNull();
    expect([nodes.reads - reads, nodes.writes - writes]).toEqual([0, 2]);
  });

  test("whoever is handed the lock does not wait for an answer that is of no use any more", async () => {
    const nodes = new FakeLeases();
    const [first, second, third] = [nodes.client(), nodes.client(), nodes.client()].map((client) =>
      ask(nodes, { ttl: 60_000 }, client),
    );
    await nodes.pass(200);
    first!.release();
    for (let i = 0; i < 20 && second!.lock === null; i++) await nodes.pass(5);
    await nodes.pass(20);
    const { reads } = nodes;
    // Its rest is over, and it asks who holds the lock.
    nodes.answerMs = 500;
    for (let i = 0; i < 20 && nodes.reads === reads; i++) await nodes.pass(5);
    expect(nodes.reads).toBe(reads + 1);
    nodes.answerMs = 2;
    second!.release();
    await nodes.pass(50);
    expect(third!.lock).not.toBeNull();
  });

  test("where answers take long the first of those who wait rests for longer", async () => {
    const nodes = new FakeLeases();
    const [first, second, third] = [nodes.client(), nodes.client(), nodes.client()].map((client) =>
      ask(nodes, { ttl: 60_000 }, client),
    );
    await nodes.pass(200);
    nodes.ttlMs = 60_000;
    nodes.answerMs = 30;
    first!.release();
    for (let i = 0; i < 60 && second!.lock === null; i++) await nodes.pass(5);
    await nodes.pass(50);
    const { reads } = nodes;
    await nodes.pass(200);
    expect(nodes.reads).toBe(reads);
    second!.release();
    await nodes.pass(150);
    expect(third!.lock).not.toBeNull();
  });

  test("a request that is cancelled leaves nothing behind, and those behind it move up", async () => {
    const nodes = new FakeLeases();
    const abort = new AbortController();
    const first = ask(nodes);
    await nodes.pass(50);
    const second = ask(nodes, { signal: abort.signal });
    await nodes.pass(50);
    const third = ask(nodes);
    await nodes.pass(50);
    abort.abort();
    await nodes.pass(50);
    expect(second.error).toMatchObject({ code: "CANCELLED", definite: true });
    first.release();
    await nodes.pass(100);
    expect(third.lock).not.toBeNull();
    expect(nodes.model.keys.size).toBe(1);
    const early = ask(nodes, { signal: AbortSignal.abort() });
    await nodes.pass(20);
    expect(early.error).toMatchObject({ code: "CANCELLED" });
  });

  test("if available, or not: then the function is called with null", async () => {
    const nodes = new FakeLeases();
    const first = ask(nodes, { ifAvailable: true });
    await nodes.pass(50);
    expect(first.lock).not.toBeNull();
    const second = ask(nodes, { ifAvailable: true });
    await nodes.pass(50);
    expect(second).toMatchObject({ lock: null, done: true });
  });

  test("who is robbed is told by the signal, and its request rejects", async () => {
    const nodes = new FakeLeases();
    const victim = ask(nodes);
    await nodes.pass(50);
    const thief = ask(nodes, { steal: true });
    await nodes.pass(50);
    expect(thief.lock!.token).toBeGreaterThan(victim.lock!.token);
    expect(victim.lock!.signal.reason).toMatchObject({ code: "LOCK_LOST" });
    victim.release();
    await nodes.pass(50);
    expect(victim.error).toMatchObject({ code: "LOCK_LOST" });
    expect(thief.lock!.signal.aborted).toBe(false);
  });

  test("a holder that reaches nobody is told before another one has it", async () => {
    const nodes = new FakeLeases();
    const holder = ask(nodes);
    await nodes.pass(50);
    const { signal, token } = holder.lock!;
    nodes.keepAlive = (ids) => Promise.resolve(ids.map(() => new KvError("NO_QUORUM", "cut off")));
    const next = ask(nodes, { ttl: 60_000 });
    let abortedMs = 0;
    signal.addEventListener("abort", () => (abortedMs = nodes.clock.now()));
    let takenMs = 0;
    for (let i = 0; i < 300 && takenMs === 0; i++) {
      await nodes.pass(5);
      if (next.lock !== null) takenMs = nodes.clock.now();
    }
    expect(abortedMs).toBeGreaterThan(0);
    expect(takenMs).toBeGreaterThan(abortedMs);
    expect(takenMs).toBeLessThan(900);
    expect(next.lock!.token).toBeGreaterThan(token);
    holder.release();
    await nodes.pass(50);
    expect(holder.error).toMatchObject({ code: "LEASE_LOST" });
  });

  test("what is made of a lock's signal is aborted with it, also with many requests on one signal", async () => {
    const nodes = new FakeLeases();
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on("warning", note);
    const abort = new AbortController();
    const holder = ask(nodes);
    const waiting = Array.from({ length: 30 }, () => ask(nodes, { signal: abort.signal }));
    await nodes.pass(100);
    const { signal } = holder.lock!;
    const derived = AbortSignal.any([signal, new AbortController().signal]);
    const twice = AbortSignal.any([derived]);
    let told = 0;
    twice.addEventListener("abort", () => (told += 1));
    expect([derived.aborted, twice.aborted]).toEqual([false, false]);
    ask(nodes, { steal: true });
    await nodes.pass(50);
    expect([derived.aborted, twice.aborted, told]).toEqual([true, true, 1]);
    expect(twice.reason).toMatchObject({ code: "LOCK_LOST" });
    expect(AbortSignal.any([signal]).reason).toMatchObject({ code: "LOCK_LOST" });
    abort.abort();
    await nodes.pass(50);
    for (const { error } of waiting) expect(error).toMatchObject({ code: "CANCELLED" });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  test("what is wrong with a request is said before anything is asked", async () => {
    const { locks } = new FakeLeases().client();
    const never = (): never => {
      throw new Error("called");
    };
    for (const wrong of ["", 5, "\ud800", "x".repeat(2000)]) {
      await expect(locks.request(wrong as string, never)).rejects.toMatchObject({
        code: "BAD_REQUEST",
      });
    }
    for (const options of [
      { mode: "both" },
      { ifAvailable: 1 },
      { steal: true, mode: "shared" },
      { ttl: 0 },
      { owner: 1 },
    ]) {
      await expect(locks.request("a", options as LockOptions, never)).rejects.toMatchObject({
        code: "BAD_REQUEST",
      });
    }
    await expect(locks.request("a", {}, 5 as never)).rejects.toThrow(
      "callback: expected a function",
    );
  });

  test("a name has 1,024 characters as a URL has it, with its view's prefix", async () => {
    const { locks } = new FakeLeases().client();
    const tooLong = async (of: typeof locks, name: string): Promise<string> => {
      const aborted = AbortSignal.abort();
      const error: unknown = await of
        .request(name, { signal: aborted }, () => {})
        .then(() => null)
        .catch((reason: unknown) => reason);
      const { code, message } = error as KvError;
      return code === "BAD_REQUEST" ? message : code;
    };
    const written =
      "characters as a URL has it (three for each byte that is no letter, no digit and none of -_.!~*'())";
    const view = locks.within("jobs/");
    // Those that fit are refused for their signal only.
    expect(await tooLong(locks, "x".repeat(1024))).toBe("CANCELLED");
    expect(await tooLong(locks, `${"é".repeat(170)}1234`)).toBe("CANCELLED");
    expect(await tooLong(view, "x".repeat(1017))).toBe("CANCELLED");
    expect(await tooLong(locks, "x".repeat(1025))).toBe(
      `name: expected at most 1024 ${written}, got 1025`,
    );
    expect(await tooLong(locks, `${"é".repeat(170)}12345`)).toBe(
      `name: expected at most 1024 ${written}, got 1025`,
    );
    expect(await tooLong(view, "x".repeat(1018))).toBe(
      `name: expected at most 1017 ${written}, which is what the prefix of the view leaves, got 1018`,
    );
    expect(await tooLong(locks.within("y".repeat(2000)), "x")).toContain("at most 0 characters");
    expect(() => locks.within("\ud800")).toThrow("prefix: expected well-formed text");
  });
});
