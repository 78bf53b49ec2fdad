/** What is JSON is read as JSON.parse reads it; all else is refused with its place, and without its text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJsonText } from "../../../src/server/config/json-text.ts";

test("what JSON.stringify writes is read", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseJsonText(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("it takes what JSON.parse takes, and nothing else", () => {
  const characters = '{}[],:"\\ \n0123-+.eEu'.split("");
  const part = fc.constantFrom(...characters, "true", "null", '"a"', '"b"', "\u0001");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      const accepts = (parse: (from: string) => unknown): boolean => {
        try {
          parse(text);
          return true;
        } catch (error) {
          return String(error).includes("stands there twice");
        }
      };
      expect(accepts(parseJsonText)).toBe(accepts(JSON.parse));
    }),
    { numRuns: 3000 },
  );
});

describe("it refuses", () => {
  test.each([
    ["", "is not JSON: line 1, column 1, where the text ends: expected a value"],
    ["{", "line 1, column 2, where the text ends: expected a name"],
    ['{\n "a": 1,\n}', "line 3, column 1: expected a name in double quotes"],
    ['{ "a": 1 "b": 2 }', 'line 1, column 10: expected "," or "}"'],
    ["[1 2]", 'line 1, column 4: expected "," or "]"'],
    ["{} {}", "line 1, column 4: expected nothing more"],
    ['{ "a": { "b": 1, "b": 1 } }', 'line 1, column 18: "b" stands there twice'],
    ["[".repeat(100_000), "more than 64 levels"],
  ])("%j", (text, reason) => {
    expect(() => parseJsonText(text.slice(0))).toThrow(reason);
  });
});
