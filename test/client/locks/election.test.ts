/** Elections in the client, against nodes that the test plays. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { elect, type ElectOptions, type Term } from "../../../src/client/locks/election.ts";
import { Leases } from "../../../src/client/leases/leases.ts";
import { SeededRandom } from "../../../src/machine/ports/seeded-random.ts";
import { FakeLeases } from "../fake-leases.ts";

interface Candidate {
  readonly terms: Term[];
  readonly lost: string[];
  /** Ends the body of its loop. */
  next: () => void;
  readonly stop: AbortController;
  isOver: boolean;
  error: unknown;
}

function stand(nodes: FakeLeases, options: ElectOptions = {}): Candidate {
  const stop = new AbortController();
  const candidate: Candidate = {
    ...{ terms: [], lost: [], next: () => {}, stop, isOver: false, error: null },
  };
  const { clock } = nodes;
  const machine = {
    clock,
    store: nodes,
    leases: new Leases(clock, nodes, new SeededRandom("election")),
  };
  const onLost = ({ code }: KvError): void => void candidate.lost.push(code);
  const run = async (): Promise<void> => {
    for await (const term of elect(machine, "e", {
      ttl: 800,
      signal: stop.signal,
      onLost,
      ...options,
    })) {
      candidate.terms.push(term);
      await new Promise<void>((resolve) => {
        candidate.next = resolve;
        void term.ended.then(resolve);
      });
    }
  };
  run().then(
    () => (candidate.isOver = true),
    (error: unknown) => (candidate.error = error),
  );
  return candidate;
}

describe("an election", () => {
  test("whose leader resigned while no node answered has another one when they do", async () => {
    const nodes = new FakeLeases();
    nodes.ttlMs = 300_000;
    const [a, b] = [stand(nodes, { ttl: 300_000 }), stand(nodes, { ttl: 300_000 })];
    await nodes.pass(100);
    nodes.failure = new KvError("TIMEOUT", "no answer");
    a.stop.abort();
    await nodes.pass(10_000);
    expect(a.isOver).toBe(true);
    nodes.failure = null;
    await nodes.pass(6000);
    expect(b.terms).toHaveLength(1);
  });

  test("has one leader, in turn, and who has led stands behind the others", async () => {
    const nodes = new FakeLeases();
    const [a, b] = [stand(nodes), stand(nodes)];
    await nodes.pass(50);
    expect([a.terms.length, b.terms.length]).toEqual([1, 0]);
    a.next();
    await nodes.pass(100);
    expect([a.terms.length, b.terms.length]).toEqual([1, 1]);
    expect(b.terms[0]!.token).toBeGreaterThan(a.terms[0]!.token);
    void b.terms[0]!.resign();
    await nodes.pass(100);
    expect(a.terms).toHaveLength(2);
    expect([...a.lost, ...b.lost]).toEqual([]);
  });

  test("a term that is lost is told once, and another one follows", async () => {
    const nodes = new FakeLeases();
    const [a, b] = [stand(nodes), stand(nodes, { ttl: 60_000 })];
    await nodes.pass(50);
    nodes.failure = new KvError("NO_QUORUM", "no majority");
    await nodes.pass(2000);
    expect(a.lost).toEqual(["LEASE_LOST"]);
    expect(a.terms[0]!.signal.aborted).toBe(true);
    nodes.failure = null;
    await nodes.pass(10_000);
    expect(b.terms).toHaveLength(1);
    b.next();
    await nodes.pass(200);
    expect(a.terms).toHaveLength(2);
    expect(a.lost).toHaveLength(1);
  });

  test("ends with the signal, while it waits and while it leads", async () => {
    const nodes = new FakeLeases();
    const [a, b] = [stand(nodes), stand(nodes)];
    await nodes.pass(50);
    b.stop.abort();
    await nodes.pass(50);
    expect(b).toMatchObject({ isOver: true, error: null, terms: [] });
    a.stop.abort();
    await nodes.pass(50);
    expect(a).toMatchObject({ isOver: true, error: null, lost: [] });
    expect(nodes.model.keys.size).toBe(0);
  });

  test.each([
    ["by the signal", (a: Candidate) => a.stop.abort()],
    ["by resigning", (a: Candidate) => void a.terms[0]!.resign()],
  ])("a term that is given up %s says so before somebody else leads", async (_, giveUp) => {
    const nodes = new FakeLeases();
    const [a, b] = [stand(nodes), stand(nodes)];
    await nodes.pass(50);
    const { signal } = a.terms[0]!;
    let leadsBefore: number | null = null;
    signal.addEventListener("abort", () => (leadsBefore = b.terms.length));
    giveUp(a);
    expect(signal.aborted).toBe(true);
    await nodes.pass(100);
    expect([leadsBefore, b.terms.length]).toEqual([0, 1]);
    expect(a.lost).toEqual([]);
  });

  test("what no node would do differently later is thrown", async () => {
    const nodes = new FakeLeases();
    nodes.failure = new KvError("UNAUTHORIZED", "no");
    const a = stand(nodes);
    await nodes.pass(50);
    expect(a.error).toMatchObject({ code: "UNAUTHORIZED" });
    const wrong = stand(nodes, { value: 5 as unknown as string });
    await nodes.pass(10);
    expect(wrong.error).toMatchObject({ code: "BAD_REQUEST" });
  });
});
