/** What simulations have met, and what not, as a text for people. Pure. */
import { notHit } from "./coverage-report.ts";

type Counts = Readonly<Record<string, number>>;

interface Section {
  readonly title: string;
  readonly items: readonly (readonly [name: string, count: number])[];
}

const INDENT = "  ";
const GAP = "   ";
/** Of names that stand alone. */
const OTHERS = "others";

/**
 * Sections of what was hit, how often; then what never was.
 * @param width of the terminal, which as many columns share as fit; null: each fact has a line of its own
 */
export function coverageReport(counts: Counts, width: number | null = null): string {
  const missing = notHit(counts);
  const never = missing.flatMap(({ name, unreachable }) => (unreachable === null ? [name] : []));
  const beyond = missing.flatMap(({ name, unreachable }) =>
    unreachable === null ? [] : [[name, unreachable] as const],
  );
  const nameWidth = Math.max(0, ...beyond.map(([name]) => name.length));
  return [
    ...sectionsOf(counts).flatMap(({ title, items }) => [title, ...inColumns(cells(items), width)]),
    never.length === 0 ? "never hit: nothing that could be" : `never hit: ${never.length}`,
    ...inColumns(never, width),
    `out of reach: ${beyond.length}, for these reasons`,
    ...beyond.map(([name, why]) => `${INDENT}${name.padEnd(nameWidth)}${GAP}${why}`),
  ].join("\n");
}

function cells(items: Section["items"]): readonly string[] {
  const digits = Math.max(...items.map(([, count]) => String(count).length));
  return items.map(([name, count]) => `${String(count).padStart(digits)} ${name}`);
}

/** Names with a section of their own are together; one that would be alone is among the others. */
function sectionsOf(counts: Counts): readonly Section[] {
  const sections = new Map<string, [name: string, count: number][]>();
  for (const [name, count] of Object.entries(counts)) {
    const title = titleOf(name);
    const items = sections.get(title) ?? [];
    items.push([name, count]);
    sections.set(title, items);
  }
  const all = [...sections];
  const alone = all.flatMap(([, items]) => (items.length === 1 ? items : []));
  return [
    ...all
      .filter(([, items]) => items.length > 1)
      .map(([title, items]) => ({ title, items: items.map(withoutTitle(title)) })),
    ...(alone.length === 0 ? [] : [{ title: OTHERS, items: alone }]),
  ];
}

/** What stands before a colon, "range through a cut-off node: …", or the first word: "fault crash". Texts of logs are quoted, colons in them too. */
function titleOf(name: string): string {
  return /^([^:"]+): /.exec(name)?.[1] ?? /^\S*/.exec(name)?.[0] ?? "";
}

function withoutTitle(title: string) {
  return ([name, count]: Section["items"][number]) =>
    [name.slice(title.length).replace(/^:? /, ""), count] as const;
}

/** Down the first column, then down the next, in as few lines as fit, as `ls` does. */
function inColumns(texts: readonly string[], width: number | null): readonly string[] {
  for (let rows = 1; rows < texts.length; rows++) {
    const widths: number[] = [];
    for (const [i, { length }] of texts.entries()) {
      const column = Math.floor(i / rows);
      widths[column] = Math.max(widths[column] ?? 0, length);
    }
    const needed = widths.reduce((sum, each) => sum + each + GAP.length, INDENT.length);
    if (needed - GAP.length > (width ?? 0)) continue;
    return Array.from({ length: rows }, (_, row) => {
      const line = widths.map((each, column) => (texts[column * rows + row] ?? "").padEnd(each));
      return `${INDENT}${line.join(GAP)}`.trimEnd();
    });
  }
  return texts.map((text) => `${INDENT}${text}`);
}
