/**
 * Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone
 * without a sentence that says so.
 *
 *   npx tsx scripts/damage.ts [--nodes 3,5] [--only TEXT]… [--limits] [--list] [--json | --markdown | --write] [--keep]
 *   npx tsx scripts/damage.ts --from FILE… (--markdown | --write)
 *
 * --only takes rows whose "group: name" has the text in it, --limits those that nobody can notice (docs/proof.md says
 * why). --json prints each row when it is done; --from reads that, and of rows that were played twice takes the last one.
 * --markdown prints the table, with the limits when they were played too; --write plays all, the limits as well, and puts
 * the table into docs/proof.md unless a row is missing or bad. Ends with status 1 when a row is SILENT or a FALSE ALARM,
 * when what was said is no way out, or when a row could not be played; limits are none of these.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Images } from "./damage/image.ts";
import type { Kind } from "./damage/kind.ts";
import { KINDS } from "./damage/kinds.ts";
import { takePlaces } from "./damage/places.ts";
import { jsonOf, lineOf } from "./damage/report.ts";
import { playRow, type Row } from "./damage/row.ts";
import { Table } from "./damage/table.ts";
import { writeSection } from "./section.ts";

const HELP = `npx tsx scripts/damage.ts [--nodes 3,5] [--only TEXT]… [--limits] [--list] [--json | --markdown | --write] [--keep]
npx tsx scripts/damage.ts --from FILE… (--markdown | --write)

Build first: npm run build. The head of the file says what the options do.`;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3,5" },
    only: { type: "string", multiple: true, default: [] },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    limits: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    from: { type: "string", multiple: true },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const { only, limits, from, list, json, markdown, write, keep, help } = values;

function isWanted({ group, name, hidden, limit = false }: Kind): boolean {
  if (only.length > 0) return only.some((text) => `${group}: ${name}`.includes(text));
  return hidden !== true && (write || limit === limits);
}

/** Prints each when it is done. */
async function play(rows: readonly { kind: Kind; size: number }[]): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), "omnikv-damage-"));
  const { places, release } = await takePlaces();
  const done: Row[] = [];
  try {
    const images = new Images(places, root);
    for (const { kind, size } of rows) {
      const row = await playRow(kind, size, images, places, root);
      done.push(row);
      const line = json ? jsonOf(row) : lineOf(row);
      if (markdown) console.error(line);
      else console.log(line);
    }
  } finally {
    release();
    if (!keep) rmSync(root, { recursive: true, force: true });
  }
  return done;
}

/** @returns the exit status */
async function report(rows: readonly Row[]): Promise<number> {
  const table = new Table(KINDS, rows);
  const { bad, missing, unknown } = table;
  if (!json && from === undefined) {
    const seconds = Math.round(rows.reduce((sum, { ms }) => sum + ms, 0) / 1000);
    const line = `${rows.length} rows in ${seconds} s, ${bad.length} of them bad`;
    if (markdown) console.error(line);
    else console.log(line);
  }
  for (const title of unknown) console.error(`no such row: ${title}`);
  if (markdown) console.log(table.markdown);
  if (!write) return bad.length === 0 && rows.length > 0 ? 0 : 1;
  for (const title of missing) console.error(`missing: ${title}`);
  for (const row of bad) console.error(lineOf(row));
  if (bad.length + missing.length > 0) {
    console.error("not written: docs/proof.md has the whole table, and no bad row");
    return 1;
  }
  await writeSection("docs/proof.md", "scripts/damage.ts", table.markdown);
  return 0;
}

const sizes = values.nodes.split(",").map(Number);
const chosen = KINDS.filter(isWanted).flatMap((kind) =>
  (kind.sizes ?? [3, 5]).filter((size) => sizes.includes(size)).map((size) => ({ kind, size })),
);
if (help) {
  console.log(HELP);
} else if (list) {
  for (const { kind, size } of chosen) console.log(`${size}  ${kind.group}: ${kind.name}`);
} else if (from !== undefined) {
  const lines = from.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  process.exitCode = await report(lines.map((line) => JSON.parse(line) as Row));
} else {
  process.exitCode = await report(await play(chosen));
}
