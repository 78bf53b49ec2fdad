/** The client protocol: what one side writes the other reads; whatever bytes come, the outcome is a frame or a DecodeError. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS, type ErrorCode } from "../../../src/base/errors.ts";
import {
  CLIENT_FRAME_BYTES_MAX,
  FRAME_COMMANDS_MAX,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../../src/base/limits.ts";
import {
  byteStringOf,
  byteStringOfText,
  GroupWriter,
  STATUS,
  type ByteString,
  type StoredValue,
} from "../../../src/store/index.ts";
import { validateGroup } from "../../../src/store/entries/group-check.ts";
import {
  AnswerWriter,
  decodeAnswers,
  type ReadsPlace,
  decodeClientFrame,
  forEachRead,
  OPEN_WITH_ORIGIN,
  ReadsWriter,
  takeWritesFrame,
  writesFrame,
  type AnswerHandler,
} from "../../../src/protocol/client/client.ts";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import {
  answerReads,
  refuseReads,
  type ReadableState,
} from "../../../src/replica/turn/answer-reads.ts";

const unasked = (): never => {
  throw new Error("nothing but keys is asked for");
};
const noPages = { ...{ oldest: 0, looked: 0 }, readAt: unasked, page: unasked, history: unasked };

/** Notes each call as an array; byte strings are copied. */
class Notes implements AnswerHandler {
  readonly calls: unknown[][] = [];
  readonly #note =
    (name: string) =>
    (...fields: unknown[]): void => {
      const copies = fields.map((field) => (field instanceof Uint8Array ? [...field] : field));
      this.calls.push([name, ...copies]);
    };
  readonly appliedIdx = this.#note("appliedIdx");
  readonly write = this.#note("write");
  readonly opened = this.#note("opened");
  readonly origin = this.#note("origin");
  readonly refused = this.#note("refused");
  readonly value = this.#note("value");
  readonly missing = this.#note("missing");
  readonly unread = this.#note("unread");
}

function drained(writer: AnswerWriter, appliedIdx = 0): Uint8Array[] {
  const frames: Uint8Array[] = [];
  writer.drain(appliedIdx, (frame) => frames.push(frame));
  return frames;
}

function notesOf(frames: readonly Uint8Array[]): unknown[][] {
  const notes = new Notes();
  for (const frame of frames) decodeAnswers(frame, notes);
  return notes.calls;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const natural = fc.oneof(fc.nat(300), fc.maxSafeNat());
const content = fc.uint8Array({ maxLength: 40 });
const key = fc.uint8Array({ minLength: 1, maxLength: 40 });
const reads = fc.array(fc.tuple(natural, key), { minLength: 1, maxLength: 8 });

function readsFrame(
  keys: readonly (readonly [number, Uint8Array])[],
  local = false,
  minIdx = 0,
): Uint8Array {
  const writer = new ReadsWriter();
  for (const [request, name] of keys) writer.read(request, name);
  return writer.take(local, minIdx);
}

describe("requests", () => {
  test("reads arrive as they were sent", () => {
    fc.assert(
      fc.property(reads, fc.boolean(), natural, (keys, local, minIdx) => {
        const frame = readsFrame(keys, local, minIdx);
        const count = keys.length;
        expect(decodeClientFrame(frame)).toEqual({
          kind: "reads",
          local,
          minIdx,
          atLeast: 0,
          count,
        });
        const found: unknown[] = [];
        forEachRead(frame, (request, name) => found.push([request, name]));
        expect(found).toEqual(keys.map(([request, name]) => [request, byteStringOf(name)]));
      }),
    );
  });

  test("a group arrives as it was packed, and is framed again for a neighbour", () => {
    const writer = new GroupWriter();
    writer.add(7, { kind: "write", key: bytes("a"), value: bytes("1") });
    writer.add(8, { kind: "delete", key: bytes("b") });
    const frame = takeWritesFrame(writer, 5, 3);
    const decoded = decodeClientFrame(frame);
    expect(decoded.kind).toBe("writes");
    if (decoded.kind !== "writes") return;
    expect(validateGroup(decoded.group)).toBe(decoded.group.length);
    expect(decoded.count).toBe(2);
    expect(writesFrame(decoded.group)).toEqual(frame);
  });

  test("a writer is empty again once its frame is taken, and checks its keys", () => {
    const writer = new ReadsWriter();
    expect(() => writer.read(1, new Uint8Array(KEY_BYTES_MAX + 1))).toThrow(/key of 4097 bytes/);
    expect(() => writer.read(1, new Uint8Array(0))).toThrow(/at least one byte/);
    expect(writer.count).toBe(0);
    for (let i = 0; i < FRAME_COMMANDS_MAX; i++) {
      if (!writer.fits(1)) break;
      writer.read(i, bytes("k"));
    }
    expect([writer.count, writer.fits(1)]).toEqual([FRAME_COMMANDS_MAX, false]);
    expect(decodeClientFrame(writer.take(true, 9))).toMatchObject({ kind: "reads", minIdx: 9 });
    expect(writer.count).toBe(0);
  });

  test("frames beyond a limit, of unknown kind or with a rest are told apart", () => {
    const frame = readsFrame([[1, bytes("a")]]);
    const changed = (at: number, byte: number): Uint8Array => frame.with(at, byte);
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /unknown client frame/],
      [Uint8Array.of(9), /unknown client frame 9/],
      [new Uint8Array(CLIENT_FRAME_BYTES_MAX + 1), /frame of \d+ bytes, the limit is/],
      [changed(1, 8), /expected known flags of reads at byte 2/],
      [changed(3, 0), /expected 1 to 4096 reads/],
      [changed(5, 99), /expected a known kind of read at byte 6/],
      [changed(6, 0), /expected a key of 1 to 4096 bytes/],
      [Uint8Array.from([...frame, 0]), /expected the end of the frame at byte 8/],
      [Uint8Array.of(1, 3, 0, 1, 1, 99), /BAD_REQUEST: unknown command 99/],
      [Uint8Array.of(1, 3, 0, 1, 1, 8, 0), /1 bytes too many/],
    ];
    for (const [damaged, message] of cases) {
      expect(() => decodeClientFrame(damaged)).toThrow(DecodeError);
      expect(() => decodeClientFrame(damaged)).toThrow(message);
    }
  });

  test("whatever the bytes, decoding ends in a frame or a DecodeError", () => {
    const writer = new GroupWriter();
    writer.add(7, {
      kind: "casValue",
      key: bytes("key"),
      expected: bytes("old"),
      value: bytes("new"),
    });
    writer.add(8, { kind: "casRevision", key: bytes("key"), revision: 300, value: bytes("new") });
    const seeds = [
      takeWritesFrame(writer, 5, 3),
      readsFrame([
        [1, bytes("a")],
        [2, bytes("bcd")],
      ]),
    ];
    fc.assert(
      fc.property(damaged(seeds), (frame) => {
        try {
          const decoded = decodeClientFrame(frame);
          if (decoded.kind === "reads") forEachRead(frame, () => {});
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

/** Random bytes; and good frames, cut and changed. */
function damaged(frames: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(
      fc.constantFrom(...frames),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.option(fc.nat()),
    )
    .map(([frame, changes, cut]) => {
      const copy = frame.slice();
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return cut === null ? copy : copy.subarray(0, cut % copy.length);
    });
  return fc.oneof(fc.uint8Array({ maxLength: 60 }), changed);
}

const code = fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[]));
const storedValue = (value: Uint8Array, n: number): StoredValue => ({
  value: byteStringOf(value),
  createRevision: n,
  modRevision: n + 1,
  version: n + 2,
});

describe("answers", () => {
  test("write answers arrive as they were given, whichever sessions take turns", () => {
    const answer = fc.tuple(
      fc.nat(3),
      natural,
      fc.constantFrom(STATUS.ok, STATUS.casFailed, STATUS.notFound, 7, 8),
      natural,
      fc.option(content),
    );
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1 }), natural, (answers, idx) => {
        const writer = new AnswerWriter();
        expect(writer.isEmpty).toBe(true);
        for (const [session, sequence, status, revision, actual] of answers) {
          const kept = actual === null ? undefined : byteStringOf(actual);
          writer.write(session, sequence, status, revision, kept);
        }
        expect(writer.isEmpty).toBe(false);
        const expected = answers.map(([session, sequence, status, revision, actual]) => [
          "write",
          session,
          sequence,
          status,
          revision,
          status === STATUS.ok || actual === null ? undefined : [...actual],
        ]);
        expect(notesOf(drained(writer, idx))).toEqual([["appliedIdx", idx], ...expected]);
        expect(drained(writer, idx)).toEqual([]);
      }),
    );
  });

  test("a refused group is told command by command, in runs", () => {
    const group = new GroupWriter();
    for (const sequence of [5, 6, 7, 20, 3, 4]) {
      group.add(sequence, { kind: "write", key: bytes("a"), value: bytes("1") });
    }
    const writer = new AnswerWriter();
    writer.refuseGroup(group.take(9, 2), "OVERLOADED", "too much");
    writer.write(9, 1, STATUS.ok, 1, undefined);
    expect(notesOf(drained(writer, 4))).toEqual([
      ["appliedIdx", 4],
      ["refused", 9, 5, 3, "OVERLOADED", "too much"],
      ["refused", 9, 20, 1, "OVERLOADED", "too much"],
      ["refused", 9, 3, 2, "OVERLOADED", "too much"],
      ["write", 9, 1, STATUS.ok, 1, undefined],
    ]);
  });

  test("every error code and any text pass, the text cut to a bound", () => {
    fc.assert(
      fc.property(code, fc.string({ unit: "grapheme", maxLength: 2000 }), (code, text) => {
        const writer = new AnswerWriter();
        refuseReads(writer, readsFrame([[3, bytes("a")]]), code, text);
        const [, refusal] = notesOf(drained(writer));
        expect(refusal!.slice(0, 3)).toEqual(["unread", 3, code]);
        const arrived = String(refusal![3]);
        // A cut may go through a character of two units, which arrives as the replacement character.
        expect(text.startsWith(arrived.replace(/\uFFFD$/, ""))).toBe(true);
        expect(arrived.length).toBeGreaterThanOrEqual(Math.min(300, text.length));
      }),
    );
  });

  test("reads are answered from the state: value with its revisions, or missing", () => {
    fc.assert(
      fc.property(reads, content, natural, (keys, value, n) => {
        const [, present] = keys[0]!;
        const stored = storedValue(value, Math.min(n, 2 ** 52));
        const state = {
          origin: 7,
          revision: 0,
          read: (name: ByteString) => (name === byteStringOf(present) ? stored : undefined),
          ...noPages,
        };
        const writer = new AnswerWriter();
        answerReads(writer, readsFrame(keys), state);
        const { createRevision, modRevision, version } = stored;
        const expected = keys.map(([request, name]) =>
          Buffer.compare(name, present) === 0
            ? ["value", request, [...value], createRevision, modRevision, version]
            : ["missing", request],
        );
        expect(notesOf(drained(writer, 8))).toEqual([["appliedIdx", 8], ...expected]);
      }),
    );
  });

  test("the answer to openSession carries nonce and session", () => {
    const writer = new AnswerWriter();
    const nonce = Uint8Array.from({ length: 16 }, (_, i) => i);
    writer.opened(4, nonce, 12, 7);
    expect(notesOf(drained(writer, 1))[1]).toEqual(["opened", 4, [...nonce], 12]);
  });

  test("the origin is told to whoever has asked, before what it holds for, if there is one", () => {
    const state = (origin: number): ReadableState => ({
      origin,
      revision: 0,
      read: () => undefined,
      ...noPages,
    });
    const asking = new ReadsWriter();
    const frame = (withOrigin: boolean): Uint8Array => {
      asking.read(3, bytes("a"));
      return asking.take(false, 0, withOrigin);
    };
    const told = (origin: number, withOrigin: boolean): unknown[] => {
      const writer = new AnswerWriter();
      answerReads(writer, frame(withOrigin), state(origin));
      return notesOf(drained(writer, 1)).slice(1);
    };
    expect(told(2 ** 53 - 1, true)).toEqual([
      ["origin", 2 ** 53 - 1],
      ["missing", 3],
    ]);
    expect(told(7, false)).toEqual([["missing", 3]]);
    expect(told(0, true)).toEqual([["missing", 3]]);
    const nonce = new Uint8Array(16);
    const writer = new AnswerWriter();
    writer.opened(OPEN_WITH_ORIGIN, nonce, 12, 7);
    // As version 0.1 asks, whose clients know no such record.
    writer.opened(0, nonce, 13, 7);
    expect(notesOf(drained(writer, 1)).slice(1)).toEqual([
      ["origin", 7],
      ["opened", OPEN_WITH_ORIGIN, [...nonce], 12],
      ["opened", 0, [...nonce], 13],
    ]);
  });

  test("frames stay within their limit, each naming its session anew", () => {
    const writer = new AnswerWriter();
    const count = 700_000;
    for (let i = 0; i < count; i++) writer.write(5, i, STATUS.notFound, 1, undefined);
    const frames = drained(writer, 3);
    expect(frames.length).toBe(2);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThan(CLIENT_FRAME_BYTES_MAX);
    const notes = frames.map((frame) => notesOf([frame]));
    expect(notes.every(([first]) => first?.[0] === "appliedIdx" && first[1] === 3)).toBe(true);
    const told = notes.flatMap((calls) => calls.slice(1));
    expect(told.every((call, i) => call[0] === "write" && call[1] === 5 && call[2] === i)).toBe(
      true,
    );
    expect(told.length).toBe(count);
  });

  test("nor by one failed cas that is repeated: beyond a megabyte it is told to read", () => {
    const writer = new AnswerWriter();
    const large = "x".repeat(VALUE_BYTES_MAX) as ByteString;
    for (let i = 0; i < 1024; i++) writer.write(5, 1, STATUS.casFailed, 9, large);
    expect(writer.bytes).toBeLessThan(3 * VALUE_BYTES_MAX);
    const told = notesOf(drained(writer)).filter(([name]) => name === "write");
    const statuses = told.map((call) => call[3]);
    const full = statuses.lastIndexOf(STATUS.casFailed) + 1;
    expect(full).toBeGreaterThan(0);
    expect(statuses.slice(full).every((status) => status === STATUS.casFailedLarge)).toBe(true);
    expect(told.map((call) => call[4]).every((revision) => revision === 9)).toBe(true);
    // The next turn is another one.
    writer.write(5, 1, STATUS.casFailed, 9, large);
    expect(notesOf(drained(writer)).at(-1)?.[3]).toBe(STATUS.casFailed);
  });

  test("one client cannot make a node hold any amount of answers", () => {
    const value = storedValue(new Uint8Array(VALUE_BYTES_MAX), 1);
    const keys = Array.from({ length: 100 }, (_, i) => [i, bytes("k")] as const);
    const writer = new AnswerWriter();
    answerReads(writer, readsFrame(keys), {
      origin: 7,
      revision: 0,
      read: () => value,
      ...noPages,
    });
    const frames = drained(writer);
    const answers = notesOf(frames).filter(([name]) => name !== "appliedIdx");
    const total = frames.reduce((sum, frame) => sum + frame.length, 0);
    expect(answers.length).toBe(100);
    expect(answers[0]?.[0]).toBe("value");
    expect(answers[99]?.slice(0, 3)).toEqual(["unread", 99, "OVERLOADED"]);
    expect(total).toBeLessThan(40 * 1024 * 1024);
  });

  test("frames handed over do not change when the writer is used again", () => {
    const writer = new AnswerWriter();
    writer.write(1, 1, STATUS.casFailed, 1, byteStringOfText("first"));
    const [first] = drained(writer, 1);
    const before = first!.slice();
    writer.write(2, 2, STATUS.casFailed, 2, byteStringOfText("other"));
    drained(writer, 2);
    expect(first).toEqual(before);
  });

  test("whatever the bytes, decoding ends in answers or a DecodeError", () => {
    const writer = new AnswerWriter();
    const group = new GroupWriter();
    group.add(1, { kind: "noop" });
    group.add(5, { kind: "noop" });
    writer.write(1, 2, STATUS.ok, 3, undefined);
    writer.write(1, 3, STATUS.casFailed, 3, byteStringOfText("actual"));
    writer.opened(1, new Uint8Array(16), 3, 0);
    writer.refuseGroup(group.take(0, 0), "NO_QUORUM", "text");
    refuseReads(writer, readsFrame([[1, bytes("a")]]), "OVERLOADED", "text");
    const known = storedValue(bytes("value"), 300);
    answerReads(writer, readsFrame([[1, bytes("a")]]), {
      origin: 7,
      revision: 0,
      read: () => known,
      ...noPages,
    });
    answerReads(writer, readsFrame([[1, bytes("a")]]), {
      origin: 7,
      revision: 0,
      read: () => undefined,
      ...noPages,
    });
    fc.assert(
      fc.property(damaged(drained(writer, 70_000)), (frame) => {
        try {
          decodeAnswers(frame, new Notes());
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          expect((error as Error).message).toMatch(/^answers: expected .* at byte \d+$/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

test("a frame of reads is answered in as many goes as it takes, each key once", () => {
  const keys = Array.from({ length: 100 }, (_, i): [number, Uint8Array] => [i + 1, bytes(`k${i}`)]);
  for (const some of [1, 7, 99, 100]) {
    const frame = readsFrame(keys);
    let from: ReadsPlace | undefined;
    const asked: string[] = [];
    let before = 0;
    const goesOn = (): boolean => asked.length - before < some;
    for (let goes = 0; ; goes++) {
      before = asked.length;
      const writer = new AnswerWriter();
      const state = {
        origin: 7,
        revision: 0,
        read: (key: string): undefined => void asked.push(key),
        ...noPages,
      };
      const result = answerReads(writer, frame, state, goesOn, from);
      expect(result.count).toBe(asked.length - before);
      expect(result.rest?.left ?? 0).toBe(keys.length - asked.length);
      if (result.rest === null) break;
      from = result.rest;
      expect(goes).toBeLessThan(101);
    }
    expect(asked).toEqual(keys.map((_, i) => `k${i}`));
  }
});
