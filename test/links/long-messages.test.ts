/** Long messages go in slices, one at a time, and never fill the connection. */
import { describe, expect, test } from "vitest";
import { LongMessages } from "../../src/links/long-messages.ts";
import type { Ballot } from "../../src/omnipaxos/index.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { asLongMessage, type LongMessage } from "../../src/protocol/peer/long-message.ts";
import type { NodePaxosMessage } from "../../src/protocol/messages/peer-message.ts";
import { decodePeerMessage, encodePeerMessage } from "../../src/protocol/peer/peer.ts";

const N: Ballot = { configId: 1, n: 5, priority: 0, pid: 2 };
const sync = (lengths: readonly number[]): NodePaxosMessage => ({
  type: "acceptSync",
  n: N,
  seq: { session: 3, counter: 0 },
  decidedIdx: 2 ** 40,
  logSync: {
    snapshot: { kind: "complete", idx: 9, value: { idx: 9, bytes: 300, crc: 0xffffffff } },
    syncIdx: 9,
    suffix: lengths.map((length, i) => new Uint8Array(length).fill(i)),
    stopSign: null,
  },
});

/** Says `text`, in pieces of a byte. */
const saying = (key: string, text: string): LongMessage => ({
  key,
  entryBytes: text.length,
  pieces: () =>
    text
      .split("")
      .map((letter) => Buffer.from(letter))
      .values(),
});

function harness(sliceBytes: number): {
  clock: SimClock;
  messages: LongMessages;
  slices: string[];
  buffered: { bytes: number };
} {
  const clock = new SimClock();
  const slices: string[] = [];
  const buffered = { bytes: 0 };
  const messages = new LongMessages({
    ...{ clock, sliceBytes },
    bufferedBytes: () => buffered.bytes,
    send: (slice, last) => slices.push(Buffer.from(slice).toString() + (last ? "." : "")),
  });
  return { clock, messages, slices, buffered };
}

test("the pieces of a message decode to the message, however large its entries", () => {
  for (const lengths of [[10], [0, 1, 70_000], Array.from({ length: 300 }, (_, i) => i)]) {
    const message = sync(lengths);
    const long = asLongMessage(message, 1)!;
    expect(long.entryBytes).toBe(lengths.reduce((sum, length) => sum + length, 0));
    const pieces: Uint8Array[] = [];
    const iterator = long.pieces();
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      pieces.push(next.value);
    }
    const whole = decodePeerMessage(encodePeerMessage(message));
    expect(decodePeerMessage(Buffer.concat(pieces))).toEqual(whole);
  }
});

test("a message is long when its entries have more bytes than asked for", () => {
  expect(asLongMessage(sync([10, 10]), 20)).toBeNull();
  expect(asLongMessage(sync([10, 11]), 20)).not.toBeNull();
  expect(asLongMessage({ type: "prepareReq", n: N }, 0)).toBeNull();
});

describe("slices", () => {
  test.each([1, 2, 3, 5, 6, 100])("of %i bytes say all of it, in order", (sliceBytes) => {
    const { clock, messages, slices } = harness(sliceBytes);
    expect(messages.add(saying("a", "hello"))).toBe(true);
    expect(slices).toEqual([]);
    clock.run(100);
    expect(slices.join("")).toBe("hello.");
    expect(Math.max(...slices.map((slice) => slice.replace(".", "").length))).toBe(
      Math.min(5, sliceBytes),
    );
  });

  test("one message is under way and the newest other one waits", () => {
    const { clock, messages, slices } = harness(2);
    messages.add(saying("a", "first".repeat(9)));
    clock.run(1);
    expect(messages.add(saying("a", "again"))).toBe(false);
    expect(messages.add(saying("b", "older"))).toBe(true);
    expect(messages.add(saying("b", "newer"))).toBe(true);
    clock.run(100);
    expect(slices.join("")).toBe(`${"first".repeat(9)}.newer.`);
  });

  test("wait while the connection has enough to do, and end with the session", () => {
    const { clock, messages, slices, buffered } = harness(2);
    buffered.bytes = 32;
    messages.add(saying("a", "hello".repeat(10)));
    clock.run(50);
    expect(slices).toEqual([]);
    buffered.bytes = 31;
    clock.run(3);
    expect(slices.length).toBeGreaterThan(0);
    expect(slices.at(-1)).not.toContain(".");
    messages.stop();
    const sent = slices.length;
    clock.run(100);
    expect(slices).toHaveLength(sent);
  });
});
