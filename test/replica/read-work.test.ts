/**
 * What one turn spends on ranges, counts, old versions and their refusals, however many come in one frame. Counted in what is
 * looked at and answered, not in time.
 */
import { describe, expect, test } from "vitest";
import { FRAME_COMMANDS_MAX, KEY_BYTES_MAX } from "../../src/base/limits.ts";
import { KvState, RANGE_PAGE } from "../../src/store/index.ts";
import { answerReads } from "../../src/replica/turn/answer-reads.ts";
import { AnswerOutbox } from "../../src/replica/turn/answer-outbox.ts";
import type { PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { Readable } from "../../src/replica/reads/readable.ts";
import { REST_BYTES } from "../../src/replica/turn/rests.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import {
  AnswerWriter,
  decodeAnswers,
  ReadsWriter,
  type RangeBytes,
} from "../../src/protocol/client/client.ts";
import { bytes, compact, open, run } from "../store/helpers.ts";

/** What AnswerOutbox gives a turn, in bytes, and what a cell and a request count. */
const TURN_BYTES = 1024 * 1024;
const CELL_BYTES = 32;
const READ_BYTES = 256;
const KEYS = 12_000;
const HOT_VERSIONS = 3000;

const ALL: RangeBytes = {
  ...{ start: new Uint8Array(0), end: null, reverse: false, keysOnly: true, countOnly: false },
  ...{ limit: Number.MAX_SAFE_INTEGER, revision: 0 },
};

function filled(): KvState {
  const state = new KvState();
  const session = open(state, 1);
  let sequence = 0;
  const write = (key: string): void =>
    void run(state, session, ++sequence, { op: "write", key, value: "v" }, sequence);
  for (let i = 0; i < KEYS; i++) write(`k${i}`);
  for (let i = 0; i < HOT_VERSIONS; i++) write("hot");
  compact(state, KEYS);
  return state;
}

const state = filled();
const OLD = KEYS + 1;
const GONE = 5;

const FRAMES: Record<string, (writer: ReadsWriter, i: number) => void> = {
  ranges: (writer, i) => writer.range(i, ALL),
  "ranges in reverse": (writer, i) => writer.range(i, { ...ALL, reverse: true }),
  counts: (writer, i) => writer.range(i, { ...ALL, countOnly: true }),
  "counts of an old revision": (writer, i) =>
    writer.range(i, { ...ALL, countOnly: true, revision: OLD }),
  "ranges that find nothing": (writer, i) => writer.range(i, { ...ALL, start: bytes("z") }),
  "ranges that are compacted": (writer, i) => writer.range(i, { ...ALL, revision: GONE }),
  "ranges yet to come": (writer, i) => writer.range(i, { ...ALL, revision: 1e9 }),
  "old versions of a hot key": (writer, i) => writer.read(i, bytes("hot"), OLD),
  "many old versions of a hot key": (writer, i) =>
    writer.keys(
      i,
      Array.from({ length: 500 }, () => bytes("hot")),
      OLD,
    ),
  histories: (writer, i) => writer.history(i, bytes("hot"), 0, 1e9),
};

function frameOf(fill: (writer: ReadsWriter, i: number) => void): [Uint8Array, number] {
  const writer = new ReadsWriter();
  for (let i = 0; i < FRAME_COMMANDS_MAX && writer.fits(3000); i++) fill(writer, i);
  const { count } = writer;
  return [writer.take(true, 0), count];
}

describe.each(Object.entries(FRAMES))("%s", (_, fill) => {
  test("several frames of them are spread over turns", () => {
    const outbox = new AnswerOutbox();
    const readable = new Readable(() => state, RANGE_PAGE);
    const [frame, count] = frameOf(fill);
    const waiting: PendingRead[] = Array.from({ length: 4 }, (_value, id) => {
      const route: Route = {
        ...{ id, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
        isOpen: () => true,
        deliver: () => {},
      };
      return { route, frame, local: true, arrivedTick: 0, count };
    });
    let answered = 0;
    for (let turn = 0; turn < 40; turn++) {
      const before = readable.looked;
      let requests = 0;
      while (waiting.length > 0 && !outbox.isFull) {
        const read = waiting.shift()!;
        const result = outbox.answerRead(read, readable, REST_BYTES);
        requests += result.count;
        if (result.rest !== null) waiting.push(result.rest);
      }
      outbox.drain(1);
      answered += requests;
      // What exceeds the budget is one page at most, or the versions of one key.
      expect(readable.looked - before).toBeLessThanOrEqual(
        TURN_BYTES / CELL_BYTES + RANGE_PAGE.cells + HOT_VERSIONS,
      );
      expect(requests).toBeLessThanOrEqual(TURN_BYTES / READ_BYTES + 1);
    }
    expect(answered).toBeGreaterThan(40);
  });

  test("all of it is charged to who asks", () => {
    const outbox = new AnswerOutbox();
    const readable = new Readable(() => state, RANGE_PAGE);
    const load = new RouteLoad();
    const route: Route = {
      ...{ id: 1, relayed: false, answers: new AnswerWriter(), load },
      isOpen: () => true,
      deliver: () => {},
    };
    const [frame, count] = frameOf(fill);
    const read = { route, frame, local: true, arrivedTick: 0, count };
    const { count: answered } = outbox.answerRead(read, readable, REST_BYTES);
    expect(load.workBytes).toBeGreaterThanOrEqual(
      READ_BYTES * answered + CELL_BYTES * readable.looked,
    );
  });
});

test("a version that is taken out of the history counts for more than one that is only passed", () => {
  const workOf = (fill: (writer: ReadsWriter, i: number) => void): number => {
    const writer = new ReadsWriter();
    fill(writer, 1);
    const answers = new AnswerWriter();
    answerReads(answers, writer.take(true, 0), new Readable(() => state, RANGE_PAGE));
    return answers.work - answers.bytes;
  };
  const passed = workOf((writer, i) => writer.read(i, bytes("hot"), state.revision - 1000));
  const taken = workOf((writer, i) => writer.history(i, bytes("hot"), 0, 1000));
  expect(taken / passed).toBeGreaterThan(3);
});

test("the rest of a frame is the same frame: nothing of it is copied at any go, and what is refused is the rest", () => {
  const outbox = new AnswerOutbox();
  const told: string[] = [];
  const ignore = (): void => {};
  const route: Route = {
    ...{ id: 1, relayed: true, answers: new AnswerWriter(), load: new RouteLoad() },
    isOpen: () => true,
    deliver: (frame) =>
      decodeAnswers(frame, {
        ...{ appliedIdx: ignore, write: ignore, opened: ignore, refused: ignore, value: ignore },
        missing: (request) => void told.push(`${request} missing`),
        unread: (request, code) => void told.push(`${request} ${code}`),
      }),
  };
  const writer = new ReadsWriter();
  for (let i = 1; i <= 4; i++) writer.read(i, bytes(`none${i}`));
  const frame = writer.take(true, 0);
  const readable = new Readable(() => state, RANGE_PAGE);
  let rest: PendingRead = { route, frame, local: true, arrivedTick: 0, count: 4 };
  for (let left = 3; left >= 2; left--) {
    const result = outbox.answerRead(rest, readable, -1);
    expect(result.rest).toMatchObject({ count: left });
    expect(result.rest?.frame).toBe(frame);
    rest = result.rest ?? rest;
  }
  outbox.refuseRead(rest, "SHUTTING_DOWN", "");
  outbox.drain(1);
  expect(told).toEqual(["1 missing", "2 missing", "3 SHUTTING_DOWN", "4 SHUTTING_DOWN"]);
});

test("the bytes of keys are work, whether there are such keys or not", () => {
  const long = (i: number): Uint8Array => new Uint8Array(KEY_BYTES_MAX).fill(i);
  const asked: ((writer: ReadsWriter, i: number) => void)[] = [
    (writer, i) => writer.read(i, long(1)),
    (writer, i) => writer.read(i, long(1), OLD),
    (writer, i) => writer.history(i, long(1), 0, 1),
    (writer, i) => writer.keys(i, [long(1), long(2)]),
    (writer, i) => writer.range(i, { ...ALL, start: long(254), end: long(255) }),
  ];
  for (const ask of asked) {
    const writer = new ReadsWriter();
    for (let i = 0; writer.fits(2 * KEY_BYTES_MAX); i++) ask(writer, i);
    const { count } = writer;
    const route: Route = {
      ...{ id: 1, relayed: false, answers: new AnswerWriter(), load: new RouteLoad() },
      isOpen: () => true,
      deliver: () => {},
    };
    const read = { route, frame: writer.take(true, 0), local: true, arrivedTick: 0, count };
    const outbox = new AnswerOutbox();
    const { count: answered, work } = outbox.answerRead(
      read,
      new Readable(() => state, RANGE_PAGE),
      REST_BYTES,
    );
    expect(work).toBeGreaterThanOrEqual(answered * KEY_BYTES_MAX);
    expect(answered).toBeLessThanOrEqual(REST_BYTES / KEY_BYTES_MAX + 1);
    expect(route.load.workBytes).toBeGreaterThanOrEqual(answered * KEY_BYTES_MAX);
  }
});
