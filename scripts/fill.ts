/** Clusters with small heaps, filled until they refuse more, and used on: `npx tsx scripts/fill.ts --help`. */
import { readFlags } from "../src/measure/experiments/flags.ts";
import { fillCluster, fillTable, type FillRow } from "../src/proof/harm/fill.ts";

const HELP = `Usage: npx tsx scripts/fill.ts [options]   (npm run build first)

Three nodes with a heap of a given size are filled by many clients until nobody can store another key. Then everything is
overwritten, each node is killed and started again while it is full, half of the keys are deleted, and new ones are
written. No process may end by itself, no key that was acknowledged may be missing, and every refusal must say NO_SPACE.

  --heaps LIST         of MB; 100,200,1000
  --clients N          64
  --value-bytes LIST   one for each heap, or one for all; 200,2000,20000
  --data-dir DIR       on a real disk`;

const flags = readFlags(HELP, {
  heaps: [100, 200, 1000],
  clients: 64,
  valueBytes: [200, 2000, 20_000],
  dataDir: null,
});
const { clients, dataDir, valueBytes: values } = flags;
const rows: FillRow[] = [];
for (const [i, heapMb] of flags.heaps.entries()) {
  const valueBytes = values[i] ?? values[0] ?? 200;
  rows.push(await fillCluster({ heapMb, valueBytes, clients, dataDir }));
}
console.log(fillTable(rows));
process.exitCode = rows.every(({ missing, goesOn }) => missing === 0 && goesOn) ? 0 : 1;
