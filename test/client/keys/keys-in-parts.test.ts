/** Many keys whose values do not fit one answer: they come in several, of one state, and no connection ends for it. */
import { describe, expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { CLIENT_FRAME_BYTES_MAX, VALUE_BYTES_MAX } from "../../../src/base/limits.ts";
import { Readable } from "../../../src/replica/reads/readable.ts";
import { answerReads } from "../../../src/replica/turn/answer-reads.ts";
import {
  AnswerWriter,
  decodeAnswers,
  ReadsWriter,
  type AnswerHandler,
} from "../../../src/protocol/client/client.ts";
import { KvState, RANGE_PAGE } from "../../../src/store/index.ts";
import { keysInParts, type AskForKeys } from "../../../src/client/keys/index.ts";
import { FoundResult, MissingResult, type ReadResult } from "../../../src/client/terms/index.ts";
import { bytes, open, run } from "../../store/helpers.ts";
import { settle } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

const LARGE = "x".repeat(VALUE_BYTES_MAX);

function stateWith(keys: readonly string[]): KvState {
  const state = new KvState();
  const session = open(state, 1);
  for (const [i, key] of keys.entries()) {
    run(state, session, i + 1, { op: "write", key, value: LARGE }, i + 1);
  }
  return state;
}

function framesFor(state: KvState, keys: readonly string[]): Uint8Array[] {
  const writer = new ReadsWriter();
  writer.keys(
    1,
    keys.map((key) => bytes(key)),
  );
  const answers = new AnswerWriter();
  answerReads(answers, writer.take(true, 0), new Readable(() => state, RANGE_PAGE));
  const frames: Uint8Array[] = [];
  answers.drain(1, (frame) => frames.push(frame));
  return frames;
}

/** What the frames tell; a DecodeError when one is too long. */
function told(frames: readonly Uint8Array[]): string[] {
  const all: string[] = [];
  const other = (): void => void all.push("other");
  const handler: AnswerHandler = {
    ...{ appliedIdx: () => {}, write: other, opened: other, refused: other },
    ...{ value: other, missing: other },
    page: (_, { items }) => void all.push(`page of ${[...items].length}`),
    unread: (_, code) => void all.push(code),
  };
  for (const frame of frames) decodeAnswers(frame, handler);
  return all;
}

describe("a node", () => {
  test("tells a key that is named many times once", () => {
    const frames = framesFor(
      stateWith(["a"]),
      Array.from({ length: 31 }, () => "a"),
    );
    expect(told(frames)).toEqual(["page of 1"]);
    expect(frames.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(1.1 * VALUE_BYTES_MAX);
  });

  test("refuses for good what no frame has room for", () => {
    const keys = ["a", "b", "c", "d", "e"];
    const state = stateWith(keys);
    const frames = framesFor(state, keys);
    expect(told(frames)).toEqual(["VALUE_TOO_LARGE"]);
    expect(told(framesFor(state, keys.slice(0, 3)))).toEqual(["page of 3"]);
    expect(new KvError("VALUE_TOO_LARGE", "")).toMatchObject({ definite: true, retryable: false });
    for (const { length } of frames) expect(length).toBeLessThanOrEqual(CLIENT_FRAME_BYTES_MAX);
  });
});

describe("a client", () => {
  test("gets them all, of the state that the first answer was of", async () => {
    const cluster = new FakeCluster(1);
    const client = cluster.client();
    const keys = ["a", "none", "b", "c", "d", "e"];
    for (const key of keys) if (key !== "none") await settle(cluster, client.write(key, LARGE));
    const node = cluster.node(1);
    // Others write between the first answer and the second.
    const session = open(cluster.state, 99);
    const { readable } = node;
    let later = 0;
    node.readable = new Proxy(readable, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name);
        if (name === "readAt" && ++later === 1) {
          run(cluster.state, session, 1, { op: "write", key: "e", value: "later" }, 1);
          run(cluster.state, session, 2, { op: "delete", key: "d" }, 2);
        }
        return typeof value === "function" ? (value.bind(of) as unknown) : value;
      },
    });
    const lengths = (results: readonly ReadResult[]): (number | null)[] =>
      results.map((result) => (result.found ? result.value.length : null));
    const { revision, results } = await settle(cluster, client.snapshot(keys));
    expect(revision).toBe(5);
    expect(lengths(results)).toEqual(keys.map((key) => (key === "none" ? null : VALUE_BYTES_MAX)));
    expect(later).toBeGreaterThan(0);
    const many = await settle(cluster, client.get(["a", "a", "b", "c", "e", "d"]));
    const full = VALUE_BYTES_MAX;
    expect(lengths(many)).toEqual([full, full, full, full, 5, null]);
    client.close();
  });
});

describe("the parts", () => {
  const found = (length: number): ReadResult => new FoundResult(new Uint8Array(length), 1, 1, 1, 1);
  const named = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => Uint8Array.of(i));

  test("grow again behind what was large", async () => {
    const asked: number[] = [];
    const ask: AskForKeys = async (keys) => {
      asked.push(keys.length);
      if ((keys[0]?.[0] ?? 0) < 2 && keys.length > 1) throw new KvError("VALUE_TOO_LARGE", "");
      return { revision: 3, results: keys.map(() => found(1)) };
    };
    const { results } = await keysInParts(ask, named(16));
    expect(results).toHaveLength(16);
    expect(asked).toEqual([16, 8, 4, 2, 1, 2, 1, 2, 4, 8]);
  });

  test("are of one revision, and none is asked for of the state without keys", async () => {
    const asked: (number | null)[] = [];
    const ask: AskForKeys = async (keys, revision) => {
      asked.push(revision);
      if (keys.length > 2) throw new KvError("VALUE_TOO_LARGE", "");
      return { revision: 0, results: keys.map(() => new MissingResult(4)) };
    };
    const { results, revision } = await keysInParts(ask, named(5));
    expect(asked).toEqual([null, null, null]);
    expect(revision).toBe(0);
    expect(results).toEqual(Array.from({ length: 5 }, () => new MissingResult(4)));
  });

  test("end when they are too much for a program, and other refusals are the caller's", async () => {
    const ask: AskForKeys = async (keys) => {
      if (keys.length > 3) throw new KvError("VALUE_TOO_LARGE", "");
      return { revision: 3, results: keys.map(() => found(VALUE_BYTES_MAX)) };
    };
    await expect(keysInParts(ask, named(32))).resolves.toBeDefined();
    await expect(keysInParts(ask, named(40))).rejects.toMatchObject({
      ...{ code: "OVERLOADED", definite: true },
    });
    const compacted: AskForKeys = () => Promise.reject(new KvError("COMPACTED", "gone"));
    await expect(keysInParts(compacted, named(4))).rejects.toMatchObject({ code: "COMPACTED" });
  });
});
