/** Numbers and byte strings: what is written is read again, and damage is noticed without an exception. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  byteStringOf,
  byteStringOfText,
  bytesOf,
  type ByteString,
  hashBytes,
  mixNumber,
  textOf,
} from "../../src/base/byte-string.ts";
import { ByteReader } from "../../src/base/byte-reader.ts";
import { ByteWriter, varintBytes } from "../../src/base/byte-writer.ts";

const naturals = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER),
);

describe("byte writer and reader", () => {
  test("what is written is read again", () => {
    fc.assert(
      fc.property(naturals, naturals, fc.uint8Array({ maxLength: 100 }), (a, b, content) => {
        const writer = new ByteWriter(1);
        writer.varint(a);
        writer.sized(content);
        writer.u53(b);
        writer.sizedByteString(byteStringOf(content));
        writer.u32(b);
        writer.u32le(a);
        const reader = new ByteReader().reset(writer.copy());
        expect(reader.varint()).toBe(a);
        expect(reader.bytes(reader.varint())).toEqual(content);
        expect(reader.u53()).toBe(b);
        expect(reader.byteString(reader.varint())).toBe(byteStringOf(content));
        expect(reader.u32()).toBe(b % 2 ** 32);
        expect(reader.u32le()).toBe(a % 2 ** 32);
        expect([reader.isAtEnd, reader.failed]).toEqual([true, false]);
      }),
    );
  });

  test("a varint has the length that varintBytes says", () => {
    fc.assert(
      fc.property(naturals, (value) => {
        const writer = new ByteWriter();
        writer.varint(value);
        expect(writer.length).toBe(varintBytes(value));
      }),
    );
  });

  test("an integer has one form only, and none above 2^53 - 1", () => {
    const tooLarge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f];
    for (const form of [[0x80, 0x00], [0xff, 0x80, 0x00], tooLarge, [0x80], []]) {
      const reader = new ByteReader().reset(Uint8Array.from(form));
      expect([reader.varint(), reader.failed, reader.isAtEnd]).toEqual([0, true, true]);
      expect(reader.problem).toMatch(/^expected .* at byte 0$/);
    }
    const largest = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    expect(new ByteReader().reset(largest).varint()).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("a reader stays within its bounds and says where it failed first", () => {
    const reader = new ByteReader().reset(Uint8Array.from([9, 1, 2, 200, 7]), 1, 4);
    expect(reader.varint()).toBe(1);
    expect(reader.bytes(3)).toEqual(new Uint8Array(0));
    expect(reader.problem).toBe("expected 3 bytes at byte 2");
    expect([reader.u8(), reader.u32(), reader.varint()]).toEqual([0, 0, 0]);
    expect(reader.problem).toBe("expected 3 bytes at byte 2");
  });

  test("a varint that runs into the bound is damage, though bytes follow", () => {
    const reader = new ByteReader().reset(Uint8Array.from([0x81, 0x01]), 0, 1);
    expect(reader.varint()).toBe(0);
    expect(reader.failed).toBe(true);
  });

  test("what was copied out of a writer does not change when it is used again", () => {
    const writer = new ByteWriter(8);
    writer.u32(1);
    const first = writer.copy();
    writer.clear();
    writer.u32(2);
    expect(first).toEqual(Uint8Array.from([0, 0, 0, 1]));
  });
});

test("room that is filled in later, and zeros to fill up with", () => {
  const writer = new ByteWriter(1);
  writer.zeros(4);
  writer.u8(9);
  writer.u32leAt(0, 0xfedcba98);
  writer.zeros(3);
  expect([...writer.copy()]).toEqual([0x98, 0xba, 0xdc, 0xfe, 9, 0, 0, 0]);
  expect(() => {
    writer.u32leAt(5, 1);
  }).toThrow("only what was written can be overwritten");
});

describe("byte strings", () => {
  test("bytes and texts come back as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: "grapheme" }), (content, text) => {
        expect(bytesOf(byteStringOf(content))).toEqual(content);
        expect(textOf(byteStringOfText(text))).toBe(text);
      }),
    );
  });

  test("long bytes share their memory with no others", () => {
    for (const length of [4095, 4096, 100_000]) {
      const text = "a\u00ff".repeat(length).slice(0, length) as ByteString;
      const bytes = bytesOf(text);
      expect([bytes.length, bytes.buffer.byteLength, bytes.constructor]).toEqual([
        ...[length, length, Uint8Array],
      ]);
      expect(byteStringOf(bytes)).toBe(text);
    }
  });

  test("they are ordered as their bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const [x, y] = [byteStringOf(a), byteStringOf(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(Buffer.compare(a, b));
      }),
    );
  });

  test("a byte string does not follow the bytes it was made of", () => {
    const source = bytesOf(byteStringOfText("abc"));
    const made = byteStringOf(source);
    source.fill(0);
    expect(textOf(made)).toBe("abc");
  });

  test("the hash depends on every byte and on the length", () => {
    const hashOf = (content: Uint8Array): number =>
      hashBytes(new DataView(content.buffer), 0, content.length);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (content, at) => {
        const changed = content.slice();
        changed[at % content.length]! ^= 1;
        expect(hashOf(changed)).not.toBe(hashOf(content));
        expect(hashOf(Uint8Array.from([...content, 0]))).not.toBe(hashOf(content));
      }),
      { seed: 1 },
    );
    expect(mixNumber(1, 2 ** 32 + 5)).not.toBe(mixNumber(1, 5));
  });
});
