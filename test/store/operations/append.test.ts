/**
 * `append`, the operation that docs/adding-an-operation.md walks through: from the state machine to the prompt. That crashes
 * and repetitions across many nodes do it no harm is for the simulator to show, whose clients ask for it too.
 */
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../src/base/errors.ts";
import { QUOTA_BYTES_MIN, VALUE_BYTES_MAX } from "../../../src/base/limits.ts";
import { kvModel, createOperation, checkLinearizable } from "../../../src/proof/checker/index.ts";
import {
  KvState,
  openingEntry,
  SnapshotDecoder,
  STATUS,
  validateEntry,
} from "../../../src/store/index.ts";
import { createClientPrompt } from "../../../src/prompt/client-prompt.ts";
import { parseCommand } from "../../../src/prompt/terminal/command-table.ts";
import { createStyle } from "../../../src/prompt/terminal/style.ts";
import { tokenize } from "../../../src/prompt/terminal/tokenize.ts";
import { settle } from "../../client/ask.ts";
import { FakeCluster } from "../../client/fake-cluster.ts";
import { entryOf, key, open, run, snapshotBytes, type Command } from "../helpers.ts";

const append = (value: string, name = "k"): Command => ({ op: "append", key: name, value });
const valueOf = (state: KvState, name = "k"): string | undefined => state.read(key(name))?.value;

function opened(): { readonly state: KvState; readonly session: number } {
  const state = new KvState();
  return { state, session: open(state, 1) };
}

describe("append, carried out", () => {
  test("creates the key, then makes its value longer; each time a change with a revision", () => {
    const { state, session } = opened();
    expect(run(state, session, 1, append("one"))).toMatchObject({ status: STATUS.ok, revision: 1 });
    expect(run(state, session, 2, append(", two"))).toMatchObject({ revision: 2 });
    expect(run(state, session, 3, append(""))).toMatchObject({ revision: 3 });
    expect(state.read(key("k"))).toMatchObject({
      ...{ value: "one, two", createRevision: 1, modRevision: 3, version: 3 },
    });
  });

  test("takes effect once, however often it stands in the log; another value under its number is refused", () => {
    const { state, session } = opened();
    const first = run(state, session, 1, append("a"));
    expect(run(state, session, 1, append("a"))).toEqual(first);
    expect(run(state, session, 1, append("b")).status).toBe(ERRORS.BAD_REQUEST.wire);
    expect(run(state, session, 1, { op: "write", key: "k", value: "a" }).status).toBe(
      ERRORS.BAD_REQUEST.wire,
    );
    expect(valueOf(state)).toBe("a");
  });

  test("many to a long value, in one entry, leave no more history than there may be", () => {
    const afterAppends = (count: number): KvState => {
      const { state, session } = opened();
      const commands: [number, Command][] = [
        [1, { op: "write", key: "k", value: "v".repeat(240 * 1024) }],
      ];
      for (let i = 0; i < count; i++) commands.push([i + 2, append("x")]);
      commands.push([count + 2, { op: "delete", key: "k" }]);
      let most = 0;
      const sink = {
        beginGroup: () => {},
        opened: () => {},
        answer: () => (most = Math.max(most, state.cells.history.bytes)),
      };
      state.apply(entryOf({ session, floor: 1, commands }), state.appliedIdx, sink);
      // 16 MiB by default, and the last version before it is noticed.
      expect(most).toBeLessThan(19 * 1024 * 1024);
      return state;
    };
    const state = afterAppends(254);
    expect(state.cells.history.bytes).toBeLessThanOrEqual(state.historyBound.effective.bytes);
    expect(state.cells.history.bytes).toBeGreaterThan(15 * 1024 * 1024);
  });

  test("makes no value longer than a value may be, and what was refused for that stays refused", () => {
    const { state, session } = opened();
    run(state, session, 1, { op: "write", key: "k", value: "v".repeat(VALUE_BYTES_MAX - 1) });
    const refused = { status: ERRORS.VALUE_TOO_LARGE.wire, revision: 1 };
    expect(run(state, session, 2, append("ab"))).toMatchObject(refused);
    expect(run(state, session, 3, append("a"))).toMatchObject({ status: STATUS.ok });
    expect(state.read(key("k"))?.value).toHaveLength(VALUE_BYTES_MAX);
    run(state, session, 4, { op: "delete", key: "k" });
    // There is room by now, but its client has been told that it had no effect.
    expect(run(state, session, 2, append("ab"))).toMatchObject(refused);
    expect(state.size).toBe(0);
    const decoder = new SnapshotDecoder();
    decoder.push(snapshotBytes(state.clone()));
    while (decoder.step(1 << 20)) continue;
    expect(run(decoder.finish(), session, 2, append("ab"))).toMatchObject(refused);
  });

  test("respects the quota", () => {
    const { state, session } = opened();
    state.apply(
      entryOf({
        session: 0,
        floor: 0,
        commands: [[1, { op: "setQuota", quotaBytes: QUOTA_BYTES_MIN }]],
      }),
      state.appliedIdx,
    );
    const half = "v".repeat(QUOTA_BYTES_MIN / 2);
    expect(run(state, session, 1, append(half))).toMatchObject({ status: STATUS.ok });
    const full = run(state, session, 2, append(half));
    expect(full).toMatchObject({ status: ERRORS.NO_SPACE.wire, revision: 1 });
    expect(state.contentBytes).toBeLessThanOrEqual(QUOTA_BYTES_MIN);
    expect(valueOf(state)).toHaveLength(half.length);
    run(state, session, 3, { op: "delete", key: "k" });
    expect(run(state, session, 2, append(half))).toEqual(full);
  });

  test("leads to the hash that a write of the whole leads to, as does a snapshot", () => {
    const [one, other] = [opened(), opened()];
    run(one.state, one.session, 1, append("größe"));
    run(one.state, one.session, 2, append(" und mehr"));
    run(other.state, other.session, 1, { op: "write", key: "k", value: "" });
    run(other.state, other.session, 2, { op: "write", key: "k", value: "größe und mehr" });
    expect(one.state.contentHash).toBe(other.state.contentHash);
    const decoder = new SnapshotDecoder();
    decoder.push(snapshotBytes(one.state.clone()));
    while (decoder.step(1 << 20)) continue;
    expect(decoder.finish().hash()).toBe(one.state.hash());
  });
});

describe("append, in a log", () => {
  const group = { session: 7, floor: 0, commands: [[1, append("a")]] } as const;

  test("stands in entries of version 8 and 9, at which programs that do not know it stop", () => {
    const entry = entryOf(group);
    expect(entry[0]).toBe(8);
    expect(openingEntry(entry, { n: 3, pid: 1, salt: 9 })?.[0]).toBe(9);
    const others = entryOf({ ...group, commands: [[1, { op: "write", key: "k", value: "a" }]] });
    expect(others[0]).toBe(2);
  });

  test("is no command in an entry of an earlier version: programs of that time pass over it", () => {
    for (const version of [1, 2]) {
      const entry = Uint8Array.from([version, ...entryOf(group).subarray(1)]);
      expect(validateEntry(entry)).toMatchObject({ code: "BAD_REQUEST" });
      const state = new KvState();
      state.apply(entry, 0);
      expect(state.unreadable).toEqual({ count: 1, lastIdx: 0 });
    }
  });
});

describe("append, asked for", () => {
  test("by the library: alone, under a prefix, and in a batch; tried again it takes effect once", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client({ attemptTimeoutMs: 100, timeoutMs: 5000 });
    cluster.node(1).behaviour = { kind: "applyAndDie" };
    cluster.node(2).behaviour = { kind: "applyAndDie" };
    expect(await settle(cluster, client.append("app/k", "1"))).toMatchObject({
      revision: 1,
      node: 3,
    });
    expect(await settle(cluster, client.withPrefix("app/").append("k", "2"))).toMatchObject({
      revision: 2,
    });
    const outcomes = await settle(
      cluster,
      client.batch([
        { op: "append", key: "app/k", value: "3" },
        { op: "append", key: "app/k", value: "x".repeat(VALUE_BYTES_MAX) },
        { op: "read", key: "app/k" },
      ]),
    );
    expect(outcomes[0]).toMatchObject({ ok: true, op: "append", result: { revision: 3 } });
    expect(outcomes[1]).toMatchObject({ ok: false, error: { code: "VALUE_TOO_LARGE" } });
    expect(outcomes[1]?.ok === false && outcomes[1].error.definite).toBe(true);
    const found = await settle(cluster, client.read("app/k"));
    expect(found.text()).toBe("123");
    await expect(settle(cluster, client.append("", "x"))).rejects.toMatchObject({
      code: "BAD_REQUEST",
    });
    client.close();
  });

  test("at the prompt", async () => {
    const cluster = new FakeCluster();
    const client = cluster.client();
    const prompt = createClientPrompt({
      client,
      nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }],
      timeoutMs: 1000,
      style: createStyle(0),
      startCommand: () => "",
      now: () => 0,
    });
    for (const line of ["1 write log a", '1 append log ", b"']) {
      const parsed = parseCommand(prompt.table, tokenize(line)[0] ?? []);
      if (parsed.kind !== "command") throw new Error(line);
      const signal = new AbortController().signal;
      const answered = prompt.execute(parsed.target, parsed.action, signal, null as never);
      const [outcome] = await settle(cluster, answered);
      expect(outcome).toMatchObject({ status: 0, json: { ok: true, op: parsed.name } });
    }
    expect((await settle(cluster, client.read("log"))).text()).toBe("a, b");
    client.close();
  });
});

test("the checker finds an append that took effect twice", () => {
  const base = { process: "1", key: "k", outcome: "ok" } as const;
  const history = (value: string) => ({
    unit: "events" as const,
    operations: [
      createOperation({
        ...{ ...base, id: 0, request: { kind: "append", value: "a" }, answer: { kind: "done" } },
        ...{ call: 0, end: 1, revision: 1 },
      }),
      createOperation({
        ...{ ...base, id: 1, request: { kind: "read" }, answer: { kind: "value", value } },
        ...{ call: 2, end: 3, revision: 1 },
      }),
    ],
  });
  expect(checkLinearizable(kvModel, history("a")).verdict).toBe("ok");
  expect(checkLinearizable(kvModel, history("aa")).verdict).toBe("violation");
});
