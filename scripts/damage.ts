/**
 * Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone
 * without a sentence that says so.
 *
 *   npx tsx scripts/damage.ts [--nodes 3,5] [--only TEXT]… [--limits] [--list] [--json | --markdown] [--keep]
 *   npx tsx scripts/damage.ts --from FILE… (--markdown | --write)
 *
 * --only takes rows whose "group: name" has the text in it, --limits those that nobody can notice (docs/proof.md says
 * why). --from reads what runs with --json have printed; --write puts the table into docs/proof.md. Ends with status 1
 * when a row is SILENT, or when what was said is no way out.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Images } from "./damage/image.ts";
import { KINDS } from "./damage/kinds.ts";
import { findPlaces } from "./damage/places.ts";
import { jsonOf, lineOf, markdownOf } from "./damage/report.ts";
import { isBad, playRow, type Row } from "./damage/row.ts";

/** Where the table stands in docs/proof.md. */
const TABLE_BEGINS = "<!-- scripts/damage.ts writes this -->";
const TABLE_ENDS = "<!-- to here -->";

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
  },
});
const sizes = values.nodes.split(",").map(Number);
const wanted = KINDS.filter(({ group, name, hidden, limit }) =>
  values.only.length === 0
    ? hidden !== true && (limit === true) === values.limits
    : values.only.some((text) => `${group}: ${name}`.includes(text)),
);
const rows = wanted.flatMap((kind) =>
  (kind.sizes ?? [3, 5]).filter((size) => sizes.includes(size)).map((size) => ({ kind, size })),
);
if (values.list) {
  for (const { kind, size } of rows) console.log(`${size}  ${kind.group}: ${kind.name}`);
  process.exit(0);
}
if (values.from !== undefined) {
  const lines = values.from.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  const table = markdownOf(inOrder(lines.map((line) => JSON.parse(line) as Row)));
  if (values.write) writeTable(table);
  else console.log(table);
  process.exit(0);
}
const root = mkdtempSync(join(tmpdir(), "omnikv-damage-"));
const done: Row[] = [];
try {
  const places = await findPlaces();
  const images = new Images(places, root);
  for (const { kind, size } of rows) {
    const row = await playRow(kind, size, images, places, root);
    done.push(row);
    if (values.json) console.log(jsonOf(row));
    else if (!values.markdown) console.log(lineOf(row));
    else console.error(lineOf(row));
  }
} finally {
  if (!values.keep) rmSync(root, { recursive: true, force: true });
}
const bad = done.filter(isBad);
if (values.markdown) console.log(markdownOf(done));
else if (!values.json) {
  const seconds = Math.round(done.reduce((sum, { ms }) => sum + ms, 0) / 1000);
  console.log(`${done.length} rows in ${seconds} s, ${bad.length} of them bad`);
}
/** The order of the kinds, whichever run they come from. */
function inOrder(rows: readonly Row[]): readonly Row[] {
  const at = ({ group, name }: Row): number =>
    KINDS.findIndex((kind) => kind.group === group && kind.name === name);
  return [...rows].sort((a, b) => at(a) - at(b) || a.size - b.size);
}

function writeTable(table: string): void {
  const file = join(import.meta.dirname, "../docs/proof.md");
  const text = readFileSync(file, "utf8");
  const [before, rest] = text.split(TABLE_BEGINS);
  const after = rest?.split(TABLE_ENDS)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} has no place for it`);
  writeFileSync(file, `${before}${TABLE_BEGINS}\n\n${table}\n\n${TABLE_ENDS}${after}`);
}

process.exitCode = bad.length === 0 && done.length > 0 ? 0 : 1;
