/** Ranges and many keys on the wire: what one side writes the other reads, and damage is a DecodeError. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { KEY_BYTES_MAX, KEYS_READ_MAX } from "../../src/base/limits.ts";
import {
  byteStringOf,
  RANGE_ORDERS,
  type ByteString,
  type RangeRequest,
} from "../../src/store/index.ts";
import type { KeyValue } from "../../src/store/keys/frozen-cells.ts";
import {
  AnswerWriter,
  decodeAnswers,
  decodeClientFrame,
  forEachRead,
  ReadsWriter,
  type PageAnswer,
  type RangeBytes,
} from "../../src/protocol/client/client.ts";
import { takeReads } from "../../src/protocol/client/client-requests.ts";
import { asksForOrigin } from "../../src/protocol/client/reads-header.ts";
import { DecodeError } from "../../src/protocol/codec/decode-error.ts";
import { answerReads, type ReadableState } from "../../src/replica/turn/answer-reads.ts";

const key = fc.uint8Array({ minLength: 1, maxLength: 20 });
const natural = fc.maxSafeNat();
const range: fc.Arbitrary<RangeBytes> = fc.record({
  start: fc.uint8Array({ maxLength: 20 }),
  end: fc.option(fc.uint8Array({ maxLength: 20 })),
  reverse: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  revision: natural,
  limit: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});
const selection: fc.Arbitrary<RangeBytes> = fc
  .record({
    wanted: range,
    order: fc.constantFrom(...RANGE_ORDERS),
    ...{ createMin: natural, createMax: natural, modMin: natural, modMax: natural },
  })
  .map(({ wanted, order, ...bounds }) => ({
    ...wanted,
    select: { order: wanted.countOnly ? "key" : order, ...bounds },
  }));
const read = fc.oneof(
  key.map((one) => ({ one })),
  range.map((wanted) => ({ wanted })),
  selection.map((wanted) => ({ wanted })),
  fc
    .tuple(fc.array(key, { minLength: 1, maxLength: 30 }), natural)
    .map(([keys, revision]) => ({ keys, revision })),
  fc.tuple(key, fc.integer({ min: 1 })).map(([keyAt, revision]) => ({ keyAt, revision })),
  fc
    .tuple(key, natural, fc.integer({ min: 1 }))
    .map(([history, revision, limit]) => ({ history, revision, limit })),
);
type Read = typeof read extends fc.Arbitrary<infer T> ? T : never;

function frameOf(reads: readonly (readonly [number, Read])[]): Uint8Array {
  const writer = new ReadsWriter();
  for (const [request, asked] of reads) {
    if ("one" in asked) writer.read(request, asked.one);
    else if ("keys" in asked) writer.keys(request, asked.keys, asked.revision);
    else if ("keyAt" in asked) writer.read(request, asked.keyAt, asked.revision);
    else if ("history" in asked) {
      writer.history(request, asked.history, asked.revision, asked.limit);
    } else writer.range(request, asked.wanted);
  }
  return writer.take(false, 0);
}

const frames = fc.array(fc.tuple(natural, read), { minLength: 1, maxLength: 10 });

test("keys, ranges and many keys are read as they were written", () => {
  fc.assert(
    fc.property(frames, (reads) => {
      const frame = frameOf(reads);
      expect(decodeClientFrame(frame)).toMatchObject({ kind: "reads", count: reads.length });
      const found: unknown[] = [];
      forEachRead(frame, (request, wanted) => found.push([request, wanted]));
      const expected = reads.map(([request, asked]) => {
        if ("one" in asked) return [request, byteStringOf(asked.one)];
        if ("keys" in asked) {
          return [request, { keys: asked.keys.map(byteStringOf), revision: asked.revision }];
        }
        if ("keyAt" in asked) {
          return [request, { key: byteStringOf(asked.keyAt), revision: asked.revision }];
        }
        if ("history" in asked) {
          return [request, { ...asked, history: byteStringOf(asked.history) }];
        }
        const { start, end } = asked.wanted;
        const bounds = { start: byteStringOf(start), end: end === null ? null : byteStringOf(end) };
        return [request, { ...asked.wanted, ...bounds }];
      });
      expect(found).toEqual(expected);
    }),
  );
});

test("a frame of them that was changed anywhere is read, or refused as damaged", () => {
  fc.assert(
    fc.property(
      frames,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(),
      (reads, at, by, cut) => {
        const frame = frameOf(reads);
        const changed = Uint8Array.from(frame);
        const place = at % changed.length;
        changed[place] = (changed[place] ?? 0) ^ by;
        for (const bytes of [changed, frame.subarray(0, cut % frame.length)]) {
          try {
            decodeClientFrame(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
            continue;
          }
          if (bytes[0] === 2) forEachRead(bytes, () => {});
        }
      },
    ),
  );
});

test("an order of what is only counted is refused, and one that nobody knows", () => {
  const order = { order: "mod", createMin: 0, createMax: 0, modMin: 0, modMax: 0 } as const;
  const all = { start: new Uint8Array(0), end: null, reverse: false, keysOnly: false };
  const rest = { revision: 0, limit: 1, select: order };
  const writer = new ReadsWriter();
  writer.range(1, { ...all, ...rest, countOnly: true });
  expect(() => decodeClientFrame(writer.take(false, 0))).toThrow(
    "no order of what is only counted",
  );
  writer.range(1, { ...all, ...rest, countOnly: false });
  const frame = writer.take(false, 0);
  expect(frame.subarray(4, 8)).toEqual(Uint8Array.of(1, 8, 0, 2));
  frame[7] = 5;
  expect(() => decodeClientFrame(frame)).toThrow("a known order");
});

test("a least revision goes with local reads, and what is left of them is visited later", () => {
  const writer = new ReadsWriter();
  const name = Uint8Array.of(65);
  for (const request of [1, 2]) writer.read(request, name);
  const frame = writer.take(true, 7, true, 300);
  expect(decodeClientFrame(frame)).toEqual({
    ...{ kind: "reads", local: true, minIdx: 7, atLeast: 300, count: 2 },
  });
  const seen: number[] = [];
  const rest = takeReads(frame, (request) => seen.push(request) === 1);
  expect(seen).toEqual([1, 2]);
  expect(rest).toMatchObject({ left: 1 });
  expect(takeReads(frame, (request) => seen.push(request) > 0, rest!)).toBeNull();
  expect(seen).toEqual([1, 2, 2]);
  expect(asksForOrigin(frame)).toBe(true);
  writer.read(1, name);
  expect(() => decodeClientFrame(writer.take(false, 7, false, 300))).toThrow("local read");
  writer.read(1, name);
  const none = writer.take(true, 7, false, 1);
  none[3] = 0;
  expect(() => decodeClientFrame(none)).toThrow("a revision of 1 or more");
});

test("limits: long keys, no keys and too many are refused", () => {
  const long = new ReadsWriter();
  expect(() => long.keys(1, [new Uint8Array(KEY_BYTES_MAX + 1)])).toThrow("limit");
  expect(() => long.keys(1, [new Uint8Array(0)])).toThrow("at least one byte");
  for (const count of [0, KEYS_READ_MAX + 1]) {
    const writer = new ReadsWriter();
    writer.keys(
      1,
      Array.from({ length: count }, () => new Uint8Array([1])),
    );
    expect(() => decodeClientFrame(writer.take(false, 0))).toThrow("1 to 1024 keys");
  }
  const heavy = new ReadsWriter();
  heavy.keys(
    1,
    Array.from({ length: 400 }, () => new Uint8Array(KEY_BYTES_MAX)),
  );
  expect(() => decodeClientFrame(heavy.take(false, 0))).toThrow("bytes of keys");
});

test("pages are read as they were written; of many keys those that there are come, of one state", () => {
  const entry = fc.record({
    key: key.map(byteStringOf),
    value: fc.uint8Array({ maxLength: 30 }).map(byteStringOf),
    createRevision: natural,
    modRevision: natural,
    version: natural,
  });
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 20 }),
      fc.option(key),
      fc.boolean(),
      natural,
      (keys, resume, keysOnly, revision) => {
        const answers = new AnswerWriter();
        const page = {
          ...{ revision, count: keys.length, keys },
          resume: resume === null ? null : byteStringOf(resume),
        };
        const cells = new Map<ByteString, KeyValue>(keys.map((cell) => [cell.key, cell]));
        const state: ReadableState = {
          ...{ origin: 1, revision, oldest: 0, looked: 0 },
          read: (name) => cells.get(name),
          readAt: (name) => cells.get(name),
          history: () => ({ versions: [], resume: null }),
          page: (request: RangeRequest) => ({ ...page, keys: request.keysOnly ? keys : page.keys }),
        };
        const missing = Uint8Array.from([0, 1, 2]);
        const asked = [...cells.keys()].map((name) => Buffer.from(name, "latin1"));
        const writer = new ReadsWriter();
        writer.range(5, {
          ...{ start: new Uint8Array(0), end: null, reverse: false, countOnly: false },
          ...{ keysOnly, revision: 0, limit: 1 },
        });
        writer.keys(6, [...asked, missing]);
        answerReads(answers, writer.take(false, 0), state);
        const told = new Map<number, PageAnswer>();
        answers.drain(9, (bytes) => {
          decodeAnswers(bytes, {
            ...{ appliedIdx: () => {}, write: () => {}, opened: () => {}, refused: () => {} },
            ...{ value: () => {}, missing: () => {}, unread: () => {} },
            page: (request, answer) => told.set(request, answer),
          });
        });
        const first = told.get(5);
        expect(first).toMatchObject({ revision, count: keys.length });
        expect(first?.resume === null ? null : [...(first?.resume ?? [])]).toEqual(
          resume === null ? null : [...resume],
        );
        const plain = (items: PageAnswer["items"] = []) =>
          Array.from(items, (item) => ({
            ...item,
            key: byteStringOf(item.key),
            value: item.value === null ? null : byteStringOf(item.value),
          }));
        expect(plain(first?.items)).toEqual(
          keysOnly ? keys.map((cell) => ({ ...cell, value: null })) : keys,
        );
        const isMissingThere = cells.has(byteStringOf(missing));
        expect(plain(told.get(6)?.items)).toEqual([
          ...cells.values(),
          ...(isMissingThere ? [cells.get(byteStringOf(missing))] : []),
        ]);
        expect(told.get(6)).toMatchObject({ revision, resume: null });
      },
    ),
  );
});

test("what is compacted is told with its oldest revision, and as a refusal in words to programs that know no other", () => {
  const state: ReadableState = {
    ...{ origin: 1, revision: 90, oldest: 40, looked: 0 },
    read: () => undefined,
    readAt: () => undefined,
    page: () => ({ revision: 90, count: 0, keys: [], resume: null }),
    history: () => ({ versions: [], resume: null }),
  };
  const all = { start: new Uint8Array(0), end: null, reverse: false, keysOnly: false };
  const writer = new ReadsWriter();
  writer.range(1, { ...all, countOnly: false, limit: 1, revision: 39 });
  writer.read(2, Uint8Array.of(1), 39);
  writer.keys(3, [Uint8Array.of(1)], 39);
  writer.history(4, Uint8Array.of(1), 39, 1);
  writer.read(5, Uint8Array.of(1), 40);
  writer.read(6, Uint8Array.of(1), 91);
  const notes = (frame: Uint8Array): unknown[] => {
    const told: unknown[] = [];
    const answers = new AnswerWriter();
    answerReads(answers, frame, state);
    answers.drain(9, (bytes) =>
      decodeAnswers(bytes, {
        ...{ appliedIdx: () => {}, write: () => {}, opened: () => {}, refused: () => {} },
        value: () => {},
        missing: (request) => told.push([request, "missing"]),
        unread: (request, code) => told.push([request, code]),
        compacted: (request, oldest) => told.push([request, oldest]),
      }),
    );
    return told;
  };
  expect(notes(writer.take(false, 0))).toEqual([
    [1, 40],
    [2, 40],
    [3, 40],
    [4, 40],
    [5, "missing"],
    [6, "BAD_REQUEST"],
  ]);
  // As clients ask that were made before: kind 2 with a revision.
  writer.range(1, { ...all, countOnly: false, limit: 1, revision: 39 });
  const old = writer.take(true, 0);
  expect(old[5]).toBe(6);
  old[5] = 2;
  expect(notes(old)).toEqual([[1, "COMPACTED"]]);
  writer.read(6, Uint8Array.of(1), 91);
  expect(notes(writer.take(true, 0))).toEqual([[6, "REVISION_AHEAD"]]);
  writer.range(7, { ...all, countOnly: false, limit: 1, revision: 91 });
  const oldAhead = writer.take(true, 0);
  oldAhead[5] = 2;
  expect(notes(oldAhead)).toEqual([[7, "NO_QUORUM"]]);
});
