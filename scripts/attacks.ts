/** What strangers and greedy clients can do to a cluster: `npx tsx scripts/attacks.ts --help`. */
import { parseArgs } from "node:util";
import { say, writeJson } from "../src/measure/experiments/entry.ts";
import { runAttack } from "../src/proof/attacks/attacks.ts";
import { ATTACKS } from "../src/proof/attacks/catalogue.ts";
import { problemsOf, render, type AttackResult } from "../src/proof/attacks/report.ts";

const HELP = `Usage: npx tsx scripts/attacks.ts [options]   (npm run build first)

Each attack runs against three real servers of its own on this machine, from a process of its own, while an honest client
(one at each node) measures how long it waits. Short times without and with the attack alternate, so that both meet the same
load from whatever else the machine does. All traffic stays on 127.0.0.1.

  --only LIST      of attacks
  --ms N           of each time without, and of each with the attack; 2000
  --rounds N       of both; 3
  --open-files N   ulimit -n of the servers
  --program FILE   another build's dist/bin/omnikv.js, for comparison
  --json FILE      everything measured
  --list           the attacks`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    ms: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    "open-files": { type: "string" },
    program: { type: "string" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help || flags.list) {
    console.log(flags.help ? HELP : ATTACKS.map(({ name, what }) => `${name}: ${what}`).join("\n"));
    return 0;
  }
  const only = flags.only?.split(",");
  const options = {
    ...{ ms: Number(flags.ms), rounds: Number(flags.rounds) },
    ...{ openFiles: flags["open-files"] ?? null, program: flags.program ?? null },
  };
  const results: AttackResult[] = [];
  for (const attack of ATTACKS) {
    if (only !== undefined && !only.includes(attack.name)) continue;
    say(`${attack.name}: ${attack.what}`);
    results.push(await runAttack(attack, options));
  }
  console.log(render(results));
  writeJson(flags.json, results);
  return results.some((result) => problemsOf(result).length > 0) ? 1 : 0;
}

process.exit(await main());
