/** The client core under random trouble: nothing happens twice, and no outcome is a lie. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteStringOfText, GroupWriter } from "../../../src/store/index.ts";
import { submit, write } from "../ask.ts";
import { FakeCluster, SERVE, type Behaviour } from "../fake-cluster.ts";

describe("whatever happens", () => {
  // Each key is written by one request: then its version says how often that request took effect.
  test("a write takes effect once at most, and its outcome is what it says", () => {
    const behaviour = fc.oneof(
      { weight: 2, arbitrary: fc.constant<Behaviour>(SERVE) },
      fc.constantFrom<Behaviour>(
        { kind: "refuse", code: "NO_QUORUM" },
        { kind: "refuse", code: "OVERLOADED" },
        { kind: "ignore" },
        { kind: "applyAndDie" },
        { kind: "applySilently" },
        { kind: "garbage" },
      ),
    );
    const node = fc.integer({ min: 1, max: 3 });
    const event = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant("write"), node: fc.option(node) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("behave"),
          behaviours: fc.tuple(behaviour, behaviour, behaviour),
        }),
      },
      fc.record({ kind: fc.constant("drop"), node }),
      fc.record({ kind: fc.constant("restart"), node }),
      fc.record({ kind: fc.constant("closeSessions") }),
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("wait"),
          ms: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 700 })),
        }),
      },
    );
    fc.assert(
      fc.property(fc.integer(), fc.array(event, { maxLength: 60 }), (seed, events) => {
        const cluster = new FakeCluster(3, { delayMaxMs: 20, breakPermille: 10 }, seed);
        const core = cluster.core({ timeoutMs: 2000, attemptTimeoutMs: 400 });
        const writes: { key: string; pending: ReturnType<typeof submit> }[] = [];
        for (const event of events) {
          if ("behaviours" in event) {
            for (const node of cluster.nodes) node.behaviour = event.behaviours[node.id - 1]!;
          } else if ("ms" in event) cluster.clock.run(event.ms);
          else if (event.kind === "write" && "node" in event) {
            const key = `k${writes.length}`;
            writes.push({ key, pending: submit(cluster, core, write(key, "v"), event.node) });
          } else if (event.kind === "drop" && "node" in event) {
            cluster.node(event.node ?? 1).dropConnections();
          } else if (event.kind === "restart" && "node" in event) {
            const node = cluster.node(event.node ?? 1);
            node.stop();
            cluster.clock.run(30);
            node.start();
            cluster.clock.run(1);
          } else {
            const writer = new GroupWriter();
            for (let id = 1; id <= 5; id++) {
              writer.add(1_000_000, { kind: "closeSession" });
              cluster.apply(writer.take(id, 0));
            }
          }
        }
        cluster.clock.run(5000);
        expect(core.pending).toBe(0);
        for (const { key, pending } of writes) {
          const stored = cluster.state.read(byteStringOfText(key));
          const { result } = pending;
          if (result === null) throw new Error(`${key}: never answered`);
          if (stored !== undefined) expect(stored.version).toBe(1);
          if (result.error === null) expect(stored).toBeDefined();
          else if (result.error.definite) expect(stored).toBeUndefined();
          if (result.error === null) expect(result.answer?.revision).toBe(stored?.modRevision);
        }
        core.close();
      }),
      { numRuns: 400 },
    );
  });
});
