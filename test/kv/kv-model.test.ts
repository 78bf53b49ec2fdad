/**
 * The state machine against a model without any cleverness: maps, lists, full copies. Random entries with repeats, stale
 * and far-off sequence numbers, rising floors and expiring sessions; clones and snapshots taken on the way.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { SESSION_WINDOW } from "../../src/base/limits.ts";
import { KvState, SnapshotDecoder, STATUS } from "../../src/kv/index.ts";
import { OrderedCells } from "../../src/kv/ordered-cells.ts";
import { SessionTable } from "../../src/kv/session-table.ts";
import {
  entryOf,
  RecordingSink,
  snapshotBytes,
  type Command,
  type TestAnswer,
  type TestGroup,
} from "./helpers.ts";

const SESSIONS_MAX_HERE = 3;

interface ModelSession {
  readonly id: number;
  readonly nonce: number;
  floor: number;
  readonly answers: Map<number, Omit<TestAnswer, "session" | "sequence">>;
}
interface ModelValue {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}
type Outcome = Omit<TestAnswer, "session" | "sequence">;

class Model {
  readonly values = new Map<string, ModelValue>();
  /** Least recently used first. */
  sessions: ModelSession[] = [];
  revision = 0;
  #lastId = 0;

  apply(groups: readonly TestGroup[]): { answers: TestAnswer[]; opened: number[] } {
    const answers: TestAnswer[] = [];
    const opened: number[] = [];
    for (const { session, floor, commands } of groups) {
      const found = this.#use((candidate) => candidate.id === session);
      if (found !== undefined) found.floor = Math.max(found.floor, floor);
      for (const [sequence, command] of commands) {
        if (command.op === "openSession") opened.push(this.#open(command.nonce));
        else answers.push({ session, sequence, ...this.#answer(session, sequence, command) });
      }
    }
    return { answers, opened };
  }

  #use(which: (session: ModelSession) => boolean): ModelSession | undefined {
    const session = this.sessions.find(which);
    if (session === undefined) return undefined;
    this.sessions = [...this.sessions.filter((other) => other !== session), session];
    return session;
  }

  #open(nonce: number): number {
    const known = this.#use((session) => session.nonce === nonce);
    if (known !== undefined) return known.id;
    if (this.sessions.length === SESSIONS_MAX_HERE) this.sessions.shift();
    this.sessions.push({ id: ++this.#lastId, nonce, floor: 0, answers: new Map() });
    return this.#lastId;
  }

  #answer(id: number, sequence: number, command: Command): Outcome {
    if (id === 0) return { status: 0, revision: this.revision };
    const session = this.sessions.find((candidate) => candidate.id === id);
    const error = (wire: number): Outcome => ({ status: wire, revision: this.revision });
    if (session === undefined) return error(ERRORS.SESSION_EXPIRED.wire);
    if (sequence < session.floor) return error(ERRORS.STALE_REQUEST.wire);
    if (sequence >= session.floor + SESSION_WINDOW) return error(ERRORS.BAD_REQUEST.wire);
    const kept = session.answers.get(sequence);
    if (kept !== undefined) return kept;
    if (command.op === "closeSession") {
      this.sessions = this.sessions.filter((other) => other !== session);
      return { status: 0, revision: this.revision };
    }
    const outcome = this.#execute(command);
    session.answers.set(sequence, outcome);
    return outcome;
  }

  #execute(command: Command): Outcome {
    if (!("key" in command)) return { status: 0, revision: this.revision };
    const current = this.values.get(command.key);
    if (command.op === "delete") {
      if (current === undefined) return { status: STATUS.notFound, revision: this.revision };
      this.values.delete(command.key);
      return { status: 0, revision: ++this.revision };
    }
    const matches =
      command.op === "write" ||
      (command.op === "casValue" && current?.value === command.expected) ||
      (command.op === "casAbsent" && current === undefined) ||
      (command.op === "casRevision" && current?.modRevision === command.revision);
    if (!matches) {
      const actual = current === undefined ? {} : { actual: current.value };
      return { status: STATUS.casFailed, revision: current?.modRevision ?? 0, ...actual };
    }
    this.revision += 1;
    this.values.set(command.key, {
      value: command.value,
      createRevision: current?.createRevision ?? this.revision,
      modRevision: this.revision,
      version: (current?.version ?? 0) + 1,
    });
    return { status: 0, revision: this.revision };
  }
}

const key = fc.constantFrom("a", "b", "c", "dd", "é", "");
const name = key.map((text) => `k${text}`);
const value = fc.constantFrom("", "1", "2", "three three three three three");
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("write" as const), key: name, value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("delete" as const), key: name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("casValue" as const),
      key: name,
      expected: value,
      value,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("casAbsent" as const), key: name, value }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("casRevision" as const),
      key: name,
      revision: fc.integer({ min: 1, max: 12 }),
      value,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: "noop" } as const) },
  { weight: 1, arbitrary: fc.constant({ op: "closeSession" } as const) },
);
const sequence = fc.oneof(
  { weight: 12, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.integer({ min: SESSION_WINDOW - 2, max: SESSION_WINDOW + 10 }) },
);
const floor = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat(8) },
  { weight: 1, arbitrary: fc.constantFrom(20, SESSION_WINDOW, 2 ** 40) },
);
const group: fc.Arbitrary<TestGroup> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      session: fc.integer({ min: 1, max: 6 }),
      floor,
      commands: fc.array(fc.tuple(sequence, command), { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      session: fc.constant(0),
      floor: fc.constant(0),
      commands: fc.array(
        fc.tuple(
          sequence,
          fc.oneof(
            fc.record({ op: fc.constant("openSession" as const), nonce: fc.nat(5) }),
            fc.constant({ op: "noop" } as const),
          ),
        ),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  },
);
const opening: TestGroup = {
  session: 0,
  floor: 0,
  commands: [1, 2].map((nonce) => [nonce, { op: "openSession", nonce }]),
};
const history = fc
  .array(fc.array(group, { maxLength: 3 }), { minLength: 1, maxLength: 25 })
  .map((entries) => [[opening], ...entries]);

const newState = (): KvState =>
  new KvState(new OrderedCells(), new SessionTable(0, [], SESSIONS_MAX_HERE));
const asText = (content: string): string => Buffer.from(content, "latin1").toString("utf8");

describe("state machine", () => {
  test("answers and content are those of the model", () => {
    fc.assert(
      fc.property(history, (entries) => {
        const model = new Model();
        const state = newState();
        entries.forEach((groups, idx) => {
          const sink = new RecordingSink();
          state.apply(entryOf(...groups), idx, sink);
          const expected = model.apply(groups);
          expect(sink.answers).toEqual(expected.answers);
          expect(sink.openings.map(({ session }) => session)).toEqual(expected.opened);
        });
        expect(state.revision).toBe(model.revision);
        expect(state.sessionCount).toBe(model.sessions.length);
        const found = state.readRange({ limit: 100 });
        expect(
          found.map(({ key, ...stored }) => [
            asText(key),
            { ...stored, value: asText(stored.value) },
          ]),
        ).toEqual(
          [...model.values].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
        for (const { key, ...stored } of found) expect(state.read(key)).toMatchObject(stored);
      }),
      { numRuns: 400 },
    );
  });

  test("a clone stays as it was, and taking one changes nothing", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(25), { maxLength: 4 }), (entries, cloneAt) => {
        const state = newState();
        const undisturbed = newState();
        const clones: { clone: ReturnType<KvState["clone"]>; before: Buffer; hash: string }[] = [];
        entries.forEach((groups, idx) => {
          const sinks = [new RecordingSink(), new RecordingSink()] as const;
          state.apply(entryOf(...groups), idx, sinks[0]);
          undisturbed.apply(entryOf(...groups), idx, sinks[1]);
          expect(sinks[0]).toEqual(sinks[1]);
          if (cloneAt.includes(idx)) {
            const clone = state.clone();
            clones.push({ clone, before: snapshotBytes(clone), hash: state.hash() });
          }
        });
        for (const { clone, before, hash } of clones) {
          expect(snapshotBytes(clone).equals(before)).toBe(true);
          expect(clone.hash()).toBe(hash);
        }
        expect(snapshotBytes(state.clone()).equals(snapshotBytes(undisturbed.clone()))).toBe(true);
        expect(state.hash()).toBe(undisturbed.hash());
      }),
      { numRuns: 200 },
    );
  });

  test("a node that went on from a snapshot is the same as one that applied the whole log", () => {
    fc.assert(
      fc.property(history, fc.nat(25), fc.integer({ min: 1, max: 300 }), (entries, at, chunk) => {
        const whole = new KvState();
        let other = new KvState();
        entries.forEach((groups, idx) => {
          const sinks = [new RecordingSink(), new RecordingSink()] as const;
          whole.apply(entryOf(...groups), idx, sinks[0]);
          other.apply(entryOf(...groups), idx, sinks[1]);
          expect(sinks[1]).toEqual(sinks[0]);
          if (idx !== at % entries.length) return;
          const decoder = new SnapshotDecoder();
          for (const piece of other.clone().encodeSnapshot(chunk)) {
            decoder.push(piece);
            while (decoder.step(chunk));
          }
          other = decoder.finish();
          expect(other.appliedIdx).toBe(idx + 1);
        });
        expect(other.hash()).toBe(whole.hash());
        expect(snapshotBytes(other.clone()).equals(snapshotBytes(whole.clone()))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
