/** Every kind of field, in each of its forms, also in those in which no message uses it today. */
import { describe, expect, test } from "vitest";
import { ByteReader } from "../../../src/base/byte-reader.ts";
import { ByteWriter } from "../../../src/base/byte-writer.ts";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import { INDEX, optional, POSITIVE, structure, text } from "../../../src/protocol/codec/fields.ts";
import { MESSAGE_KINDS, type MessageKind } from "../../../src/protocol/peer/peer-table.ts";
import type { PeerMessage } from "../../../src/protocol/messages/peer-message.ts";
import { PEER_SAMPLES } from "../peer-samples.ts";

function fieldsOf(message: PeerMessage): MessageKind<PeerMessage>["fields"] {
  const kind: MessageKind<PeerMessage> = MESSAGE_KINDS[message.type];
  return kind.fields;
}

/** FIELD-1 */
function isRefused(read: () => unknown, reader: ByteReader): boolean {
  try {
    read();
    return reader.failed;
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return true;
  }
}

describe("messages", () => {
  test.each(PEER_SAMPLES.map((message) => [message.type, message] as const))(
    "%s as bytes, as an array",
    (_, message) => {
      const fields = fieldsOf(message);
      const out = new ByteWriter();
      fields.write(out, message);
      const reader = new ByteReader().reset(out.copy());
      expect(fields.read(reader)).toEqual(message);
      expect([reader.isAtEnd, reader.failed]).toEqual([true, false]);
      expect(fields.fromValue(fields.toValue(message), "message", "array")).toEqual(message);
      for (let length = 0; length < Math.min(out.length, 300); length++) {
        expect(isRefused(() => fields.read(reader.reset(out.copy(0, length))), reader)).toBe(true);
      }
    },
  );

  test("no code stands for two kinds", () => {
    const kinds: readonly MessageKind<PeerMessage>[] = Object.values(MESSAGE_KINDS);
    for (const codes of [
      kinds.map((kind) => kind.arrayCode),
      kinds.map((kind) => kind.bytesCode),
    ]) {
      const given = codes.filter((code) => code !== null);
      expect(new Set(given).size).toBe(given.length);
    }
  });
});

describe("a structure", () => {
  const maybeName = optional(text(3));
  const kind = structure((f) => ({ of: "both", id: f.take(POSITIVE), name: f.take(maybeName) }));

  test("what is the same in all of them is not written", () => {
    expect(kind.toValue({ of: "both", id: 7, name: null })).toEqual([7, null]);
    expect(kind.fromValue({ id: 7, name: "süß" }, "thing", "map")).toEqual({
      of: "both",
      id: 7,
      name: "süß",
    });
  });

  test("what is not allowed is refused by its name", () => {
    expect(() => kind.fromValue([0, null], "thing", "array")).toThrow(DecodeError);
    expect(() => kind.fromValue([0, null], "thing", "array")).toThrow(/thing.id: expected/);
    expect(() => kind.fromValue({ id: 1, name: "long" }, "thing", "map")).toThrow(/thing.name/);
    for (const bytes of [
      [0, 0],
      [1, 2],
      [1, 1, 4, 97, 97, 97, 97],
    ]) {
      const reader = new ByteReader().reset(Uint8Array.from(bytes));
      kind.read(reader);
      expect(reader.failed).toBe(true);
    }
  });

  test("its fields are all that it is asked for", () => {
    expect(() => structure((f) => ({ sum: f.take(INDEX) + 1 }))).toThrow(/fields of a structure/);
  });
});
