/** The table of docs/proof.md: what found each planted bug. */
import type { MutantGroup } from "./catalogue.ts";
import type { Finding } from "./plant.ts";

/** One mutant's line of what `--json` prints. */
export interface Result extends Finding {
  readonly mutant: string;
}

export interface MutantTable {
  readonly markdown: string;
  /** Planted, and in no result. */
  readonly missing: readonly string[];
  readonly notFound: readonly string[];
}

const CHECK_MAX = 88;

/** Of a mutant that was planted twice the last result counts. */
export function tableOf(groups: readonly MutantGroup[], results: readonly Result[]): MutantTable {
  const byName = new Map(results.map((result) => [result.mutant, result]));
  const parts = groups.map(({ title, mutants }) => {
    const lines = mutants.map(({ name }) => lineOf(name, byName.get(name)));
    const head = ["| mutant | found by | seed | runs |", "| --- | --- | --- | --- |"];
    return `**${title}**\n\n${[...head, ...lines].join("\n")}`;
  });
  const names = groups.flatMap(({ mutants }) => mutants.map(({ name }) => name));
  const found = names.filter((name) => byName.get(name)?.found === true);
  return {
    markdown: [...parts, `${found.length} of ${names.length} found.`].join("\n\n"),
    missing: names.filter((name) => !byName.has(name)),
    notFound: names.filter((name) => byName.get(name)?.found === false),
  };
}

function lineOf(name: string, result: Result | undefined): string {
  if (result === undefined) return `| ${name} | – | – | – |`;
  const { found, check, seed, runs } = result;
  const by = found ? checkOf(check) : "**not found**";
  return `| ${name} | ${by} | ${seed ?? "–"} | ${runs ?? "–"} |`;
}

/** A test's file; what the simulator said, cut. */
function checkOf(check: string): string {
  const file = /^test\/\S+?\.test\.ts/.exec(check)?.[0];
  if (file !== undefined) return `\`${file}\``;
  const short = check.length > CHECK_MAX ? `${check.slice(0, CHECK_MAX - 2)} …` : check;
  return short.replaceAll("|", "\\|");
}
