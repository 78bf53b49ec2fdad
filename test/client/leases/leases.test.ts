/** Leases in the client, against nodes that the test plays. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import type { Lease } from "../../../src/client/leases/lease.ts";
import { writeBound } from "../../../src/client/leases/write-bound.ts";
import { FakeLeases } from "../fake-leases.ts";

const NO_QUORUM = new KvError("NO_QUORUM", "no majority");

async function granted(nodes: FakeLeases, client = nodes.client()): Promise<Lease> {
  const promise = client.leases.grant({ ttl: nodes.ttlMs });
  await nodes.pass(10);
  return promise;
}

describe("a lease", () => {
  test("lives as long as it is renewed, and ends at the nodes when it is revoked", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    await nodes.pass(5000);
    expect(lease.signal.aborted).toBe(false);
    expect(nodes.hasLease(lease.id)).toBe(true);
    const revoked = lease.revoke();
    expect(lease.signal.reason).toMatchObject({ code: "CANCELLED", definite: true });
    expect(lease.remaining).toBe(0);
    await nodes.pass(20);
    await revoked;
    expect(nodes.hasLease(lease.id)).toBe(false);
    const asked = nodes.keepAlives.length;
    await nodes.pass(2000);
    expect(nodes.keepAlives.length).toBe(asked);
  });

  test("that was revoked may be revoked again, also when no node answers any more", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    const revoked = lease.revoke();
    await nodes.pass(20);
    await revoked;
    nodes.failure = new KvError("CANCELLED", "the client is closed");
    await expect(lease.revoke()).resolves.toBeUndefined();
    await lease[Symbol.asyncDispose]();
  });

  test("that is granted to who has cancelled is given back", async () => {
    const nodes = new FakeLeases();
    const abort = new AbortController();
    const outcome = nodes
      .client()
      .leases.grant({ ttl: nodes.ttlMs, signal: abort.signal })
      .catch((error: unknown) => error);
    // On its way, and not answered yet.
    abort.abort(new Error("enough"));
    expect(await outcome).toMatchObject({ code: "CANCELLED", cause: { message: "enough" } });
    await nodes.pass(3);
    expect(nodes.hasLease(1)).toBe(true);
    await nodes.pass(10);
    expect(nodes.hasLease(1)).toBe(false);
  });

  test.each([
    [new KvError("FORBIDDEN", "no"), false],
    // It may have been written, and then it is bound to this lease.
    [new KvError("TIMEOUT", "no answer"), true],
  ])("of a write with a time to live that ends with %s", async (refusal, isLeft) => {
    const nodes = new FakeLeases();
    const { leases } = nodes.client();
    const write = writeBound({ leases, txn: () => Promise.reject(refusal) }, "k", "v", {
      ttl: 60_000,
    });
    const outcome = write.catch((reason: unknown) => reason);
    await nodes.pass(50);
    expect(await outcome).toBe(refusal);
    expect(nodes.hasLease(1)).toBe(isLeft);
  });

  test("a thousand of them cost one request an interval", async () => {
    const nodes = new FakeLeases();
    const client = nodes.client();
    const all = Promise.all(Array.from({ length: 1000 }, () => client.leases.grant({ ttl: 800 })));
    await nodes.pass(20);
    const leases = await all;
    await nodes.pass(2400);
    expect(leases.every(({ signal }) => !signal.aborted)).toBe(true);
    expect(nodes.keepAlives.length).toBeLessThanOrEqual(10);
    expect(new Set(nodes.keepAlives)).toEqual(new Set([1000]));
  });

  test("is over before it ends at the nodes when nobody answers, and says why, once", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    let lost = 0;
    lease.signal.addEventListener("abort", () => {
      lost += 1;
      expect(nodes.hasLease(lease.id)).toBe(true);
    });
    nodes.isSilent = true;
    await nodes.pass(3000);
    expect(lost).toBe(1);
    expect(lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
    expect(await lease.ended).toBe(lease.signal.reason);
    expect(nodes.hasLease(lease.id)).toBe(false);
  });

  test("counts from when a keep-alive was sent, however late its answer comes", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    nodes.answerMs = 300;
    let endsMs = 0;
    lease.signal.addEventListener("abort", () => (endsMs = nodes.clock.now()));
    await nodes.pass(400);
    // Carried out and answered late; then nobody answers any more.
    nodes.isSilent = true;
    for (let i = 0; i < 400 && nodes.hasLease(lease.id); i++) await nodes.pass(5);
    expect(endsMs).toBeGreaterThan(0);
    expect(endsMs).toBeLessThan(nodes.clock.now());
  });

  test("survives an interruption that is shorter than its time, and one refused renewal after the other", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    for (let i = 0; i < 5; i++) {
      nodes.failure = NO_QUORUM;
      await nodes.pass(300);
      nodes.failure = null;
      await nodes.pass(300);
    }
    expect(lease.signal.aborted).toBe(false);
    expect(nodes.hasLease(lease.id)).toBe(true);
  });

  test("that the nodes have ended is lost at the next renewal", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    void nodes.revoke(lease.id, {});
    await nodes.pass(400);
    expect(lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
  });

  test("is over for a program that was paused, before any timer has fired", async () => {
    const nodes = new FakeLeases();
    const lease = await granted(nodes);
    // The process stands still: its timers are late, and its clock has gone on.
    nodes.standStillMs = 10_000;
    expect(lease.signal.aborted).toBe(true);
    expect(() => lease.signal.throwIfAborted()).toThrow("is lost");
    expect(lease.signal.reason).toMatchObject({ code: "LEASE_LOST" });
  });

  test("is given up by the signal, and with the client", async () => {
    const nodes = new FakeLeases();
    const { leases } = nodes.client();
    const abort = new AbortController();
    const [promise, other] = [
      leases.grant({ ttl: 800, signal: abort.signal }),
      leases.grant({ ttl: 800 }),
    ];
    await nodes.pass(10);
    const lease = await promise;
    abort.abort();
    await nodes.pass(10);
    expect(nodes.hasLease(lease.id)).toBe(false);
    leases.close();
    expect((await other).signal.reason).toMatchObject({ code: "CANCELLED" });
    for (const ttl of [-1, 499, 500.5, 31 * 24 * 3600 * 1000 + 1, NaN, "500" as never]) {
      await expect(leases.grant({ ttl })).rejects.toMatchObject({
        code: "BAD_REQUEST",
        message: expect.stringContaining(
          "ttl: expected milliseconds, an integer from 500 to 2678400000, got ",
        ) as string,
      });
    }
  });

  describe("whose end no node has answered", () => {
    /** One that was revoked in vain. */
    async function revoked(nodes: FakeLeases, client = nodes.client()): Promise<Lease> {
      nodes.ttlMs = 300_000;
      const lease = await granted(nodes, client);
      nodes.failure = new KvError("TIMEOUT", "no answer");
      const outcome = lease.revoke().catch((error: unknown) => error);
      await nodes.pass(10);
      expect(await outcome).toBe(nodes.failure);
      return lease;
    }

    test("is ended when they answer again, and not asked for any more", async () => {
      const nodes = new FakeLeases();
      const lease = await revoked(nodes);
      await nodes.pass(30_000);
      expect(nodes.hasLease(lease.id)).toBe(true);
      // With pauses of two to five seconds.
      expect(nodes.revokes).toBeGreaterThanOrEqual(1 + 30 / 5);
      expect(nodes.revokes).toBeLessThanOrEqual(1 + 30 / 2);
      nodes.failure = null;
      await nodes.pass(5100);
      expect(nodes.hasLease(lease.id)).toBe(false);
      const { revokes } = nodes;
      await nodes.pass(20_000);
      expect(nodes.revokes).toBe(revokes);
    });

    test("is asked for by one try at a time, however often it is revoked", async () => {
      const nodes = new FakeLeases();
      const lease = await revoked(nodes);
      for (let i = 0; i < 5; i++) {
        lease.revoke().catch(() => {});
        await nodes.pass(10);
      }
      nodes.failure = null;
      const { revokes } = nodes;
      await nodes.pass(20_000);
      expect(nodes.revokes).toBe(revokes + 1);
    });

    test("is given up when they refuse it, or when the client is closed, which is told that it is left", async () => {
      const nodes = new FakeLeases();
      await revoked(nodes);
      nodes.failure = new KvError("FORBIDDEN", "no");
      await nodes.pass(6000);
      const { revokes } = nodes;
      await nodes.pass(20_000);
      expect(nodes.revokes).toBe(revokes);

      const client = nodes.client();
      nodes.failure = null;
      const other = await revoked(nodes, client);
      expect(client.leases.close()).toEqual([other.id]);
      const asked = nodes.revokes;
      await nodes.pass(20_000);
      expect(nodes.revokes).toBe(asked);
    });

    test("is given up when it cannot be there any more, by whichever clock", async () => {
      const nodes = new FakeLeases();
      await revoked(nodes);
      await nodes.pass(300_000 + 600_000 + 5000, 50);
      const { revokes } = nodes;
      await nodes.pass(60_000, 50);
      expect(nodes.revokes).toBe(revokes);
      expect(nodes.clock.pending).toBe(0);
    });

    test("keeps no process alive between the tries", async () => {
      const nodes = new FakeLeases();
      await revoked(nodes);
      const after = nodes.timers.length;
      await nodes.pass(10_000);
      expect(new Set(nodes.timers.slice(after))).toEqual(new Set([true]));
    });

    test("is that of who has cancelled its grant", async () => {
      const nodes = new FakeLeases();
      const abort = new AbortController();
      const { signal } = abort;
      const outcome = nodes.client().leases.grant({ ttl: 300_000, signal });
      outcome.catch(() => {});
      await nodes.pass(5);
      nodes.failure = new KvError("TIMEOUT", "no answer");
      abort.abort();
      await nodes.pass(6000);
      expect(nodes.hasLease(1)).toBe(true);
      nodes.failure = null;
      await nodes.pass(5100);
      expect(nodes.hasLease(1)).toBe(false);
    });
  });

  test("a session has one after the other, and tells of each loss once", async () => {
    const nodes = new FakeLeases();
    const { leases } = nodes.client();
    const abort = new AbortController();
    const seen: number[] = [];
    const lost: string[] = [];
    const run = (async () => {
      const onLost = (error: KvError): number => lost.push(error.code);
      for await (const lease of leases.session({ ttl: 800, signal: abort.signal, onLost })) {
        seen.push(lease.id);
        await lease.ended;
      }
    })();
    await nodes.pass(100);
    nodes.failure = NO_QUORUM;
    await nodes.pass(3000);
    expect(lost).toEqual(["LEASE_LOST"]);
    nodes.failure = null;
    await nodes.pass(6000);
    expect(seen).toEqual([1, 2]);
    abort.abort();
    await nodes.pass(100);
    await run;
    expect(nodes.hasLease(2)).toBe(false);
    expect(lost).toHaveLength(1);
  });
});
