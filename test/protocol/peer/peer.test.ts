/** What nodes send each other survives the way unchanged; what no node sends is refused, and nothing worse happens. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BALLOT_N_MAX } from "../../../src/base/limits.ts";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import { decodeMsgpack, encodeMsgpack } from "../../../src/protocol/codec/msgpack.ts";
import { STATE_CHECKPOINTS_MAX } from "../../../src/protocol/messages/replica-message.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  type PeerMessage,
} from "../../../src/protocol/peer/peer.ts";

const index = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 300 });
const ballotNumber = fc.integer({ min: 0, max: BALLOT_N_MAX });
const ballot = fc.record({ configId: index, n: ballotNumber, priority: index, pid: index });
const hash = fc.nat(2 ** 32 - 1);
const seq = fc.record({ session: index, counter: index });
const name = fc.record({ idx: index, bytes: index, crc: fc.nat(2 ** 32 - 1) });
const entries = fc.array(bytes, { maxLength: 20 });
const nodes = fc.array(fc.integer({ min: 1, max: 2 ** 31 }), { minLength: 1, maxLength: 9 });
const nextConfig = fc.oneof(
  fc.record({ configurationId: fc.integer({ min: 1 }), nodes }),
  fc.record({
    configurationId: fc.integer({ min: 1 }),
    nodes,
    flexibleQuorum: fc.record({
      read: fc.integer({ min: 1, max: 64 }),
      write: fc.integer({ min: 1, max: 64 }),
    }),
  }),
);
const stopSign = fc.record({ nextConfig, metadata: fc.option(bytes) });
const snapshot = fc.oneof(
  name.map((value) => ({ kind: "complete" as const, idx: value.idx, value })),
  fc.tuple(index, index, name).map(([a, b, value]) => ({
    kind: "delta" as const,
    baseIdx: Math.min(a, b),
    idx: Math.max(a, b),
    value,
  })),
);
const logSync = fc.record({
  snapshot: fc.option(snapshot),
  syncIdx: index,
  suffix: entries,
  stopSign: fc.option(stopSign),
});

/** One arbitrary for every type: a type without one does not compile. */
const kept = fc.option(fc.record({ oldest: index, hash }));
const BY_TYPE: {
  [K in PeerMessage["type"]]: fc.Arbitrary<Omit<Extract<PeerMessage, { type: K }>, "type">>;
} = {
  heartbeatRequest: fc.record({ round: index, incarnation: index }),
  heartbeatReply: fc.record({
    round: index,
    incarnation: index,
    ballot,
    leader: ballot,
    happy: fc.boolean(),
  }),
  prepareReq: fc.record({ n: ballot }),
  prepare: fc.record({ n: ballot, decidedIdx: index, acceptedRound: ballot, acceptedIdx: index }),
  promise: fc.record({
    n: ballot,
    acceptedRound: ballot,
    decidedIdx: index,
    acceptedIdx: index,
    logSync: fc.option(logSync),
  }),
  acceptSync: fc.record({ n: ballot, seq, decidedIdx: index, logSync }),
  acceptDecide: fc.record({ n: ballot, seq, decidedIdx: index, entries }),
  accepted: fc.record({ n: ballot, acceptedIdx: index, decidedIdx: index }),
  decide: fc.record({ n: ballot, seq, decidedIdx: index }),
  acceptStopSign: fc.record({ n: ballot, seq, stopSign }),
  notAccepted: fc.record({ n: ballot }),
  takeOver: fc.record({ n: ballot }),
  proposalForward: fc.record({ entries }),
  forwardStopSign: fc.record({ stopSign }),
  compaction: fc.record({
    compaction: fc.oneof(
      fc.record({ kind: fc.constant("trim" as const), idx: index }),
      fc.record({ kind: fc.constant("snapshot" as const), idx: fc.option(index) }),
    ),
  }),
  progress: fc.record({ n: ballot, seq, decidedIdx: index }),
  readRequest: fc.record({ boot: index, id: index, n: ballot }),
  readProbe: fc.record({ boot: index, id: index, n: ballot }),
  readAck: fc.record({ boot: index, id: index, n: ballot }),
  readIndex: fc.record({ boot: index, id: index, idx: index }),
  readRefused: fc.record({ boot: index, id: index }),
  quorumRead: fc.record({ boot: index, id: index }),
  quorumReadAck: fc.record({ boot: index, id: index, acceptedIdx: index }),
  snapshotRequest: fc.record({ snapshot: name, offset: index }),
  snapshotChunk: fc.record({ snapshot: name, offset: index, bytes }),
  snapshotGone: fc.record({ snapshot: name }),
  relayRequest: fc.record({
    boot: index,
    id: index,
    frame: bytes,
    ageTicks: index,
    maybeProposed: fc.boolean(),
    actor: fc.option(fc.record({ name: fc.string({ maxLength: 128 }), generation: index })),
  }),
  relayReturned: fc.record({
    boot: index,
    id: index,
    frame: bytes,
    ageTicks: index,
    maybeProposed: fc.boolean(),
    actor: fc.option(fc.record({ name: fc.string({ maxLength: 128 }), generation: index })),
  }),
  relayAnswer: fc.record({ boot: index, id: index, frame: bytes }),
  report: fc.record({
    promise: ballot,
    joined: fc.boolean(),
    durable: fc.record({
      promise: ballot,
      acceptedRound: ballot,
      acceptedIdx: index,
      decidedIdx: index,
    }),
    mark: index,
    places: fc.array(
      fc.record({
        node: fc.integer({ min: 1, max: 1000 }),
        incarnation: fc.string({ maxLength: 64 }),
        generation: fc.nat(2 ** 32 - 1),
        waits: fc.boolean(),
      }),
      { maxLength: 9 },
    ),
  }),
  joinRequest: fc.record({
    n: ballot,
    acceptedRound: ballot,
    acceptedIdx: index,
    decidedIdx: index,
  }),
  stateHashes: fc.record({
    life: hash,
    checkpoints: fc.array(fc.record({ idx: index, content: hash, history: hash, kept }), {
      maxLength: STATE_CHECKPOINTS_MAX,
    }),
    rules: fc.option(index),
  }),
};

const TYPES = Object.keys(BY_TYPE) as PeerMessage["type"][];
const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  ...TYPES.map((type) =>
    (BY_TYPE[type] as fc.Arbitrary<object>).map((body) => ({ ...body, type }) as PeerMessage),
  ),
);

/** Whether bytes are views or copies, Buffers or not, is no difference in meaning. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

function decodeOrError(input: Uint8Array): PeerMessage | DecodeError {
  try {
    return decodePeerMessage(input);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return error as DecodeError;
  }
}

describe("messages between nodes", () => {
  test.each(TYPES)("%s arrives as it was sent", (type) => {
    fc.assert(
      fc.property(BY_TYPE[type] as fc.Arbitrary<object>, (body) => {
        const message = { ...body, type } as PeerMessage;
        expect(plain(decodePeerMessage(encodePeerMessage(message)))).toEqual(plain(message));
      }),
      { numRuns: 60 },
    );
  });

  test("entries are views of the bytes that came in", () => {
    const entry = Uint8Array.from({ length: 1000 }, (_, i) => i);
    const n = { configId: 1, n: 1, priority: 0, pid: 1 };
    const encoded = encodePeerMessage({
      type: "acceptDecide",
      n,
      seq: { session: 1, counter: 1 },
      decidedIdx: 0,
      entries: [entry],
    });
    const decoded = decodePeerMessage(encoded);
    expect(decoded.type === "acceptDecide" && decoded.entries[0]?.buffer).toBe(encoded.buffer);
  });

  test("reads that do not name the process that asks are not understood any more", () => {
    for (const code of [64, 65, 66, 67]) {
      const input = Uint8Array.of(0xc1, code, 1, 1, 1, 1, 1);
      expect(() => decodePeerMessage(input)).toThrow(`unknown compact message ${code}`);
    }
  });

  test("bytes at random are refused with a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        expect(decodeOrError(input)).toBeDefined();
      }),
      { numRuns: 3000 },
    );
  });

  test("a message with bytes flipped, cut or added is refused or is another valid message", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(anyMessage, damage, fc.nat(), fc.nat(8), (message, flips, cut, extra) => {
        const encoded = encodePeerMessage(message);
        const damaged = new Uint8Array(encoded.length - (cut % 4) + extra);
        damaged.set(encoded.subarray(0, damaged.length));
        for (const [at, by] of flips) damaged[at % damaged.length]! ^= by;
        const result = decodeOrError(damaged);
        if (!(result instanceof DecodeError)) {
          expect(plain(decodePeerMessage(encodePeerMessage(result)))).toEqual(plain(result));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("every proper prefix of a message is refused", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const encoded = encodePeerMessage(message);
        for (let length = 0; length < encoded.length; length++) {
          expect(decodeOrError(encoded.subarray(0, length))).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("valid msgpack of any other shape is refused", () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: false, maxDepth: 3 }).map((value) => plain(value)),
        fc.integer({ min: -1, max: 20 }),
        (value, code) => {
          const shapes = [value, [code, value], [code, value, value, value], { type: value }];
          for (const shape of shapes) expect(decodeOrError(encodeMsgpack(shape))).toBeDefined();
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown code", [99, 1], /unknown message type 99/],
    ["an unknown type", { type: "hello" }, /unknown message type "hello"/],
    ["a name every object has", { type: "constructor" }, /unknown message type "constructor"/],
    [
      "a missing field",
      [9, [1, 1, 0, 1], [1, 1]],
      /decide: expected an array of 3, got an array of 2/,
    ],
    [
      "one field too many",
      [3, [1, 1, 0, 1], 7],
      /prepareReq: expected an array of 1, got an array of 2/,
    ],
    ["a negative index", [8, [1, 1, 0, 1], -1, 0], /acceptedIdx: expected an integer/],
    ["a fraction", [8, [1, 1, 0, 1], 1.5, 0], /acceptedIdx: expected an integer/],
    ["infinity", [8, [1, 1, 0, 1], Infinity, 0], /acceptedIdx: expected an integer/],
    ["a short ballot", [3, [1, 1, 0]], /n: expected an array of 4, got an array of 3/],
    ["text for bytes", [12, ["entry"]], /entries: expected at most \d+ bytes, got string/],
    ["no nodes", [13, [1, [], null, null]], /stopSign.nodes: expected an array of 1 to 64/],
    ["too many nodes", [13, [1, Array(65).fill(1), null, null]], /stopSign.nodes/],
    [
      "a delta from the future",
      [5, [1, 1, 0, 1], [1, 1, 0, 1], 0, 0, [[9, 5, 5, 1, 1], 0, [], null]],
      /baseIdx/,
    ],
    [
      "a snapshot with another one's name",
      [5, [1, 1, 0, 1], [1, 1, 0, 1], 0, 0, [[null, 5, 6, 1, 1], 0, [], null]],
      /snapshot.idx: 5, and its name 6/,
    ],
    ["a read without id", { type: "readRefused", boot: 1 }, /readRefused.id: expected an integer/],
    ["a read of nobody", { type: "readRefused", id: 1 }, /readRefused.boot: expected an integer/],
    [
      "a chunk of numbers",
      { type: "snapshotChunk", snapshot: { idx: 1, bytes: 1, crc: 1 }, offset: 0, bytes: [1] },
      /snapshotChunk.bytes/,
    ],
  ])("%s is refused by name", (_, value, reason) => {
    expect(() => decodePeerMessage(encodeMsgpack(value))).toThrow(reason);
  });
});

describe("msgpack from others", () => {
  test("a header that promises more elements than there are bytes allocates nothing", () => {
    for (const head of [0xdd, 0xdf]) {
      const input = Uint8Array.of(head, 0xff, 0xff, 0xff, 0xff, 0);
      expect(() => decodeMsgpack(input)).toThrow(/more elements than bytes/);
    }
  });

  test("nesting is bounded", () => {
    const input = new Uint8Array(100_000).fill(0x91);
    expect(() => decodeMsgpack(input)).toThrow(DecodeError);
    expect(() => decodeMsgpack(Uint8Array.of(...Array(40).fill(0x91), 0))).toThrow(/too deep/);
  });

  test("extension types, records included, are refused", () => {
    for (const head of [0xc1, 0xc7, 0xc8, 0xc9, 0xcf, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]) {
      expect(() => decodeMsgpack(Uint8Array.of(head, ...Array(30).fill(1)))).toThrow(/type/);
    }
  });

  test("a map cannot reach a prototype", () => {
    const input = Uint8Array.of(0x81, 0xa9, ...Buffer.from("__proto__"), 0x81, 0xa1, 0x78, 1);
    const value = decodeMsgpack(input) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value["x"]).toBeUndefined();
  });
});

test("a ballot that none could exceed is no ballot, in whatever form it comes", () => {
  const n = { configId: 1, n: BALLOT_N_MAX + 1, priority: 0, pid: 2 };
  const messages: PeerMessage[] = [
    { type: "prepare", n, decidedIdx: 0, acceptedRound: n, acceptedIdx: 0 },
    { type: "accepted", n, acceptedIdx: 0, decidedIdx: 0 },
    { type: "heartbeatReply", round: 1, incarnation: 1, ballot: n, leader: n, happy: true },
    { type: "readProbe", boot: 1, id: 1, n },
    { type: "joinRequest", n, acceptedRound: n, acceptedIdx: 0, decidedIdx: 0 },
  ];
  for (const message of messages) {
    expect(() => decodePeerMessage(encodePeerMessage(message))).toThrow(DecodeError);
  }
});
