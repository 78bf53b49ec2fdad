/** Help that is written for wide terminals, on narrow ones. Pure. */
import { stripVTControlCharacters } from "node:util";

/** Below it a column of words beside a column of names cannot be read any more. */
const COLUMN_WIDTH_MIN = 24;
/** What is written as one paragraph has lines at least so long, but for the last. */
const PARAGRAPH_LINE_MIN = 90;

/**
 * Breaks lines between words, so that none is longer than `width` unless a word is. What follows a column of names stays
 * in its column, other lines keep their indentation. @param width undefined: nothing is changed
 */
export function wrap(text: string, width: number | undefined): string {
  if (width === undefined || width < COLUMN_WIDTH_MIN) return text;
  const lines = text.split("\n");
  if (lines.every((line) => widthOf(line) <= width)) return text;
  return paragraphs(lines)
    .flatMap((line) => wrapLine(line, width))
    .join("\n");
}

/** The lines of a paragraph were broken for another width. */
function paragraphs(lines: readonly string[]): readonly string[] {
  const joined: string[] = [];
  let goesOn = false;
  for (const line of lines) {
    const isText = /^\S/.test(stripVTControlCharacters(line));
    if (goesOn && isText) joined.push(`${joined.pop() ?? ""} ${line}`);
    else joined.push(line);
    goesOn = isText && widthOf(line) >= PARAGRAPH_LINE_MIN;
  }
  return joined;
}

function wrapLine(line: string, width: number): readonly string[] {
  if (widthOf(line) <= width) return [line];
  const [, own = "", names = ""] = /^(\s*)(\S+(?: \S+)* {2,})(?=\S)/.exec(line) ?? [];
  const column = widthOf(own + names);
  if (column > 0 && width - column < COLUMN_WIDTH_MIN) {
    // What a name means stands below it.
    const below = `${own}    ${line.slice(own.length + names.length)}`;
    return [...wrapLine(`${own}${names.trimEnd()}`, width), ...wrapLine(below, width)];
  }
  const [before = ""] = /^\s*/.exec(line) ?? [];
  const indent = " ".repeat(column > 0 ? column : before.length);
  const lines: string[] = [];
  let current = "";
  for (const [, gap = "", word = ""] of line.matchAll(/(\s*)(\S+)/g)) {
    const isFirst = current.trim() === "";
    if (isFirst || widthOf(current + gap + word) <= width) {
      current += isFirst && lines.length > 0 ? word : gap + word;
      continue;
    }
    lines.push(current);
    current = indent + word;
  }
  return [...lines, current];
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
