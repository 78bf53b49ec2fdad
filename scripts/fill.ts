/** Clusters with small heaps, filled until they refuse more, and used on: `npx tsx scripts/fill.ts --help`. */
import { parseArgs } from "node:util";
import { fillCluster, fillTable, type FillRow } from "../src/proof/fill.ts";

const HELP = `Usage: npx tsx scripts/fill.ts [options]   (npm run build first)

Three nodes with a heap of a given size are filled by many clients until nobody can store another key. Then everything is
overwritten, each node is killed and started again while it is full, half of the keys are deleted, and new ones are
written. No process may end by itself, no key that was acknowledged may be missing, and every refusal must say NO_SPACE.

  --heaps LIST         of MB; 100,200,1000
  --clients N          64
  --value-bytes LIST   one for each heap, or one for all; 200,2000,20000
  --data-dir DIR       on a real disk`;

const { values: flags } = parseArgs({
  options: {
    heaps: { type: "string", default: "100,200,1000" },
    clients: { type: "string", default: "64" },
    "value-bytes": { type: "string", default: "200,2000,20000" },
    "data-dir": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const values = flags["value-bytes"].split(",").map(Number);
  const rows: FillRow[] = [];
  for (const [i, heapMb] of flags.heaps.split(",").map(Number).entries()) {
    const valueBytes = values[i] ?? values[0] ?? 200;
    const dataParent = flags["data-dir"] ?? null;
    rows.push(
      await fillCluster({ heapMb, valueBytes, clients: Number(flags.clients), dataParent }),
    );
  }
  console.log(fillTable(rows));
  return rows.every(({ missing, goesOn }) => missing === 0 && goesOn) ? 0 : 1;
}

process.exitCode = await main();
