/** What counts as a word, and that every value can be written so that it reads back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quote, quoteAlways, tokenize } from "../../../src/prompt/terminal/tokenize.ts";

const words = (line: string, separator?: ";"): string[][] =>
  tokenize(line, separator).map((command) => command.map(({ text }) => text));

describe("words", () => {
  test.each([
    ["1 write 35 hello", ["1", "write", "35", "hello"]],
    ["  1\tread   a ", ["1", "read", "a"]],
    [`1 write k "hello big world"`, ["1", "write", "k", "hello big world"]],
    [`1 write k 'it is "so"'`, ["1", "write", "k", 'it is "so"']],
    [`1 write k "it's \\"so\\""`, ["1", "write", "k", `it's "so"`]],
    [`1 write k ""`, ["1", "write", "k", ""]],
    [`1 write k a"b c"d`, ["1", "write", "k", "ab cd"]],
    [`1 write k a\\ b`, ["1", "write", "k", "a b"]],
    [`1 write k "two\\nlines\\ttab"`, ["1", "write", "k", "two\nlines\ttab"]],
    [`1 read a # a comment "open`, ["1", "read", "a"]],
    ["1 read a#b", ["1", "read", "a#b"]],
    ["1 read '#a'", ["1", "read", "#a"]],
    ["1 write k a;b", ["1", "write", "k", "a;b"]],
    ["1 write k größe→😀", ["1", "write", "k", "größe→😀"]],
  ])("%j", (line, expected) => {
    expect(words(line)).toEqual([expected]);
  });

  test("an empty line and a comment hold no command", () => {
    expect(words("")).toEqual([]);
    expect(words("   # nothing")).toEqual([]);
  });

  test("; and line ends separate commands where that is asked for, but not within quotes", () => {
    expect(words("1 write a 'x;y'; 2 read a;;\n# no\n3 read b", ";")).toEqual([
      ["1", "write", "a", "x;y"],
      ["2", "read", "a"],
      ["3", "read", "b"],
    ]);
  });

  test("\\xHH is one byte, whatever the encoding makes of it", () => {
    expect(tokenize('"\\xff\\x00a"')[0]?.[0]?.bytes).toEqual(Uint8Array.of(0xff, 0, 0x61));
  });

  test.each([
    ['1 write "open', 'a " is never closed'],
    ["1 write 'open", "a ' is never closed"],
    ['1 write "C:\\path"', "write \\\\p, or use single quotes"],
    ['"\\xg1"', "two hexadecimal digits"],
    ["1 read a\\", "nothing follows the last \\"],
  ])("%j is refused with a way out", (line, message) => {
    expect(() => tokenize(line)).toThrow(message);
  });
});

describe("quote", () => {
  test("leaves plain text alone and shows the rest unmistakably", () => {
    const shown = (text: string): string => quote(new TextEncoder().encode(text));
    expect(shown("hello")).toBe("hello");
    expect(shown("größe")).toBe("größe");
    expect(shown("hello world")).toBe('"hello world"');
    expect(shown("(not found)")).toBe('"(not found)"');
    expect(shown("")).toBe('""');
    expect(shown("--local")).toBe('"--local"');
    expect(shown("a\u001b[31mb")).toBe('"a\\x1b[31mb"');
    expect(quote(Uint8Array.of(0xff, 0x41))).toBe('"\\xffA"');
  });

  test("is in single quotes where it has double ones, as JSON has", () => {
    const shown = (text: string): string => quote(new TextEncoder().encode(text));
    expect(shown('{"a":[1,2]}')).toBe(`'{"a":[1,2]}'`);
    expect(shown('{"a":"\\n"}')).toBe(`'{"a":"\\n"}'`);
    expect(shown(`{"it's":1}`)).toBe(`"{\\"it's\\":1}"`);
    expect(shown('{"a":\n1}')).toBe('"{\\"a\\":\\n1}"');
  });

  test("always reads back as the same bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json({ maxDepth: 2 }).map((text) => new TextEncoder().encode(text)),
          fc
            .string({
              unit: fc.constantFrom('"', "'", "\\", "{", " ", "#", ";", "\n"),
              maxLength: 8,
            })
            .map((text) => new TextEncoder().encode(text)),
          fc.uint8Array({ maxLength: 20 }),
          fc
            .string({ unit: "binary", maxLength: 20 })
            .map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          for (const shown of [quote(bytes), quoteAlways(bytes)]) {
            const commands = tokenize(shown, ";");
            expect(commands).toHaveLength(1);
            expect(commands[0]).toHaveLength(1);
            expect(commands[0]?.[0]?.bytes).toEqual(bytes);
            expect(shown).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
    );
  });

  test("JSON that has lost its quotes is noticed, and nothing else", () => {
    const spoilt = (line: string) =>
      tokenize(line, ";")
        .flat()
        .map(({ spoiltJson }) => spoiltJson);
    expect(spoilt(`write js {"a":1}`)).toEqual([undefined, undefined, '{"a":1}']);
    expect(spoilt(`a ["b"]; c`)).toEqual([undefined, '["b"]', undefined]);
    expect(spoilt(`'{"a":1}' {a} [1,2] "{}" a{"b"} \\{"a"`.slice(0, -3))).toEqual(
      Array.from({ length: 6 }, () => undefined),
    );
  });

  test("any line gives words or a usage error", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (line) => {
        try {
          tokenize(line, ";");
        } catch (error) {
          expect((error as Error).name).toBe("UsageError");
        }
      }),
    );
  });
});
