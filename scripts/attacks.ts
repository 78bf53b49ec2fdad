/** What strangers and greedy clients can do to a cluster: `npx tsx scripts/attacks.ts --help`. */
import { say, writeJson } from "../src/measure/experiments/entry.ts";
import { readFlags } from "../src/measure/experiments/flags.ts";
import { runAttack } from "../src/proof/harm/attacks/attacks.ts";
import { ATTACKS } from "../src/proof/harm/attacks/catalogue.ts";
import { problemsOf, render, type AttackResult } from "../src/proof/harm/attacks/report.ts";

const HELP = `Usage: npx tsx scripts/attacks.ts [options]   (npm run build first)

Each attack runs against three real servers of its own on this machine, from a process of its own, while an honest client
(one at each node) measures how long it waits. Short times without and with the attack alternate, so that both meet the same
load from whatever else the machine does. All traffic stays on 127.0.0.1.

  --only LIST      of attacks
  --ms N           of each time without, and of each with the attack; 2000
  --secured        all in TLS, with users: the attacker is one with few rights, and strangers know no password
  --rounds N       of both; 3
  --open-files N   ulimit -n of the servers
  --program FILE   another build's dist/bin/omnikv.js, for comparison
  --json FILE      everything measured
  --list           the attacks`;

const flags = readFlags(HELP, {
  only: ATTACKS.map(({ name }) => name),
  ms: 2000,
  rounds: 3,
  secured: false,
  openFiles: null,
  program: null,
  json: null,
  list: false,
});
if (flags.list) {
  console.log(ATTACKS.map(({ name, what }) => `${name}: ${what}`).join("\n"));
  process.exit(0);
}
const results: AttackResult[] = [];
const chosen = ATTACKS.filter(({ name }) => flags.only.includes(name));
for (const attack of chosen) {
  if (attack.needsUsers === true && !flags.secured) {
    say(`${attack.name}: skipped, it needs users (--secured)`);
    continue;
  }
  say(`${attack.name}: ${attack.what}`);
  results.push(await runAttack(attack, flags));
}
console.log(render(results));
writeJson(flags.json, results);
process.exit(results.some((result) => problemsOf(result).length > 0) ? 1 : 0);
