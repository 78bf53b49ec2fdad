/** The client core on the simulated network: where requests go, and what their failures mean. */
import { describe, expect, test } from "vitest";
import { FRAME_COMMANDS_MAX, SESSION_WINDOW, SESSIONS_MAX } from "../../../src/base/limits.ts";
import type { Operation } from "../../../src/client/core/frames.ts";
import {
  GroupWriter,
  hashedSessionName,
  NO_SESSION,
  STATUS,
  type ByteString,
} from "../../../src/store/index.ts";
import { ask, bytes, read, submit, valueOf, write } from "../ask.ts";
import { FakeCluster, SERVE } from "../fake-cluster.ts";

describe("requests that go well", () => {
  test("reach the node that is named, and only that one", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    expect(ask(cluster, core, write("a", "1"), 2).answer).toMatchObject({ node: 2, revision: 1 });
    const { answer } = ask(cluster, core, read("a"), 3);
    expect(answer).toMatchObject({ node: 3, status: STATUS.ok, revision: 1, version: 1 });
    expect(answer?.value).toEqual(bytes("1"));
    expect(cluster.node(1).frames).toEqual([]);
    core.close();
  });

  test("stay with one node when none is named", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    const nodes = Array.from(
      { length: 9 },
      (_, i) => ask(cluster, core, write(`k${i}`, "v")).answer?.node,
    );
    expect(new Set(nodes).size).toBe(1);
    core.close();
  });

  test("begin at the first node when one is given, and leave it when it does not answer", () => {
    const cluster = new FakeCluster();
    for (const firstNode of [1, 2, 3]) {
      const core = cluster.core({ firstNode });
      expect(ask(cluster, core, write("a", "1")).answer?.node).toBe(firstNode);
      core.close();
    }
    expect(() => cluster.core({ firstNode: 9 })).toThrow("no node 9");
    cluster.node(2).stop();
    const core = cluster.core({ firstNode: 2 });
    expect(ask(cluster, core, write("a", "2")).answer?.node).toBe(3);
    core.close();
  });

  test("of one turn travel in one frame each of writes, reads and local reads", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("a", "1"), 1);
    cluster.node(1).frames.length = 0;
    const all = Array.from({ length: 30 }, (_, i) => [
      submit(cluster, core, write(`k${i}`, "v"), 1),
      submit(cluster, core, read(`k${i}`), 1),
      submit(cluster, core, read(`k${i}`, true), 1),
    ]).flat();
    cluster.clock.run(10);
    expect(all.every(({ result }) => result?.error === null)).toBe(true);
    expect(cluster.node(1).frames.toSorted()).toEqual(["local", "reads", "writes"]);
    core.close();
  });

  test("do not wait for the end of a turn that asks for many reads", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, read("a"), 1);
    cluster.node(1).frames.length = 0;
    const all = Array.from({ length: 300 }, () => submit(cluster, core, read("a"), 1));
    cluster.clock.run(10);
    expect(all.every(({ result }) => result?.error === null)).toBe(true);
    // Frames of 64, and the rest at the end of the turn.
    expect(cluster.node(1).frames).toEqual(Array(5).fill("reads"));
    core.close();
  });

  test("tell what a cas found and that a delete found nothing", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("a", "1"));
    const cas: Operation = {
      kind: "casValue",
      key: bytes("a"),
      expected: bytes("x"),
      value: bytes("y"),
    };
    const { answer } = ask(cluster, core, cas);
    expect(answer).toMatchObject({ status: STATUS.casFailed, revision: 1 });
    expect(answer?.value).toEqual(bytes("1"));
    const nothing = ask(cluster, core, { kind: "delete", key: bytes("b") });
    expect(nothing.answer?.status).toBe(STATUS.notFound);
    core.close();
  });

  test("are answered outside of submit, refusals by the client itself too", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    for (const [operation, node, code] of [
      [read("a"), 9, "UNKNOWN_NODE"],
      [read(""), 1, "BAD_REQUEST"],
      [read("k".repeat(5000)), 1, "KEY_TOO_LARGE"],
      [write("k", "v".repeat(1024 * 1024 + 1)), 1, "VALUE_TOO_LARGE"],
    ] as const) {
      const pending = submit(cluster, core, operation, node);
      expect(pending.result).toBeNull();
      cluster.clock.run(1);
      expect(pending.result).toMatchObject({ error: { code, definite: true } });
    }
    expect(cluster.node(1).frames).toEqual([]);
    core.close();
  });

  test("may be many more than the session's window and fill many frames", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    const count = 3 * SESSION_WINDOW;
    const small = Array.from({ length: count }, (_, i) =>
      submit(cluster, core, write(`k${i}`, "v")),
    );
    const large = Array.from({ length: 20 }, (_, i) =>
      submit(cluster, core, write(`l${i}`, "v".repeat(1024 * 1024))),
    );
    cluster.clock.run(1000);
    expect([...small, ...large].filter(({ result }) => result?.error !== null)).toEqual([]);
    expect(cluster.state.size).toBe(count + 20);
    core.close();
  });

  test("hold no timer and no answer after they are done", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    for (let i = 0; i < 10; i++) ask(cluster, core, write("a", "1"));
    expect(core.pending).toBe(0);
    core.close();
    cluster.clock.run(20_000);
    expect(cluster.clock.pending).toBe(0);
  });
});

describe("a node that cannot be reached", () => {
  test("fails a request that names it, definitely and at once", () => {
    const cluster = new FakeCluster();
    cluster.node(2).stop();
    const core = cluster.core();
    const { error, tookMs } = ask(cluster, core, write("a", "1"), 2);
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", definite: true, retryable: true });
    expect(error?.message).toContain("node 2 at node2:4102");
    expect(tookMs).toBeLessThan(100);
    core.close();
  });

  test("is passed over by a request that names none", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    for (const down of [1, 2, 3]) {
      cluster.node(down).stop();
      cluster.clock.run(5);
      const { answer } = ask(cluster, core, write(`k${down}`, "v"));
      expect(answer?.node).not.toBe(down);
      cluster.node(down).start();
      cluster.clock.run(5);
    }
    core.close();
  });

  test("that comes back in time is found again, however long all were gone", () => {
    const cluster = new FakeCluster();
    for (const node of cluster.nodes) node.stop();
    const core = cluster.core();
    const pending = submit(cluster, core, write("a", "1"));
    cluster.clock.run(3000);
    expect(pending.result).toBeNull();
    cluster.node(2).start();
    cluster.clock.run(1000);
    expect(pending.result).toMatchObject({ error: null, answer: { node: 2 } });
    core.close();
  });

  test("fails a request that names none when its time is up, or after one round when asked so", () => {
    const cluster = new FakeCluster();
    for (const node of cluster.nodes) node.stop();
    const patient = cluster.core({ timeoutMs: 1000 });
    const slow = ask(cluster, patient, write("a", "1"));
    expect(slow.error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
    expect(slow.tookMs).toBeGreaterThanOrEqual(1000);
    const hasty = cluster.core({ failFast: true });
    const fast = ask(cluster, hasty, write("a", "1"));
    expect(fast.error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
    expect(fast.tookMs).toBeLessThan(100);
    patient.close();
    hasty.close();
  });

  test("because packets vanish is given up after the connect time-out", () => {
    const cluster = new FakeCluster();
    cluster.network.setPath("client", "node1", { cut: "blackHole" });
    const core = cluster.core({ connectTimeoutMs: 700 });
    const { error, tookMs } = ask(cluster, core, read("a"), 1);
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
    expect(Math.round(tookMs)).toBe(700);
    core.close();
  });

  test("because the secret is wrong says so, and is no reason to try again", () => {
    const cluster = new FakeCluster();
    cluster.node(1).secret = "correct horse";
    const core = cluster.core({ secret: "battery staple" });
    const { error } = ask(cluster, core, read("a"), 1);
    expect(error).toMatchObject({ code: "UNAUTHORIZED", definite: true, retryable: false });
    core.close();
  });

  test("because it belongs to another cluster says so", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ clusterId: "other" });
    const { error } = ask(cluster, core, read("a"), 1);
    expect(error).toMatchObject({ code: "WRONG_CLUSTER", definite: true });
    expect(error?.message).toContain('"other"');
    core.close();
  });
});

describe("a connection that is lost", () => {
  test("under a write to a named node: it is sent again there and takes effect once", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 2);
    cluster.node(2).behaviour = { kind: "applyAndDie" };
    const pending = submit(cluster, core, write("a", "1"), 2);
    cluster.clock.runUntil(() => valueOf(cluster, "a") === "1", 100);
    cluster.node(2).behaviour = SERVE;
    cluster.clock.run(100);
    expect(pending.result).toMatchObject({ error: null, answer: { node: 2, revision: 2 } });
    expect(cluster.state.revision).toBe(2);
    core.close();
  });

  test("and cannot be made again: a write is unknown, at once", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 2);
    cluster.node(2).behaviour = { kind: "applySilently" };
    const pending = submit(cluster, core, write("a", "1"), 2);
    const waiting = submit(cluster, core, read("a"), 2);
    cluster.clock.run(10);
    cluster.node(2).stop();
    cluster.clock.run(100);
    expect(pending.result).toMatchObject({
      error: { code: "CONNECTION_LOST", definite: false, retryable: true },
    });
    expect(waiting.result?.error).toMatchObject({ code: "CONNECTION_FAILED" });
    core.close();
  });

  test("under a write to any node: another node gives the first attempt's answer", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    const first = ask(cluster, core, write("warm", "up")).answer?.node ?? 0;
    cluster.node(first).behaviour = { kind: "applyAndDie" };
    const { error, answer } = ask(cluster, core, write("a", "1"));
    expect(error).toBeNull();
    expect(answer?.node).not.toBe(first);
    expect(answer?.revision).toBe(2);
    expect(cluster.state.revision).toBe(2);
    core.close();
  });

  test("again and again under the same request: it is given up", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 1);
    cluster.node(1).behaviour = { kind: "applyAndDie" };
    const { error, tookMs } = ask(cluster, core, write("a", "1"), 1);
    expect(error).toMatchObject({ code: "CONNECTION_LOST", definite: false });
    expect(tookMs).toBeLessThan(1000);
    core.close();
  });

  test("because the node sends garbage is ended, and a named read fails after some attempts", () => {
    const cluster = new FakeCluster();
    cluster.node(1).behaviour = { kind: "garbage" };
    const core = cluster.core();
    expect(ask(cluster, core, read("a"), 1).error).toMatchObject({ code: "CONNECTION_LOST" });
    expect(ask(cluster, core, read("a")).error).toBeNull();
    core.close();
  });
});

describe("a node that does not answer", () => {
  test("leaves a write unknown when its time is up, and the client usable", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ timeoutMs: 1000 });
    ask(cluster, core, write("warm", "up"), 1);
    cluster.node(1).behaviour = { kind: "ignore" };
    const { error, tookMs } = ask(cluster, core, write("a", "1"), 1);
    expect(error).toMatchObject({ code: "TIMEOUT", definite: false });
    expect(tookMs).toBeGreaterThanOrEqual(1000);
    expect(tookMs).toBeLessThan(1100);
    cluster.node(1).behaviour = SERVE;
    expect(ask(cluster, core, write("b", "1"), 1).error).toBeNull();
    core.close();
  });

  test("says of a read what it waited for", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ timeoutMs: 1000 });
    for (const node of cluster.nodes) node.behaviour = { kind: "ignore" };
    const { error } = ask(cluster, core, {
      ...{ kind: "read", key: Buffer.from("a") },
      ...{ local: true, revision: 0, atLeast: 99 },
    });
    expect(error).toMatchObject({
      code: "TIMEOUT",
      message: "no answer within 1000 ms from a state that has come to revision 99",
    });
    core.close();
  });

  test("makes a write that was never sent fail definitely", () => {
    const cluster = new FakeCluster();
    cluster.node(1).behaviour = { kind: "ignore" };
    const core = cluster.core({ timeoutMs: 1000 });
    // The session could not be opened: the write itself has not left.
    expect(ask(cluster, core, write("a", "1"), 1).error).toMatchObject({
      code: "TIMEOUT",
      definite: true,
    });
    core.close();
  });

  test("is left for another one by a request that names none, and its late answer still counts", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ attemptTimeoutMs: 500 });
    const first = ask(cluster, core, write("warm", "up")).answer?.node ?? 0;
    cluster.node(first).behaviour = { kind: "applySilently" };
    const { answer, tookMs } = ask(cluster, core, write("a", "1"));
    expect(answer?.node).not.toBe(first);
    expect(tookMs).toBeGreaterThanOrEqual(500);
    expect(cluster.state.revision).toBe(2);
    core.close();
  });

  test("and may have carried it out leaves a write unknown that all others refuse", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ attemptTimeoutMs: 500, timeoutMs: 2000 });
    const first = ask(cluster, core, write("warm", "up")).answer?.node ?? 0;
    for (const node of cluster.nodes) node.behaviour = { kind: "refuse", code: "NO_QUORUM" };
    cluster.node(first).behaviour = { kind: "applySilently" };
    const pending = submit(cluster, core, write("a", "1"));
    cluster.clock.runUntil(() => valueOf(cluster, "a") === "1", 100);
    cluster.node(first).behaviour = { kind: "refuse", code: "NO_QUORUM" };
    cluster.clock.run(3000);
    expect(pending.result?.error).toMatchObject({ code: "NO_QUORUM", definite: false });
    core.close();
  });

  test("keeps its own time-out for each request", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    cluster.node(1).behaviour = { kind: "ignore" };
    const long = submit(cluster, core, read("a"), 1, 4000);
    const short = submit(cluster, core, read("a"), 1, 200);
    cluster.clock.run(300);
    expect(short.result?.error).toMatchObject({ code: "TIMEOUT" });
    expect(long.result).toBeNull();
    cluster.clock.run(4000);
    expect(long.result?.error).toMatchObject({ code: "TIMEOUT" });
    core.close();
  });
});

describe("refusals", () => {
  test("of a named node are passed on as they are", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 1);
    for (const code of [
      "NO_QUORUM",
      "OVERLOADED",
      "DISK_FULL",
      "SHUTTING_DOWN",
      "DIVERGED",
    ] as const) {
      cluster.node(1).behaviour = { kind: "refuse", code };
      const { error } = ask(cluster, core, write("a", "1"), 1);
      expect(error).toMatchObject({ code, definite: true, retryable: true });
      expect(ask(cluster, core, read("a"), 1).error).toMatchObject({ code });
    }
    core.close();
  });

  test("that may pass send a request that names none to the next node", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    const first = ask(cluster, core, write("warm", "up")).answer?.node ?? 0;
    cluster.node(first).behaviour = { kind: "refuse", code: "NO_QUORUM" };
    expect(ask(cluster, core, write("a", "1")).answer?.node).not.toBe(first);
    expect(ask(cluster, core, read("a")).answer?.node).not.toBe(first);
    core.close();
  });

  test("by all nodes are told when the time is up", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ timeoutMs: 1000 });
    ask(cluster, core, write("warm", "up"));
    for (const node of cluster.nodes) node.behaviour = { kind: "refuse", code: "NO_QUORUM" };
    const { error, tookMs } = ask(cluster, core, write("a", "1"));
    expect(error).toMatchObject({ code: "NO_QUORUM", definite: true });
    expect(tookMs).toBeGreaterThanOrEqual(1000);
    core.close();
  });

  test("are told rather than that the other nodes are down", () => {
    for (const request of [read("a"), write("a", "1")]) {
      for (const alive of [1, 2, 3]) {
        const cluster = new FakeCluster();
        const core = cluster.core({ failFast: true });
        for (const node of cluster.nodes) {
          if (node.id === alive) node.behaviour = { kind: "refuse", code: "NO_QUORUM" };
          else node.stop();
        }
        expect(ask(cluster, core, request).error).toMatchObject({
          code: "NO_QUORUM",
          definite: true,
        });
        // Of a node that has gone since, nothing is remembered.
        cluster.node(alive).stop();
        expect(ask(cluster, core, request).error?.code).not.toBe("NO_QUORUM");
        core.close();
      }
    }
  });

  test("after an attempt that may have been carried out leave the write unknown", () => {
    const cluster = new FakeCluster();
    const core = cluster.core({ timeoutMs: 1000 });
    const first = ask(cluster, core, write("warm", "up")).answer?.node ?? 0;
    for (const node of cluster.nodes) node.behaviour = { kind: "refuse", code: "NO_QUORUM" };
    cluster.node(first).behaviour = { kind: "applyAndDie" };
    const pending = submit(cluster, core, write("a", "1"));
    cluster.clock.runUntil(() => valueOf(cluster, "a") === "1", 100);
    cluster.node(first).behaviour = { kind: "refuse", code: "NO_QUORUM" };
    cluster.clock.run(2000);
    expect(pending.result?.error).toMatchObject({ code: "NO_QUORUM", definite: false });
    core.close();
  });
});

describe("a session that expired", () => {
  /** Other clients take all places. */
  /** Opens as many as there may be, and asks something in each. */
  function expireSessions(cluster: FakeCluster): void {
    const writer = new GroupWriter();
    const nonce = new Uint8Array(16);
    // The last one comes when there is none in which nothing was asked.
    const [full, rest] = [FRAME_COMMANDS_MAX, SESSIONS_MAX % FRAME_COMMANDS_MAX];
    for (const count of [full, full, rest - 1, 1]) {
      const idx = cluster.state.appliedIdx;
      for (let i = 0; i < count; i++) writer.add(0, { kind: "openSession", nonce });
      cluster.apply(writer.take(NO_SESSION, 0));
      for (let i = 0; i < count; i++) {
        writer.add(1, { kind: "noop" });
        const { id } = hashedSessionName("\0".repeat(16) as ByteString, idx, i, 0);
        cluster.apply(writer.take(id, 1));
      }
    }
  }

  test("is replaced, and its writes are sent again in the new one", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("a", "1"), 1);
    expireSessions(cluster);
    const writes = Array.from({ length: 20 }, (_, i) =>
      submit(cluster, core, write(`k${i}`, "v"), 1),
    );
    cluster.clock.run(100);
    expect(writes.map(({ result }) => result?.error)).toEqual(writes.map(() => null));
    expect(cluster.state.revision).toBe(21);
    core.close();
  });

  test("between two attempts leaves a write unknown: the first may have been carried out", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 1);
    cluster.node(1).behaviour = { kind: "applyAndDie" };
    const pending = submit(cluster, core, write("a", "1"), 1);
    cluster.clock.runUntil(() => valueOf(cluster, "a") === "1", 100);
    cluster.node(1).behaviour = SERVE;
    expireSessions(cluster);
    cluster.clock.run(100);
    expect(pending.result?.error).toMatchObject({ code: "SESSION_EXPIRED", definite: false });
    expect(cluster.state.revision).toBe(2);
    expect(ask(cluster, core, write("b", "1"), 1).error).toBeNull();
    core.close();
  });
});

describe("giving up", () => {
  test("before it is sent is definite, after that a write is unknown", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("warm", "up"), 1);
    const early = submit(cluster, core, write("a", "1"), 1);
    early.cancel();
    expect(early.result?.error).toMatchObject({ code: "CANCELLED", definite: true });
    const late = submit(cluster, core, write("b", "1"), 1);
    cluster.clock.run(0.5);
    late.cancel();
    expect(late.result?.error).toMatchObject({ code: "CANCELLED", definite: false });
    cluster.clock.run(100);
    expect(valueOf(cluster, "a")).toBeUndefined();
    expect(valueOf(cluster, "b")).toBe("1");
    late.cancel();
    core.close();
  });

  test("all of it by close, after which nothing is taken", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    const pending = submit(cluster, core, write("a", "1"));
    core.close();
    expect(pending.result?.error).toMatchObject({ code: "CANCELLED", definite: true });
    expect(ask(cluster, core, read("a")).error).toMatchObject({ code: "CANCELLED" });
    cluster.clock.run(10_000);
    expect(cluster.network.connectionCount).toBe(0);
  });

  test("the client frees its session", () => {
    const cluster = new FakeCluster();
    const core = cluster.core();
    ask(cluster, core, write("a", "1"));
    expect(cluster.state.sessionCount).toBe(1);
    core.close();
    cluster.clock.run(100);
    expect(cluster.state.sessionCount).toBe(0);
  });
});
