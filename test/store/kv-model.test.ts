/**
 * The state machine against a model without any cleverness: maps, lists, full copies. Random entries with repeats, stale
 * and far-off sequence numbers, rising floors and expiring sessions; clones and snapshots taken on the way.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { SESSION_WINDOW } from "../../src/base/limits.ts";
import { KvState, SnapshotDecoder, STATUS } from "../../src/store/index.ts";
import { OrderedCells } from "../../src/store/keys/ordered-cells.ts";
import { SessionTable } from "../../src/store/sessions/session-table.ts";
import {
  entryOf,
  firstVersionEntryOf,
  RecordingSink,
  snapshotBytes,
  type Command,
  type TestAnswer,
  type TestGroup,
} from "./helpers.ts";

type Version = 1 | 2;
/** Room for eight answers of each of a few sessions, not for a value or a far-off number in all of them. */
const KEPT_BYTES_MAX = 700;
const LIMITS = { sessionsMax: 4, keptBytesMax: KEPT_BYTES_MAX };
const UNKNOWN = 999_999;
/** Sessions that a history opens first. */
const FIRST_SESSIONS = 2;

/** As Session has it: a ring of 24 bytes an answer, and values. */
function keptBytes({ floor, top, answers }: ModelSession): number {
  if (top === floor) return 0;
  const ring = Math.max(8, 2 ** Math.ceil(Math.log2(top - floor)));
  let bytes = 24 * ring;
  for (const { outcome } of answers.values()) {
    const length = Buffer.byteLength(outcome.actual ?? "");
    if (length > 0) bytes += 96 + length;
  }
  return bytes;
}

interface ModelSession {
  /** Which opening made it, counted from 1. */
  readonly id: number;
  readonly nonce: number;
  floor: number;
  /** One above the highest sequence number answered, or the floor. */
  top: number;
  readonly answers: Map<number, { readonly outcome: Outcome; readonly command: Command }>;
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
  readonly #version: Version;
  /** Least recently used first. */
  sessions: ModelSession[] = [];
  revision = 0;
  #lastId = 0;

  constructor(version: Version) {
    this.#version = version;
  }

  get sizeBytes(): number {
    let bytes = this.sessions.reduce((sum, session) => sum + 900 + keptBytes(session), 0);
    for (const [key, { value }] of this.values) {
      bytes += 200 + Buffer.byteLength(key) + Buffer.byteLength(value);
    }
    return bytes;
  }

  /** Sessions are named as in ModelSession. */
  apply(groups: readonly TestGroup[]): { answers: TestAnswer[]; opened: number[] } {
    const answers: TestAnswer[] = [];
    const opened: number[] = [];
    for (const { session, floor, commands } of groups) {
      const found = this.#use((candidate) => candidate.id === session);
      if (found !== undefined) {
        found.floor = Math.max(found.floor, floor);
        found.top = Math.max(found.top, floor);
        for (const sequence of found.answers.keys()) {
          if (sequence < found.floor) found.answers.delete(sequence);
        }
      }
      for (const [sequence, command] of commands) {
        if (command.op === "openSession") opened.push(this.#open(command.nonce));
        else answers.push({ session, sequence, ...this.#answer(session, sequence, command) });
      }
      if (this.#version === 2) this.#makeRoom(found);
    }
    return { answers, opened };
  }

  #use(which: (session: ModelSession) => boolean): ModelSession | undefined {
    const session = this.sessions.find(which);
    if (session === undefined) return undefined;
    this.#close(session);
    this.sessions.push(session);
    return session;
  }

  #close(session: ModelSession): void {
    this.sessions = this.sessions.filter((other) => other !== session);
  }

  #open(nonce: number): number {
    if (this.#version === 1) {
      const known = this.#use((session) => session.nonce === nonce);
      if (known !== undefined) return known.id;
    }
    if (this.sessions.length === LIMITS.sessionsMax) {
      const fresh = this.sessions.find(({ top }) => top === 0);
      this.#close((this.#version === 2 ? fresh : undefined) ?? this.sessions[0]!);
    }
    this.sessions.push({ id: ++this.#lastId, nonce, floor: 0, top: 0, answers: new Map() });
    return this.#lastId;
  }

  #makeRoom(used: ModelSession | undefined): void {
    const magnitude = (session: ModelSession): number => Math.floor(Math.log2(keptBytes(session)));
    while (this.sessions.reduce((sum, session) => sum + keptBytes(session), 0) > KEPT_BYTES_MAX) {
      const others = this.sessions.filter((session) => session !== used && keptBytes(session) > 0);
      if (others.length === 0) return;
      const most = Math.max(...others.map(magnitude));
      this.#close(others.find((session) => magnitude(session) === most)!);
    }
  }

  #answer(id: number, sequence: number, command: Command): Outcome {
    if (id === 0) return { status: 0, revision: this.revision };
    const session = this.sessions.find((candidate) => candidate.id === id);
    const error = (wire: number): Outcome => ({ status: wire, revision: this.revision });
    if (session === undefined) return error(ERRORS.SESSION_EXPIRED.wire);
    if (sequence < session.floor) return error(ERRORS.STALE_REQUEST.wire);
    if (sequence >= session.floor + SESSION_WINDOW) return error(ERRORS.BAD_REQUEST.wire);
    const kept = session.answers.get(sequence);
    if (kept !== undefined) {
      const same = JSON.stringify(kept.command) === JSON.stringify(command);
      return same || this.#version === 1 ? kept.outcome : error(ERRORS.BAD_REQUEST.wire);
    }
    if (command.op === "closeSession") {
      this.#close(session);
      return { status: 0, revision: this.revision };
    }
    const outcome = this.#execute(command);
    session.answers.set(sequence, { outcome, command });
    session.top = Math.max(session.top, sequence + 1);
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
  commands: Array.from({ length: FIRST_SESSIONS }, (_, i) => [
    i + 1,
    { op: "openSession", nonce: i + 1 },
  ]),
};
const history = fc
  .array(fc.array(group, { maxLength: 3 }), { minLength: 1, maxLength: 25 })
  .map((entries) => [[opening], ...entries]);

const newState = (): KvState => new KvState(new OrderedCells(), new SessionTable(0, [], LIMITS));
const asText = (content: string): string => Buffer.from(content, "latin1").toString("utf8");

/** A state, asked under the names that the model gives to sessions. */
class Named {
  readonly ids: number[] = [];
  readonly #version: Version;
  state: KvState;

  constructor(version: Version, state = newState()) {
    this.#version = version;
    this.state = state;
  }

  /** No client knows of a session that is opened by the same entry. */
  known(groups: readonly TestGroup[]): TestGroup[] {
    return groups.map((group) =>
      group.session > this.ids.length ? { ...group, session: UNKNOWN } : group,
    );
  }

  apply(groups: readonly TestGroup[]): { answers: TestAnswer[]; opened: number[] } {
    const named = groups.map((group) => ({
      ...group,
      session: this.ids[group.session - 1] ?? group.session,
    }));
    const sink = new RecordingSink();
    const entry = this.#version === 1 ? firstVersionEntryOf(...named) : entryOf(...named);
    this.state.apply(entry, this.state.appliedIdx, sink);
    let answer = 0;
    const answers = groups.flatMap(({ session, commands }) =>
      commands
        .filter(([, { op }]) => op !== "openSession")
        .map(() => ({ ...sink.answers[answer++]!, session })),
    );
    const opened = sink.openings.map(({ session }) => {
      if (!this.ids.includes(session)) this.ids.push(session);
      return this.ids.indexOf(session) + 1;
    });
    return { answers, opened };
  }
}

describe.each([1, 2] as const)("state machine, entries of version %i", (version) => {
  test("answers and content are those of the model", () => {
    fc.assert(
      fc.property(history, (entries) => {
        const model = new Model(version);
        const named = new Named(version);
        for (const entry of entries) {
          const groups = named.known(entry);
          expect(named.apply(groups)).toEqual(model.apply(groups));
        }
        const { state } = named;
        expect(state.sizeBytes).toBe(model.sizeBytes);
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
        const cloned = new Named(version);
        const undisturbed = new Named(version);
        const clones: { clone: ReturnType<KvState["clone"]>; before: Buffer; hash: string }[] = [];
        entries.forEach((groups, idx) => {
          expect(cloned.apply(groups)).toEqual(undisturbed.apply(groups));
          if (cloneAt.includes(idx)) {
            const clone = cloned.state.clone();
            clones.push({ clone, before: snapshotBytes(clone), hash: cloned.state.hash() });
          }
        });
        for (const { clone, before, hash } of clones) {
          expect(snapshotBytes(clone).equals(before)).toBe(true);
          expect(clone.hash()).toBe(hash);
        }
        const [a, b] = [cloned.state, undisturbed.state];
        expect(snapshotBytes(a.clone()).equals(snapshotBytes(b.clone()))).toBe(true);
        expect(a.hash()).toBe(b.hash());
      }),
      { numRuns: 200 },
    );
  });

  test("a node that went on from a snapshot is the same as one that applied the whole log", () => {
    fc.assert(
      fc.property(history, fc.nat(25), fc.integer({ min: 1, max: 300 }), (entries, at, chunk) => {
        const whole = new Named(version);
        const other = new Named(version);
        entries.forEach((groups, idx) => {
          expect(other.apply(groups)).toEqual(whole.apply(groups));
          if (idx !== at % entries.length) return;
          const decoder = new SnapshotDecoder(undefined, LIMITS);
          for (const piece of other.state.clone().encodeSnapshot(chunk)) {
            decoder.push(piece);
            while (decoder.step(chunk));
          }
          other.state = decoder.finish();
          expect(other.state.appliedIdx).toBe(idx + 1);
        });
        expect(other.state.hash()).toBe(whole.state.hash());
        expect(other.state.sizeBytes).toBe(whole.state.sizeBytes);
        const [a, b] = [other.state, whole.state];
        expect(snapshotBytes(a.clone()).equals(snapshotBytes(b.clone()))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
