/**
 * What nodes say to each other is byte for byte what it was when these bytes were recorded, by the code that had an encoder
 * and a decoder for every kind of message: nodes of the version before must understand it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { asLongMessage } from "../../src/protocol/peer/long-message.ts";
import { decodeMsgpack, encodeMsgpack } from "../../src/protocol/codec/msgpack.ts";
import { PeerFrameWriter } from "../../src/protocol/peer/peer-frame.ts";
import { peerHelloFromFields, peerHelloToFields } from "../../src/protocol/handshake/peer-hello.ts";
import { decodePeerMessage, encodePeerMessage } from "../../src/protocol/peer/peer.ts";
import { HELLO_SAMPLE, PEER_SAMPLES } from "./peer-samples.ts";

const recorded = JSON.parse(
  readFileSync(new URL("./fixtures/peer-bytes.json", import.meta.url), "utf8"),
) as {
  /** Kinds with their bytes, in the order of the samples. */
  readonly messages: readonly (readonly [string, string])[];
  readonly hello: string;
  readonly frames: readonly string[];
  /** The same messages in pieces; null: never so long. */
  readonly longMessages: readonly (string | null)[];
};

/** Very long ones by their length and hash. */
function hex(bytes: Uint8Array): string {
  if (bytes.length <= 4000) return Buffer.from(bytes).toString("hex");
  return `sha256:${bytes.length}:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Whether bytes are Buffers or not is no difference in meaning. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

test("messages of every kind", () => {
  expect(PEER_SAMPLES.map((message) => [message.type, hex(encodePeerMessage(message))])).toEqual(
    recorded.messages,
  );
});

test("recorded messages say what they said", () => {
  for (const [i, [, bytes]] of recorded.messages.entries()) {
    if (bytes.startsWith("sha256")) continue;
    expect(plain(decodePeerMessage(Buffer.from(bytes, "hex")))).toEqual(plain(PEER_SAMPLES[i]));
  }
});

test("what nodes of the version before say of their states, without the versions that they keep, is understood", () => {
  const bytes =
    "de0003a474797065ab7374617465486173686573a46c696665ceffffffffab636865636b706f696e747391" +
    "de0003a3696478cb433fffffffffffffa7636f6e74656e74ceffffffffa7686973746f727900";
  expect(decodePeerMessage(Buffer.from(bytes, "hex"))).toEqual(PEER_SAMPLES.at(-2));
});

test("a place that a node of the version before names does not wait", () => {
  const report = recorded.messages.find(([type]) => type === "report")?.[1] ?? "";
  const before = report
    .replace("91de0004a46e6f6465", "91de0003a46e6f6465")
    .replace(/a57761697473c3$/, "");
  expect(before).not.toBe(report);
  expect(decodePeerMessage(Buffer.from(before, "hex"))).toMatchObject({
    places: [{ node: 2, waits: false }],
  });
});

test("what nodes say of their states that do not say which rules they know", () => {
  const hashes = recorded.messages.filter(([type]) => type === "stateHashes");
  expect(hashes).toHaveLength(2);
  for (const [type, bytes] of hashes) {
    const before = bytes.replace("de0004", "de0003").replace(/a572756c6573(c0|0a)$/, "");
    expect(decodePeerMessage(Buffer.from(before, "hex"))).toMatchObject({ type, rules: null });
  }
});

test("a frame that a node of the version before passes on is of nobody", () => {
  const relayed = recorded.messages.filter(([type]) => /^relay(Request|Returned)$/.test(type));
  expect(relayed).not.toEqual([]);
  for (const [type, bytes] of relayed) {
    const before = bytes.replace("de0007", "de0006").replace(/a56163746f72c0$/, "");
    expect(decodePeerMessage(Buffer.from(before, "hex"))).toMatchObject({ type, actor: null });
  }
});

test("messages in pieces", () => {
  const long = PEER_SAMPLES.filter(({ type }) => type === "acceptSync" || type === "promise");
  const made = long.map((message) => {
    const pieces: Uint8Array[] = [];
    const iterator = asLongMessage(message, -1)?.pieces();
    if (iterator === undefined) return null;
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      pieces.push(next.value);
    }
    return hex(Buffer.concat(pieces));
  });
  expect(made).toEqual(recorded.longMessages);
});

test("what a node says of itself", () => {
  expect(hex(encodeMsgpack(peerHelloToFields(HELLO_SAMPLE)))).toBe(recorded.hello);
  const read = peerHelloFromFields(decodeMsgpack(Buffer.from(recorded.hello, "hex")));
  expect(read).toEqual(HELLO_SAMPLE);
});

test("frames", () => {
  const writer = new PeerFrameWriter(0xdeadbeef, 64);
  writer.addMessage(new Uint8Array(10).fill(1));
  writer.addPing(Uint8Array.of(1, 2));
  writer.addPong(Uint8Array.of(3));
  writer.addRenewed();
  writer.addMessage(new Uint8Array(200).fill(2));
  writer.addSlice(Uint8Array.of(9), false);
  writer.addSlice(Uint8Array.of(8), true);
  const first = writer.take(64);
  writer.addUrgent(Uint8Array.of(7, 7));
  expect([...first, ...writer.take()].map(hex)).toEqual(recorded.frames);
});
