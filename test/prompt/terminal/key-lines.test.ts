/** Keys and values as lines of JSON: whatever the bytes, they come back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyLine, parseKeyLine } from "../../../src/prompt/terminal/key-lines.ts";

test("any key and value survive, on one line", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array(), (key, value) => {
      const line = keyLine({ key, value });
      expect(line.indexOf("\n")).toBe(line.length - 1);
      const read = parseKeyLine(line);
      expect([[...read.key], [...read.value]]).toEqual([[...key], [...value]]);
    }),
  );
});

test("a line does nothing to a terminal, and comes back as it was", () => {
  const text = "a\u009b31mb\u202ec\u2066d\u200be\u061cf\u{e0041}g\u007fh\u001bi";
  const line = keyLine({ key: Buffer.from(text), value: Buffer.from(text) });
  expect(line).toMatch(/^[\x20-\x7e]+\n$/);
  expect(Buffer.from(parseKeyLine(line).value).toString()).toBe(text);
});

test.each([
  ["hello", "this is no JSON"],
  ["[1]", "expected an object"],
  ['{"key":"a"}', '"value", a string, is missing'],
  ['{"key":5,"value":"a"}', '"key", a string, is missing'],
  ['{"key":"","value":"a"}', "a key is at least one byte long"],
  ['{"keyBase64":"!!","value":"a"}', '"keyBase64" is no Base64'],
  ['{"key":"a","keyBase64":"YQ==","value":"a"}', "twice"],
  ['{"key":"d1","key":"d2"}', "a field stands in it twice"],
  ['{"key":"a","value":"b", "value" : "c"}', "a field stands in it twice"],
  ['{"key":"a","value":"b","more":1,"value":"b"}', "a field stands in it twice"],
  ['{"key":"\\ud800","value":"a"}', "half a character"],
])("%j is refused", (line, message) => {
  expect(() => parseKeyLine(line)).toThrow(message);
});

test("other fields are passed over, padding may be missing", () => {
  const { key, value } = parseKeyLine('{"keyBase64":"YQ","value":"ü","modRevision":3}');
  expect([Buffer.from(key).toString(), Buffer.from(value).toString()]).toEqual(["a", "ü"]);
});

test("what only looks like a field that stands in it twice does not", () => {
  for (const value of ['{"key":"a","key":"b"}', ',"value":', '"value" :"']) {
    const line = JSON.stringify({ more: { key: 1, value: [{ key: 2 }] }, key: ',"key":', value });
    expect(Buffer.from(parseKeyLine(line).value).toString()).toBe(value);
  }
});
