/** What each command does, and that doing it twice is doing it once. One behaviour a test. */
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import { ERRORS } from "../../src/base/errors.ts";
import { SESSION_WINDOW, VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  STATUS,
  textOf,
} from "../../src/store/index.ts";
import { applyTo, bytes, key, nonce, open, RecordingSink, run, type Command } from "./helpers.ts";

const write = (key: string, value: string): Command => ({ op: "write", key, value });
const remove = (key: string): Command => ({ op: "delete", key });
const valueOf = (state: KvState, name: string): string | undefined => {
  const stored = state.read(key(name));
  return stored === undefined ? undefined : textOf(stored.value);
};

function started(): { state: KvState; session: number } {
  const state = new KvState();
  return { state, session: open(state, 1) };
}

describe("commands", () => {
  test("a write is read; revisions and version tell its history", () => {
    const { state, session } = started();
    expect(run(state, session, 1, write("a", "1"))).toMatchObject({ status: 0, revision: 1 });
    expect(run(state, session, 2, write("b", "2"))).toMatchObject({ status: 0, revision: 2 });
    expect(run(state, session, 3, write("a", "3"))).toMatchObject({ status: 0, revision: 3 });
    expect(state.read(key("a"))).toMatchObject({
      value: "3",
      createRevision: 1,
      modRevision: 3,
      version: 2,
    });
    expect([state.size, state.revision, state.appliedIdx]).toEqual([2, 3, 4]);
  });

  test("a delete removes; of a missing key it changes nothing and says so", () => {
    const { state, session } = started();
    run(state, session, 1, write("a", "1"));
    expect(run(state, session, 2, remove("a"))).toMatchObject({ status: 0, revision: 2 });
    expect(valueOf(state, "a")).toBeUndefined();
    const missing = run(state, session, 3, remove("a"));
    expect(missing).toMatchObject({ status: STATUS.notFound, revision: 2 });
    run(state, session, 4, write("a", "2"));
    expect(state.read(key("a"))).toMatchObject({ createRevision: 3, version: 1 });
  });

  test("cas on a value writes when it is equal, else tells the value and its revision", () => {
    const { state, session } = started();
    const cas = (expected: string): Command => ({ op: "casValue", key: "a", expected, value: "2" });
    expect(run(state, session, 1, cas("1"))).toEqual({
      session,
      sequence: 1,
      status: STATUS.casFailed,
      revision: 0,
    });
    run(state, session, 2, write("a", "1"));
    expect(run(state, session, 3, cas("0"))).toMatchObject({
      status: STATUS.casFailed,
      revision: 1,
      actual: "1",
    });
    expect(run(state, session, 4, cas("1"))).toMatchObject({ status: 0, revision: 2 });
    expect(valueOf(state, "a")).toBe("2");
  });

  test("an empty value is a value", () => {
    const { state, session } = started();
    const cas: Command = { op: "casValue", key: "a", expected: "", value: "x" };
    expect(run(state, session, 1, cas)).toMatchObject({ status: STATUS.casFailed });
    run(state, session, 2, write("a", ""));
    const absent: Command = { op: "casAbsent", key: "a", value: "y" };
    expect(run(state, session, 3, absent)).toMatchObject({ revision: 1, actual: "" });
    expect(run(state, session, 4, cas)).toMatchObject({ status: 0 });
  });

  test("cas on absence writes only a new key; cas on a revision only an unchanged one", () => {
    const { state, session } = started();
    const absent: Command = { op: "casAbsent", key: "a", value: "1" };
    expect(run(state, session, 1, absent)).toMatchObject({ status: 0, revision: 1 });
    expect(run(state, session, 2, absent)).toMatchObject({ status: 64, revision: 1, actual: "1" });
    const at = (revision: number): Command => ({
      op: "casRevision",
      key: "a",
      revision,
      value: "2",
    });
    expect(run(state, session, 3, at(1))).toMatchObject({ status: 0, revision: 2 });
    expect(run(state, session, 4, at(1))).toMatchObject({ status: 64, revision: 2, actual: "2" });
    run(state, session, 5, remove("a"));
    expect(run(state, session, 6, at(2))).toMatchObject({ status: 64, revision: 0 });
  });

  test("commands of one entry see each other's effects, group by group", () => {
    const { state, session } = started();
    const other = open(state, 2);
    const sink = applyTo(
      state,
      {
        session,
        floor: 0,
        commands: [
          [1, write("a", "1")],
          [2, { op: "noop" }],
        ],
      },
      { session: other, floor: 0, commands: [[1, { op: "casAbsent", key: "a", value: "2" }]] },
    );
    expect(sink.groups).toEqual([
      [0, session],
      [1, other],
    ]);
    expect(sink.answers).toEqual([
      { session, sequence: 1, status: 0, revision: 1 },
      { session, sequence: 2, status: 0, revision: 1 },
      { session: other, sequence: 1, status: STATUS.casFailed, revision: 1, actual: "1" },
    ]);
  });

  test("values do not follow the entry's bytes", () => {
    const { state, session } = started();
    const writer = new GroupWriter();
    writer.add(1, { kind: "write", key: bytes("a"), value: bytes("kept") });
    const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(session, 0)]);
    state.apply(entry, state.appliedIdx);
    entry.fill(0);
    expect(valueOf(state, "a")).toBe("kept");
  });

  test("entries are applied in order of the log, each once", () => {
    const { state } = started();
    expect(() => state.apply(new Uint8Array(0), 0)).toThrow(InvariantError);
    expect(() => state.skip(5)).toThrow(InvariantError);
    state.skip(1);
    expect(state.appliedIdx).toBe(2);
  });
});

describe("exactly once", () => {
  test("a repeated command has no second effect and gets the first answer", () => {
    const { state, session } = started();
    const first = run(state, session, 1, write("a", "1"));
    run(state, session, 2, write("a", "2"));
    expect(run(state, session, 1, write("a", "1"))).toEqual(first);
    expect(valueOf(state, "a")).toBe("2");
    expect(state.revision).toBe(2);
  });

  test("a repeated failed cas fails again with the value of the first time, though it would succeed now", () => {
    const { state, session } = started();
    run(state, session, 1, write("a", "1"));
    const cas: Command = { op: "casValue", key: "a", expected: "2", value: "3" };
    const first = run(state, session, 2, cas);
    expect(first).toMatchObject({ status: STATUS.casFailed, actual: "1" });
    run(state, session, 3, write("a", "2"));
    expect(run(state, session, 2, cas)).toEqual(first);
    expect(valueOf(state, "a")).toBe("2");
  });

  test("a repeated delete of a missing key is answered as the first, though the key exists now", () => {
    const { state, session } = started();
    const first = run(state, session, 1, remove("a"));
    run(state, session, 2, write("a", "1"));
    expect(run(state, session, 1, remove("a"))).toEqual(first);
    expect(valueOf(state, "a")).toBe("1");
  });

  test("a repeat within one group and within one entry counts too", () => {
    const { state, session } = started();
    const commands = [[1, write("a", "1")] as const, [1, write("a", "1")] as const];
    const sink = applyTo(state, { session, floor: 0, commands }, { session, floor: 0, commands });
    expect(sink.answers.map(({ revision }) => revision)).toEqual([1, 1, 1, 1]);
    expect(state.revision).toBe(1);
  });

  test("commands may arrive out of order", () => {
    const { state, session } = started();
    expect(run(state, session, 9, write("a", "9"))).toMatchObject({ revision: 1 });
    expect(run(state, session, 3, write("a", "3"))).toMatchObject({ revision: 2 });
    expect(run(state, session, 9, write("a", "9"))).toMatchObject({ revision: 1 });
    expect(valueOf(state, "a")).toBe("3");
  });

  test("below the floor a command is stale, and a floor never falls", () => {
    const { state, session } = started();
    run(state, session, 1, write("a", "1"));
    run(state, session, 5, write("a", "5"), 5);
    for (const floor of [5, 0]) {
      expect(run(state, session, 1, write("a", "again"), floor)).toMatchObject({
        status: ERRORS.STALE_REQUEST.wire,
      });
    }
    expect(valueOf(state, "a")).toBe("5");
  });

  test("a command beyond the window has no effect, and may come again once the floor has risen", () => {
    const { state, session } = started();
    const last = run(state, session, SESSION_WINDOW - 1, write("a", "1"));
    expect(last).toMatchObject({ status: 0, revision: 1 });
    expect(run(state, session, SESSION_WINDOW, write("a", "2"))).toMatchObject({
      status: ERRORS.BAD_REQUEST.wire,
    });
    expect(valueOf(state, "a")).toBe("1");
    expect(run(state, session, SESSION_WINDOW, write("a", "2"), 1)).toMatchObject({ revision: 2 });
    expect(run(state, session, SESSION_WINDOW - 1, write("a", "1"), 1)).toEqual(last);
  });

  test("a floor far ahead of everything answered is taken", () => {
    const { state, session } = started();
    run(state, session, 1, write("a", "1"));
    const far = 2 ** 52;
    expect(run(state, session, far + 5, write("a", "2"), far)).toMatchObject({ revision: 2 });
    expect(run(state, session, far + 5, write("a", "2"), far)).toMatchObject({ revision: 2 });
    expect(run(state, session, far, write("a", "3"), far)).toMatchObject({ revision: 3 });
  });

  test("a window full of answers is kept", () => {
    const { state, session } = started();
    for (let start = 0; start < SESSION_WINDOW; start += 512) {
      const commands = Array.from({ length: 512 }, (_, i) => [start + i, write("a", "v")] as const);
      applyTo(state, { session, floor: 0, commands });
    }
    for (const sequence of [0, 1, 2047, SESSION_WINDOW - 1]) {
      expect(run(state, session, sequence, write("a", "v")).revision).toBe(sequence + 1);
    }
    expect(state.revision).toBe(SESSION_WINDOW);
  });
});

describe("sessions", () => {
  test("an unknown session is refused and its commands have no effect", () => {
    const state = new KvState();
    expect(run(state, 7, 1, write("a", "1"))).toMatchObject({
      status: ERRORS.SESSION_EXPIRED.wire,
    });
    expect(state.size).toBe(0);
  });

  test("what follows closeSession in its group is refused, and so is a repeat of it", () => {
    const { state, session } = started();
    const commands = [[1, { op: "closeSession" }] as const, [2, write("a", "1")] as const];
    const sink = applyTo(state, { session, floor: 0, commands });
    const expired = ERRORS.SESSION_EXPIRED.wire;
    expect(sink.answers.map(({ status }) => status)).toEqual([STATUS.ok, expired]);
    expect(run(state, session, 1, { op: "closeSession" }).status).toBe(expired);
    expect(state.size).toBe(0);
  });

  test("without a session a noop is answered, and sequence numbers mean nothing", () => {
    const { state } = started();
    for (let i = 0; i < 2; i++) {
      const commands = [[3, { op: "noop" }] as const];
      const { answers } = applyTo(state, { session: NO_SESSION, floor: 0, commands });
      expect(answers).toEqual([{ session: 0, sequence: 3, status: 0, revision: 0 }]);
    }
  });

  test("the answer to openSession names the nonce", () => {
    const sink = new RecordingSink();
    const writer = new GroupWriter();
    writer.add(4, { kind: "openSession", nonce: nonce(77) });
    const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(NO_SESSION, 0)]);
    new KvState().apply(entry, 0, sink);
    expect(sink.openings).toEqual([
      { sequence: 4, nonce: 77, session: expect.any(Number) as number },
    ]);
  });

  test("a value too large to be kept with a failed cas is left out, at first and when repeated", () => {
    const { state, session } = started();
    const large = "x".repeat(VALUE_BYTES_MAX - 10);
    run(state, session, 1, write("a", large));
    const cas: Command = { op: "casAbsent", key: "a", value: "y" };
    expect(run(state, session, 2, cas)).toMatchObject({ status: 64, actual: large });
    for (let i = 0; i < 2; i++) {
      const left = run(state, session, 3, cas);
      expect(left).toEqual({ session, sequence: 3, status: STATUS.casFailedLarge, revision: 1 });
    }
    // A small one still fits; and all fit again once the client has seen the large one.
    run(state, session, 4, write("b", "small"));
    expect(run(state, session, 5, { ...cas, key: "b" })).toMatchObject({ actual: "small" });
    expect(run(state, session, 6, cas, 3)).toMatchObject({ status: 64, actual: large });
  });
});

describe("ranges", () => {
  const state = new KvState();
  const session = open(state, 1);
  ["b", "a", "é", "ab", "c", "z"].forEach((name, i) => run(state, session, i, write(name, name)));
  const names = (query: Partial<Parameters<KvState["readRange"]>[0]>): string[] =>
    state.readRange({ limit: 100, ...query }).map((found) => textOf(found.key));

  test("keys come in order of their bytes", () => {
    expect(names({})).toEqual(["a", "ab", "b", "c", "z", "é"]);
    expect(names({ reverse: true })).toEqual(["é", "z", "c", "b", "ab", "a"]);
  });

  test("the start is included, the end is not, in both directions", () => {
    const range = { start: key("ab"), end: key("c") };
    expect(names(range)).toEqual(["ab", "b"]);
    expect(names({ ...range, reverse: true })).toEqual(["b", "ab"]);
    expect(names({ start: key("bb"), end: key("bc") })).toEqual([]);
    expect(names({ start: key("c"), end: key("a") })).toEqual([]);
  });

  test("a limit counts from where the range begins", () => {
    expect(names({ limit: 2 })).toEqual(["a", "ab"]);
    expect(names({ limit: 2, reverse: true })).toEqual(["é", "z"]);
    expect(names({ limit: 0 })).toEqual([]);
  });
});
