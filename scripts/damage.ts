/**
 * Damage and mistakes done to real servers and their disks, one row after the other: nothing acknowledged may be gone
 * without a sentence that says so.
 *
 *   npx tsx scripts/damage.ts [--nodes 3,5] [--only TEXT]… [--list] [--json | --markdown [--from FILE]] [--keep]
 *
 * --from makes the table of what runs with --json have printed. --only takes rows whose "group: name" has the text in it. Ends with status 1 when a row is SILENT, or when what was
 * said is no way out.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Images } from "./damage/image.ts";
import { KINDS } from "./damage/kinds.ts";
import { findPlaces } from "./damage/places.ts";
import { jsonOf, lineOf, markdownOf } from "./damage/report.ts";
import { isBad, playRow, type Row } from "./damage/row.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3,5" },
    only: { type: "string", multiple: true, default: [] },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    from: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const sizes = values.nodes.split(",").map(Number);
const wanted = KINDS.filter(({ group, name, hidden }) =>
  values.only.length === 0
    ? hidden !== true
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
  const lines = readFileSync(values.from, "utf8").trim().split("\n");
  console.log(markdownOf(lines.map((line) => JSON.parse(line) as Row)));
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
process.exitCode = bad.length === 0 && done.length > 0 ? 0 : 1;
