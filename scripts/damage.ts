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
import { join } from "node:path";
import { parseArgs } from "node:util";
import { planRows, playRows, readRows, writeTable } from "../src/proof/harm/damage/damage.ts";
import { jsonOf, lineOf, markdownOf } from "../src/proof/harm/damage/report.ts";
import { isBad, type Row } from "../src/proof/harm/damage/row.ts";

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
const { only, limits } = values;
const rows = planRows({ sizes: values.nodes.split(",").map(Number), only, limits });

function show(row: Row): void {
  if (values.json) console.log(jsonOf(row));
  else if (values.markdown) console.error(lineOf(row));
  else console.log(lineOf(row));
}

if (values.list) {
  for (const { kind, size } of rows) console.log(`${size}  ${kind.group}: ${kind.name}`);
} else if (values.from !== undefined) {
  const table = markdownOf(readRows(values.from));
  if (values.write) writeTable(join(import.meta.dirname, "../docs/proof.md"), table);
  else console.log(table);
} else {
  const done = await playRows(rows, show, values.keep);
  const bad = done.filter(isBad);
  if (values.markdown) console.log(markdownOf(done));
  else if (!values.json) {
    const seconds = Math.round(done.reduce((sum, { ms }) => sum + ms, 0) / 1000);
    console.log(`${done.length} rows in ${seconds} s, ${bad.length} of them bad`);
  }
  process.exitCode = bad.length === 0 && done.length > 0 ? 0 : 1;
}
