/** A table of nodes in as many columns as a terminal is wide enough for. Pure. */
import type { Paint, Style } from "../terminal/index.ts";

export interface Cell {
  readonly text: string;
  readonly paint?: Paint;
}

export interface NodeRow {
  readonly node: number;
  /** One for each title but the last. Null: the node did not say. */
  readonly cells: readonly Cell[] | null;
  /** How its links are, or why it did not say how it is. */
  readonly last: string;
  readonly paint: Paint;
}

const TITLES = ["node", "role", "leader", "ballot", "decided", "applied", "majority", "keys", "up"];
const LINKS = "links";
/** Numbers stand under each other by their last digit. */
const RIGHT = new Set(["node", "decided", "applied", "keys"]);
const GAP = "  ";

/** What is left out for the links to be seen, first what says least of who hears whom. */
const LEFT_OUT = ["up", "applied", "ballot", "keys"];
/** Left out too where that does not leave so much for the links, of which there may be many. */
const LEFT_OUT_TOO = ["decided", "leader", "majority"];
const LINKS_WIDTH_MIN = 16;

/**
 * A line of titles and one for each node; more where the last column does not fit: that is broken between words.
 * @param columns how wide the terminal is; undefined: as wide as need be
 */
export function nodeTable(
  rows: readonly NodeRow[],
  columns: number | undefined,
  style: Style,
): readonly string[] {
  const widths = TITLES.map((title, i) =>
    Math.max(title.length, ...rows.map(({ cells }) => cells?.[i]?.text.length ?? 0)),
  );
  const shown = shownColumns(rows, widths, columns ?? Infinity);
  const pad = (text: string, i: number): string =>
    RIGHT.has(TITLES[i] ?? "") ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
  const header = [...shown.map((i) => pad(TITLES[i] ?? "", i)), LINKS].join(GAP);
  const lines = rows.flatMap(({ cells, node, last, paint }) => {
    const own = cells ?? [{ text: String(node), paint: style.node }];
    const before = shown.flatMap((i) => {
      const cell = own[i];
      return cell === undefined ? [] : [(cell.paint ?? plain)(pad(cell.text, i))];
    });
    const width = widthOf(cells === null ? [0] : shown, widths);
    const [first = "", ...more] = wordLines(last, (columns ?? Infinity) - width);
    return [
      [...before, paint(first)].join(GAP),
      ...more.map((line) => `${" ".repeat(width)}${paint(line)}`),
    ];
  });
  return [style.dim(header), ...lines];
}

const plain: Paint = (text) => text;

/** Places of the titles that stay. */
function shownColumns(
  rows: readonly NodeRow[],
  widths: readonly number[],
  columns: number,
): readonly number[] {
  const linksWidth = Math.max(
    LINKS.length,
    ...rows.map(({ cells, last }) => (cells === null ? 0 : last.length)),
  );
  let shown = TITLES.map((_, i) => i);
  const leaveOut = (titles: readonly string[], wanted: number): void => {
    for (const title of titles) {
      if (widthOf(shown, widths) + wanted <= columns) return;
      shown = shown.filter((i) => TITLES[i] !== title);
    }
  };
  leaveOut(LEFT_OUT, linksWidth);
  leaveOut(LEFT_OUT_TOO, Math.min(linksWidth, LINKS_WIDTH_MIN));
  return shown;
}

/** Up to the last column. */
function widthOf(shown: readonly number[], widths: readonly number[]): number {
  return shown.reduce((sum, i) => sum + (widths[i] ?? 0) + GAP.length, 0);
}

/** Broken at blanks: a word that is longer has a line of its own. */
function wordLines(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
