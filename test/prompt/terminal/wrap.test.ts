/** Help on narrow terminals. */
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { CLIENT_HELP, clientTable } from "../../../src/prompt/commands/client-commands.ts";
import { helpText } from "../../../src/prompt/terminal/help.ts";
import { createStyle, plainStyle } from "../../../src/prompt/terminal/style.ts";
import { wrap } from "../../../src/prompt/terminal/wrap.ts";

const help = (level: 0 | 1): string =>
  helpText(clientTable([1, 2, 3]), CLIENT_HELP, null, createStyle(level));
const words = (text: string): string[] => text.split(/\s+/);

describe("wrapping", () => {
  test.each([30, 40, 60, 80, 100])("at %d columns loses no word and fits", (width) => {
    const wrapped = wrap(help(0), width);
    expect(words(wrapped)).toEqual(words(help(0)));
    for (const line of wrapped.split("\n")) {
      // A form of a command is never broken within a word.
      if (/\S+/.exec(line.trim())?.[0] !== line.trim())
        expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(stripVTControlCharacters(wrap(help(1), width))).toBe(wrapped);
  });

  test("keeps columns and indentation, and reflows paragraphs", () => {
    expect(wrap("  --name  does one thing after another", 36)).toBe(
      "  --name  does one thing after\n          another",
    );
    expect(wrap("  does one thing after another", 25)).toBe("  does one thing after\n  another");
    const long = `${"ab ".repeat(45).trim()}\nrest of it\n\nnext`;
    expect(wrap(long, 60).split("\n").slice(-4)).toEqual([
      expect.stringMatching(/^ab .* ab$/),
      expect.stringMatching(/^ab.*rest of it$/),
      "",
      "next",
    ]);
  });

  test("changes nothing where there is no terminal, or room enough", () => {
    expect(wrap(help(0), undefined)).toBe(help(0));
    expect(wrap(help(0), 200)).toBe(help(0));
    expect(wrap(help(0), 0)).toBe(help(0));
    const manage = "a line\n";
    expect(wrap(manage, 80)).toBe(manage);
    expect(helpText(clientTable([1]), CLIENT_HELP, "cas", plainStyle)).toContain("cas");
  });
});

test("what a long name means stands below it when there is no room beside it", () => {
  expect(wrap("  a-very-long-name NODE  does one thing after another thing", 40)).toBe(
    "  a-very-long-name NODE\n      does one thing after another thing",
  );
});
