/** Sessions among strangers: nobody acts in another's name, and nobody's hoarding costs another his session or the node its memory. */
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { SESSION_WINDOW, SESSIONS_MAX, VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  STATUS,
  textOf,
} from "../../src/store/index.ts";
import { SESSION_VALUES_MAX } from "../../src/store/sessions/session.ts";
import { hashedSessionName, HASHED_IDS_START } from "../../src/store/sessions/session-id.ts";
import { SESSION_LIMITS } from "../../src/store/sessions/session-table.ts";
import { applyTo, bytes, key, nonce, open, RecordingSink, run, type Command } from "./helpers.ts";

const BAD_REQUEST = ERRORS.BAD_REQUEST.wire;
const SESSION_EXPIRED = ERRORS.SESSION_EXPIRED.wire;
const write = (key: string, value: string): Command => ({ op: "write", key, value });
const valueOf = (state: KvState, name: string): string | undefined => {
  const stored = state.read(key(name));
  return stored === undefined ? undefined : textOf(stored.value);
};

/** @returns the ids of new sessions */
function openMany(state: KvState, from: number, count: number): number[] {
  const writer = new GroupWriter();
  const sink = new RecordingSink();
  for (let i = 0; i < count; i++) {
    writer.add(i, { kind: "openSession", nonce: nonce(from + i) });
    if (writer.fits(0) && i < count - 1) continue;
    const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(NO_SESSION, 0)]);
    state.apply(entry, state.appliedIdx, sink);
  }
  return sink.openings.map(({ session }) => session);
}

/** A window full of deletes of a key that is not there. */
function hoard(state: KvState, session: number): void {
  const writer = new GroupWriter();
  for (let i = 0; i < SESSION_WINDOW; i++) writer.add(i, { kind: "delete", key: bytes("absent") });
  state.apply(
    buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(session, 0)]),
    state.appliedIdx,
  );
}

describe("a session's number", () => {
  test("cannot be counted up to: what a stranger sends under numbers near by touches nobody", () => {
    const state = new KvState();
    const [victim, other] = [open(state, 1), open(state, 2)] as const;
    const guesses = [1, 2, 3, victim - 1, victim + 1, HASHED_IDS_START, other + 1];
    for (const guess of guesses) {
      for (let sequence = 1; sequence <= 3; sequence++) {
        expect(run(state, guess, sequence, { op: "noop" }, 3).status).toBe(SESSION_EXPIRED);
      }
    }
    for (let sequence = 1; sequence <= 3; sequence++) {
      const answer = run(state, victim, sequence, write(`k${sequence}`, "mine"));
      expect(answer).toMatchObject({ status: STATUS.ok, revision: sequence });
      expect(valueOf(state, `k${sequence}`)).toBe("mine");
    }
  });

  test("is another for another nonce, index, position or attempt, and fits 2^53", () => {
    const name = (n: number, idx: number, position: number, attempt: number): number => {
      const { id, tag, origin } = hashedSessionName(
        key(`nonce of 16 byt${n}`),
        idx,
        position,
        attempt,
      );
      expect(Number.isSafeInteger(id) && id >= HASHED_IDS_START && id < 2 ** 53).toBe(true);
      expect(tag).toBe(tag | 0);
      expect(Number.isSafeInteger(origin) && origin > 0).toBe(true);
      return id;
    };
    const ids = [name(1, 1, 1, 0), name(2, 1, 1, 0), name(1, 2, 1, 0), name(1, 1, 2, 0)];
    ids.push(name(1, 1, 1, 1), name(1, 11, 1, 0), name(1, 1, 11, 0));
    expect(new Set(ids).size).toBe(ids.length);
    // Part of the format: nodes of all versions must agree.
    expect(hashedSessionName(key("0123456789abcdef"), 7, 3, 0)).toMatchInlineSnapshot(`
      {
        "id": 7147623372659159,
        "origin": 4131421520146230,
        "tag": -992976375,
      }
    `);
  });

  test("two clients with one nonce have two sessions, and each gets its own answers", () => {
    const state = new KvState();
    const [a, b] = [open(state, 1), open(state, 1)] as const;
    expect(a).not.toBe(b);
    expect(run(state, a, 1, write("a", "of a"))).toMatchObject({ status: STATUS.ok, revision: 1 });
    expect(run(state, b, 1, write("b", "of b"))).toMatchObject({ status: STATUS.ok, revision: 2 });
    expect([valueOf(state, "a"), valueOf(state, "b")]).toEqual(["of a", "of b"]);
  });

  test("cannot be told from the hash that peers and management see", () => {
    // Two states that differ in nothing but the nonce; what is done in the sessions adds nothing that names them.
    const digests = [1, 2].map((n) => {
      const state = new KvState();
      const session = open(state, n);
      const before = state.hash();
      run(state, session, 1, write("a", "1"));
      return { id: session, tag: hashedSessionName(nonceText(n), 0, 0, 0).tag, before };
    });
    for (const { id, tag } of digests) {
      expect(tag).not.toBe(id | 0);
      expect(tag).not.toBe(Math.floor(id / 2 ** 21) | 0);
    }
    expect(digests[0]!.before).not.toBe(digests[1]!.before);
  });
});

function nonceText(n: number): ReturnType<typeof key> {
  return Buffer.from(nonce(n)).toString("latin1") as ReturnType<typeof key>;
}

describe("a sequence number that returns", () => {
  const first: readonly Command[] = [
    write("a", "1"),
    { op: "delete", key: "a" },
    { op: "delete", key: "nothing" },
    { op: "casAbsent", key: "b", value: "1" },
    { op: "casValue", key: "b", expected: "1", value: "2" },
    { op: "casRevision", key: "b", revision: 1, value: "3" },
    { op: "noop" },
  ];
  const others: readonly Command[] = [
    ...first,
    write("a", "2"),
    write("b", "1"),
    { op: "delete", key: "c" },
    { op: "casAbsent", key: "b", value: "2" },
    { op: "casValue", key: "b", expected: "2", value: "2" },
    { op: "casValue", key: "b", expected: "1", value: "3" },
    { op: "casRevision", key: "b", revision: 2, value: "3" },
    { op: "casRevision", key: "b", revision: 1, value: "4" },
    { op: "casRevision", key: "b", revision: 2 ** 40 + 1, value: "3" },
  ];

  test.each(first.map((command, i) => [command.op, i] as const))(
    "with something else is refused and has no effect: %s (%i)",
    (_, i) => {
      const state = new KvState();
      const session = open(state, 1);
      const answers = first.map((command, sequence) => run(state, session, sequence, command));
      const { revision } = state;
      for (const other of others) {
        const again = run(state, session, i, other);
        if (JSON.stringify(other) === JSON.stringify(first[i])) expect(again).toEqual(answers[i]);
        else expect(again).toMatchObject({ status: BAD_REQUEST, revision });
      }
      expect(state.revision).toBe(revision);
      // The first answer is still there for the command that got it.
      expect(run(state, session, i, first[i]!)).toEqual(answers[i]);
    },
  );
});

describe("what sessions keep", () => {
  test("windows full of failed deletes are bounded, and a client at work among them keeps its session", () => {
    const state = new KvState();
    const honest = open(state, 1);
    run(state, honest, 1, write("a", "1"));
    const hoarders: number[] = [];
    for (let i = 0; i < 458; i++) {
      const hoarder = open(state, 10 + i);
      hoarders.push(hoarder);
      hoard(state, hoarder);
      expect(state.keptBytes).toBeLessThanOrEqual(SESSION_LIMITS.keptBytesMax);
      const answer = run(state, honest, 2 + i, write("a", `${i}`), 1 + i);
      expect(answer.status).toBe(STATUS.ok);
    }
    const alive = hoarders.filter(
      (id) => run(state, id, 0, { op: "delete", key: "absent" }).status !== SESSION_EXPIRED,
    );
    expect(alive.length).toBeLessThan(350);
    // The last ones are those that are left.
    expect(alive).toEqual(hoarders.slice(-alive.length));
  });

  test("a failed delete costs no more than a write: a full window is a few bytes each", () => {
    const state = new KvState();
    hoard(state, open(state, 1));
    expect(state.keptBytes / SESSION_WINDOW).toBe(24);
  });

  test("a deep pipeline is not hit by hoarders while it is at work", () => {
    const state = new KvState();
    const deep = open(state, 1);
    hoard(state, deep);
    for (let i = 0; i < 400; i++) {
      hoard(state, open(state, 10 + i));
      if (i % 100 === 0)
        expect(run(state, deep, 5, { op: "delete", key: "absent" }).status).toBe(65);
    }
  });

  test("values that go with failed commands are kept for so many of one session; more are left out", () => {
    const state = new KvState();
    const session = open(state, 1);
    run(state, session, 0, write("a", "1"));
    const cas: Command = { op: "casAbsent", key: "a", value: "x" };
    for (let i = 1; i <= SESSION_VALUES_MAX; i++) {
      expect(run(state, session, i, cas)).toMatchObject({ status: STATUS.casFailed, actual: "1" });
    }
    const left = run(state, session, SESSION_VALUES_MAX + 1, cas);
    expect(left).toMatchObject({ status: STATUS.casFailedLarge, revision: 1 });
    expect(run(state, session, SESSION_VALUES_MAX + 1, cas)).toEqual(left);
    // Its client has seen one: there is room for one.
    expect(run(state, session, 1000, cas, 2).status).toBe(STATUS.casFailed);
    expect(run(state, session, 1001, cas, 2).status).toBe(STATUS.casFailedLarge);
  });

  test("large values of many sessions are bounded together, and who was used last keeps his", () => {
    const state = new KvState();
    const writer = open(state, 1);
    run(state, writer, 1, write("a", "x".repeat(VALUE_BYTES_MAX - 1)));
    const cas: Command = { op: "casAbsent", key: "a", value: "y" };
    let last = 0;
    for (let i = 0; i < 80; i++) {
      last = open(state, 10 + i);
      expect(run(state, last, 1, cas).status).toBe(STATUS.casFailed);
    }
    expect(state.keptBytes).toBeLessThanOrEqual(SESSION_LIMITS.keptBytesMax);
    expect(run(state, last, 1, cas).actual?.length).toBe(VALUE_BYTES_MAX - 1);
    expect(run(state, writer, 2, write("b", "1")).status).toBe(STATUS.ok);
  });
});

describe("too many sessions", () => {
  test("one in which nothing was asked goes first, the oldest of them, before any that was used", () => {
    const state = new KvState();
    const used = [1, 2, 3].map((n) => open(state, n));
    for (const id of used) run(state, id, 1, write("a", "1"));
    const fresh = openMany(state, 10, SESSIONS_MAX - 3);
    expect(state.sessionCount).toBe(SESSIONS_MAX);
    openMany(state, 50_000, 5);
    expect(state.sessionCount).toBe(SESSIONS_MAX);
    const status = (id: number): number => run(state, id, 2, { op: "noop" }).status;
    expect(used.map(status)).toEqual([STATUS.ok, STATUS.ok, STATUS.ok]);
    expect(fresh.slice(0, 6).map(status)).toEqual([7, 7, 7, 7, 7, STATUS.ok]);
  });

  test("when all were used, the one used longest ago goes", () => {
    const state = new KvState();
    const ids = openMany(state, 1, SESSIONS_MAX);
    for (const id of ids) run(state, id, 1, { op: "noop" });
    run(state, ids[0]!, 2, { op: "noop" });
    open(state, SESSIONS_MAX + 1);
    const status = (id: number): number => run(state, id, 3, { op: "noop" }).status;
    expect(ids.slice(0, 3).map(status)).toEqual([STATUS.ok, SESSION_EXPIRED, STATUS.ok]);
  });

  test("opening them without end takes as long for each as it did for the first", () => {
    const state = new KvState();
    openMany(state, 1, SESSIONS_MAX);
    const costOf = (run: () => void): number => {
      const before = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    // The first turn over the whole table, and the fourth: each opening used to step over all that had gone before.
    const turn = (n: number) => (): void => void openMany(state, n * SESSIONS_MAX, SESSIONS_MAX);
    const [first, , , fourth] = [2, 3, 4, 5].map((n) => costOf(turn(n)));
    expect(state.sessionCount).toBe(SESSIONS_MAX);
    expect(fourth).toBeLessThan(3 * first! + 50_000);
  });

  test("a clone has them in order of last use, and does not change with what happens afterwards", () => {
    const state = new KvState();
    const ids = [1, 2, 3].map((n) => open(state, n));
    run(state, ids[0]!, 1, { op: "noop" });
    const before = Buffer.concat([...state.clone().encodeSnapshot(64)]);
    const clone = state.clone();
    for (const id of ids) run(state, id, 5, { op: "delete", key: "a" });
    expect(Buffer.concat([...clone.encodeSnapshot(64)]).equals(before)).toBe(true);
  });
});

test("the answers of a full table stay where they are when sessions of a clone are used again", () => {
  const state = new KvState();
  const session = open(state, 1);
  const first = run(state, session, 9, write("a", "1"));
  state.clone();
  expect(run(state, session, 9, write("a", "1"))).toEqual(first);
  const { answers } = applyTo(state, { session, floor: 9, commands: [[9, write("a", "1")]] });
  expect(answers).toEqual([first]);
});
