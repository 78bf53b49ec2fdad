/**
 * What one turn spends on ranges, counts, old versions and their refusals, however many come in one frame. Counted in what is
 * looked at and answered, not in time.
 */
import { describe, expect, test } from "vitest";
import { FRAME_COMMANDS_MAX } from "../../src/base/limits.ts";
import { KvState, RANGE_PAGE } from "../../src/store/index.ts";
import { answerReads } from "../../src/replica/turn/answer-reads.ts";
import { AnswerOutbox } from "../../src/replica/turn/answer-outbox.ts";
import type { PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { Readable } from "../../src/replica/reads/readable.ts";
import { REST_BYTES } from "../../src/replica/turn/rests.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import { AnswerWriter, ReadsWriter, type RangeBytes } from "../../src/protocol/client/client.ts";
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
