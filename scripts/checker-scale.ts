/**
 * How long the checker takes for histories in which everything overlaps: 2,000 operations of 50 clients that never pause,
 * as they are and with one wrong answer. `npx tsx scripts/checker-scale.ts --help`
 */
import { readFlags } from "../src/measure/experiments/flags.ts";
import {
  appendModel,
  checkLinearizable,
  kvModel,
  type History,
} from "../src/proof/checker/index.ts";
import { corrupted, generate } from "../test/proof/checker/generate.ts";

const HELP = `Usage: npx tsx scripts/checker-scale.ts [options]

How long the checker takes for histories in which everything overlaps: 2,000 operations of 50 clients that never pause, as
they are and with one wrong answer.

  --seeds N   histories of each kind; 5`;

const { seeds } = readFlags(HELP, { seeds: 5 });
const TIME_LIMIT_MS = 60_000;
const now = (): number => performance.now();

const KINDS = [
  ["get, append", appendModel, ["read", "append"]],
  [
    "get, put, append",
    appendModel,
    ["read", "read", "read", "read", "append", "append", "append", "append", "append", "write"],
  ],
  ["read, write", kvModel, ["read", "write"]],
  [
    "read, write, delete, cas",
    kvModel,
    ["read", "read", "read", "write", "write", "delete", "cas", "cas"],
  ],
] as const;

interface Row {
  ms: number[];
  verdicts: Set<string>;
}

function check(row: Row, model: typeof kvModel, history: History): void {
  const start = now();
  const { verdict } = checkLinearizable(model, history, { now, timeLimitMs: TIME_LIMIT_MS });
  row.ms.push(now() - start);
  row.verdicts.add(verdict);
}

function describe({ ms, verdicts }: Row): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${[...verdicts].join(", ")} | ${middle.toFixed(0)} ms | ${(sorted.at(-1) ?? 0).toFixed(0)} ms`;
}

console.log(
  "| operations | keys | no answer | verdict | median | longest | with a wrong answer | median | longest |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
let sum = 0;
let checks = 0;
for (const [name, model, mix] of KINDS) {
  for (const keys of [10, 3]) {
    for (const unknownPerMille of [0, 30]) {
      const good: Row = { ms: [], verdicts: new Set() };
      const bad: Row = { ms: [], verdicts: new Set() };
      for (let seed = 1; seed <= seeds; seed++) {
        const shape = { clients: 50, operations: 2000, restless: true };
        const history = generate({ seed, ...shape, keys, mix, unknownPerMille });
        check(good, model, history);
        check(bad, model, corrupted(history));
      }
      for (const ms of [...good.ms, ...bad.ms]) sum += ms;
      checks += good.ms.length + bad.ms.length;
      console.log(
        `| ${name} | ${keys} | ${unknownPerMille / 10}% | ${describe(good)} | ${describe(bad)} |`,
      );
    }
  }
}
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(`${checks} checks in ${(sum / 1000).toFixed(1)} s, at most ${mebibytes} MiB resident`);
