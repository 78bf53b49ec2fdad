/** Messages cut into frames and put together again: whole, in order, or the session ends. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import {
  PEER_FRAME_BYTES_MIN,
  PeerFrameReader,
  PeerFrameWriter,
  type PeerFrameSink,
} from "../../../src/protocol/peer/peer-frame.ts";

const SESSION = 0xdeadbeef;

function collector(): { sink: PeerFrameSink; seen: string[] } {
  const seen: string[] = [];
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return {
    seen,
    sink: {
      message: (bytes) => seen.push(`message ${hex(bytes)}`),
      renewed: () => seen.push("renewed"),
      ping: (token) => seen.push(`ping ${hex(token)}`),
      pong: (token) => seen.push(`pong ${hex(token)}`),
    },
  };
}

type Added = { kind: "message" | "ping" | "pong"; bytes: Uint8Array } | { kind: "renewed" };
const added: fc.Arbitrary<Added> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("message" as const),
      bytes: fc.uint8Array({ maxLength: 400 }),
    }),
  },
  fc.record({
    kind: fc.constantFrom("ping" as const, "pong" as const),
    bytes: fc.uint8Array({ maxLength: 16 }),
  }),
  fc.constant({ kind: "renewed" as const }),
);

function add(writer: PeerFrameWriter, item: Added): void {
  if (item.kind === "message") writer.addMessage(item.bytes);
  else if (item.kind === "ping") writer.addPing(item.bytes);
  else if (item.kind === "pong") writer.addPong(item.bytes);
  else writer.addRenewed();
}

function textOf(item: Added): string {
  return item.kind === "renewed"
    ? "renewed"
    : `${item.kind} ${Buffer.from(item.bytes).toString("hex")}`;
}

describe("frames of a session", () => {
  test("what was added comes out, in order, whatever the frame size and the turns", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(added, { maxLength: 12 }), { maxLength: 6 }),
        fc.integer({ min: PEER_FRAME_BYTES_MIN, max: 700 }),
        (turns, frameBytesMax) => {
          const writer = new PeerFrameWriter(SESSION, frameBytesMax);
          const reader = new PeerFrameReader(SESSION, 1000);
          const { sink, seen } = collector();
          for (const turn of turns) {
            for (const item of turn) add(writer, item);
            for (const frame of writer.take()) {
              expect(frame.length).toBeLessThanOrEqual(frameBytesMax);
              reader.read(frame, sink);
            }
            expect(writer.pendingBytes).toBe(0);
          }
          expect(seen).toEqual(turns.flat().map(textOf));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("small messages of one turn share one frame", () => {
    const writer = new PeerFrameWriter(SESSION, 1024);
    for (let i = 0; i < 50; i++) writer.addMessage(new Uint8Array(10));
    expect(writer.take()).toHaveLength(1);
  });

  test("taken a little at a time it comes out the same, and what is urgent before what waits", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(
            added.filter((item) => textOf(item) !== "message ff"),
            { maxLength: 12 },
          ),
          { minLength: 1, maxLength: 6 },
        ),
        fc.integer({ min: PEER_FRAME_BYTES_MIN, max: 700 }),
        fc.integer({ min: 1, max: 500 }),
        (turns, frameBytesMax, bytesMax) => {
          const writer = new PeerFrameWriter(SESSION, frameBytesMax);
          const reader = new PeerFrameReader(SESSION, 1000);
          const { sink, seen } = collector();
          const send = (most: number): void => {
            for (const frame of writer.take(most)) {
              expect(frame.length).toBeLessThanOrEqual(frameBytesMax);
              reader.read(frame, sink);
            }
          };
          turns.forEach((turn, i) => {
            for (const item of turn) add(writer, item);
            send(bytesMax);
            writer.addUrgent(Uint8Array.of(0xff));
            send(bytesMax);
            expect(seen.filter((text) => text === "message ff")).toHaveLength(i + 1);
          });
          while (writer.pendingBytes > 0) send(bytesMax);
          const others = turns.flat().map(textOf);
          expect(seen.filter((text) => text !== "message ff")).toEqual(others);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("without room only what is urgent goes, within a fragmented message too", () => {
    const writer = new PeerFrameWriter(SESSION, 100);
    const reader = new PeerFrameReader(SESSION, 1000);
    const { sink, seen } = collector();
    writer.addMessage(new Uint8Array(300).fill(7));
    for (const frame of writer.take(150)) reader.read(frame, sink);
    writer.addUrgent(Uint8Array.of(1));
    for (const frame of writer.take(0)) reader.read(frame, sink);
    expect(seen).toEqual(["message 01"]);
    for (const frame of writer.take()) reader.read(frame, sink);
    expect(seen).toEqual(["message 01", `message ${"07".repeat(300)}`]);
    expect(writer.pendingBytes).toBe(0);
  });

  test("slices make a message, whatever comes between them", () => {
    const writer = new PeerFrameWriter(SESSION, 1024);
    const reader = new PeerFrameReader(SESSION, 1000);
    const { sink, seen } = collector();
    writer.addSlice(Uint8Array.of(1, 2), false);
    writer.addMessage(Uint8Array.of(9));
    for (const frame of writer.take()) reader.read(frame, sink);
    writer.addSlice(Uint8Array.of(3), true);
    writer.addSlice(Uint8Array.of(4), true);
    for (const frame of writer.take()) reader.read(frame, sink);
    expect(seen).toEqual(["message 09", "message 010203", "message 04"]);
  });

  test("slices beyond the limit end the session", () => {
    const writer = new PeerFrameWriter(SESSION, 2048);
    const reader = new PeerFrameReader(SESSION, 1000);
    writer.addSlice(new Uint8Array(600), false);
    writer.addSlice(new Uint8Array(600), false);
    expect(() => reader.read(writer.take()[0]!, collector().sink)).toThrow(/slices of 1200 bytes/);
  });

  test("a message of a single frame is a view of it", () => {
    const writer = new PeerFrameWriter(SESSION, 1024);
    writer.addMessage(new Uint8Array(10));
    const frame = writer.take()[0]!;
    let seen: Uint8Array | null = null;
    const { sink } = collector();
    new PeerFrameReader(SESSION, 1000).read(frame, { ...sink, message: (bytes) => (seen = bytes) });
    expect(seen!.buffer).toBe(frame.buffer);
  });

  test("a frame lost, repeated or out of order ends the session", () => {
    const frames = (): Uint8Array[] => {
      const writer = new PeerFrameWriter(SESSION, 1024);
      return [1, 2, 3].map((byte) => {
        writer.addMessage(Uint8Array.of(byte));
        return writer.take()[0]!;
      });
    };
    for (const order of [[0, 2], [0, 0], [1], [0, 1, 0]]) {
      const reader = new PeerFrameReader(SESSION, 1000);
      const { sink } = collector();
      const last = order.pop()!;
      for (const each of order) reader.read(frames()[each]!, sink);
      expect(() => reader.read(frames()[last]!, sink)).toThrow(/frame \d after frame \d/);
    }
  });

  test("a frame of another session ends the session", () => {
    const writer = new PeerFrameWriter(1, 1024);
    writer.addMessage(Uint8Array.of(1));
    const reader = new PeerFrameReader(2, 1000);
    expect(() => reader.read(writer.take()[0]!, collector().sink)).toThrow(
      /session 1 in session 2/,
    );
  });

  test("a message longer than the limit is refused at its first fragment", () => {
    const writer = new PeerFrameWriter(SESSION, 200);
    writer.addMessage(new Uint8Array(1001));
    const reader = new PeerFrameReader(SESSION, 1000);
    expect(() => reader.read(writer.take()[0]!, collector().sink)).toThrow(/message of 1001 bytes/);
  });

  /** A first frame made by hand: kind and bytes of each part. */
  function frameOf(...parts: readonly [kind: number, ...bytes: number[]][]): Uint8Array {
    const header = Buffer.alloc(11);
    header[0] = 1;
    header.writeUInt32BE(SESSION, 1);
    header.writeUIntBE(1, 5, 6);
    const body = parts.flatMap(([kind, ...bytes]) => [kind, 0, 0, 0, bytes.length, ...bytes]);
    return Buffer.concat([header, Buffer.from(body)]);
  }
  const beginning = (total: number): [number, ...number[]] => [1, 0, 0, 0, total, 7];

  test.each<[string, Uint8Array, RegExp]>([
    ["fragments longer than announced", frameOf(beginning(3), [2, 1, 2, 3]), /exceed/],
    ["a fragment that is the whole", frameOf(beginning(1)), /fragment of a whole message/],
    ["a fragment without content", frameOf([1, 0, 0, 0, 9]), /empty fragment/],
    ["a next fragment without content", frameOf(beginning(9), [2]), /empty fragment/],
    ["a next fragment first", frameOf([2, 7]), /without a beginning/],
    ["a message between fragments", frameOf(beginning(9), [0, 7]), /inside a fragmented message/],
    ["two beginnings", frameOf(beginning(9), beginning(9)), /inside a fragmented message/],
    ["an unknown part", frameOf([9]), /unknown kind 9/],
    ["a slice without content", frameOf([6]), /empty slice/],
    ["a renewal that says more", frameOf([3, 1]), /renewal with content/],
    ["a ping too long", frameOf([4, ...Array<number>(17).fill(0)]), /control part too long/],
    ["a part cut off", frameOf([0, 1, 2]).subarray(0, -1), /part of 2 bytes, 1 present/],
    ["a part without length", Buffer.concat([frameOf(), Buffer.of(0, 0)]), /truncated part/],
    [
      "another kind of frame",
      Buffer.concat([Buffer.of(2), frameOf().subarray(1)]),
      /unknown kind 2/,
    ],
  ])("%s ends the session", (_, frame, reason) => {
    const reader = new PeerFrameReader(SESSION, 1000);
    expect(() => reader.read(frame, collector().sink)).toThrow(reason);
  });

  test("damaged frames give a DecodeError and never a message that is longer than the limit", () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.array(added, { minLength: 1, maxLength: 8 }),
        flips,
        fc.nat(3),
        (items, damage, cut) => {
          const writer = new PeerFrameWriter(SESSION, 128);
          for (const item of items) add(writer, item);
          const reader = new PeerFrameReader(SESSION, 500);
          const sink: PeerFrameSink = {
            ...collector().sink,
            message: (bytes) => expect(bytes.length).toBeLessThanOrEqual(500),
          };
          const frames = writer
            .take()
            .map((frame) => frame.slice(0, Math.max(1, frame.length - cut)));
          for (const [at, by] of damage) {
            const frame = frames[at % frames.length]!;
            frame[(at >> 3) % frame.length]! ^= by;
          }
          try {
            for (const frame of frames) reader.read(frame, sink);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
