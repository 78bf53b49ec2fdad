/** `omnikv sim`: the deterministic simulator. */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { KvError } from "../base/index.ts";
import {
  coverageReport,
  planOf,
  runSeed,
  shrinkFaults,
  withFaults,
  wrongsOf,
  type MistakeShare,
  type Plan,
  type RunResult,
} from "../proof/simulator/index.ts";
import { wrap } from "../prompt/terminal/index.ts";
import { integerFrom } from "./options/integer.ts";
import { runCampaign, serveCampaign, type CampaignResult, type Failed } from "./sim-campaign.ts";

interface SimFlags {
  readonly history?: string;
  readonly seeds: string;
  readonly from?: string;
  readonly jobs: string;
  readonly replay?: string;
  readonly faults?: string;
  readonly mistakes?: true;
  readonly print?: true;
  readonly plan?: true;
  readonly stop?: true;
  readonly coverage?: true;
  readonly json?: true;
  readonly worker?: true;
}

const EXAMPLES = `
Examples:
  omnikv sim --seeds 1000                   a thousand runs, from a seed that is printed
  omnikv sim --seeds 20000 --from 1 --jobs 2 --coverage
  omnikv sim --seeds 1000 --mistakes        disks that go back in time, are damaged, swapped, wiped, in every run
  omnikv sim --replay 484                   one run: its faults, its verdict, its hash
  omnikv sim --replay 484 --faults 2,7 --print | less
  omnikv sim --replay 484 --history h.jsonl && omnikv check h.jsonl
                                            the same with two of its faults only, and every message

Each run is a whole cluster with its clients on simulated clocks, network and disks, and everything that happens in it
follows from the seed. Exit status: 0 nothing found · 1 a run failed · 2 usage.`;

export function simCommand(): Command {
  return new Command("sim")
    .description("Runs clusters under faults in one process, and checks what clients were told.")
    .option("--seeds <n>", "how many runs", "100")
    .option("--from <seed>", "the first seed (default: drawn, and printed)")
    .option("--jobs <n>", "processes", "1")
    .option("--mistakes", "mistakes with disks in every run, not only in some")
    .option("--stop", "stop at the first failure")
    .option("--coverage", "say what was hit how often, and what never")
    .option("--json", "the result as one JSON object")
    .option("--replay <seed>", "run this seed alone")
    .option("--faults <list>", 'with --replay: only these of its faults, by number; "" for none')
    .option("--print", "with --replay: every message, log line and answer")
    .option("--plan", "with --replay: the plan as JSON")
    .option("--history <file>", "with --replay: what its clients saw, for omnikv check")
    .addOption(new Option("--worker", "takes its work from the parent process").hideHelp())
    .addHelpText("after", EXAMPLES)
    .action(sim);
}

async function sim(flags: SimFlags): Promise<void> {
  if (flags.worker === true) return serveCampaign();
  if (flags.replay !== undefined) return replay(flags.replay, flags);
  const seeds = integerFrom(flags.seeds, "--seeds", 1);
  const from = flags.from === undefined ? randomInt(2 ** 40) : integerFrom(flags.from, "--from", 0);
  const jobs = integerFrom(flags.jobs, "--jobs", 1);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  if (flags.json !== true) say(`seeds ${from} to ${from + seeds - 1}, ${jobs} at a time`);
  const result = await runCampaign({
    from,
    seeds,
    jobs,
    stopAtFailure: flags.stop === true,
    mistakes: shareOf(flags),
    onProgress: flags.json === true ? () => {} : (done, text) => progress(done, seeds, text),
    onFailure: flags.json === true ? () => {} : failedAtOnce,
  });
  if (flags.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
  else report(result, flags);
  process.exitCode = result.failed.length === 0 ? 0 : 1;
}

function progress(done: number, seeds: number, text: string): void {
  const line = `${done} of ${seeds} · ${text}`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${line}` : `${line}\n`);
  if (process.stderr.isTTY && done === seeds) process.stderr.write("\n");
}

function failedAtOnce({ seed, phase, message }: Failed): void {
  const [first = ""] = message.split("\n");
  const line = `seed ${seed} fails (${phase}): ${first}`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${line}\n` : `${line}\n`);
}

function report(result: CampaignResult, flags: SimFlags): void {
  const { done, seconds, steps, operations, simulatedMs, failed } = result;
  const rate = (done / seconds).toFixed(1);
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  out(
    `${done} runs in ${seconds.toFixed(1)} s (${rate}/s): ${(simulatedMs / 3_600_000).toFixed(2)} h of simulated time, ` +
      `${steps} events, ${operations} operations, ${failed.length} failures`,
  );
  if (flags.coverage === true) {
    const { columns } = process.stdout;
    out(wrap(coverageReport(result.coverage, columns ?? null), columns));
  }
  for (const { seed, phase, message } of failed.slice(1)) out(`seed ${seed}: ${phase}: ${message}`);
  const [first] = failed;
  if (first !== undefined) out(explain(first, shareOf(flags)));
}

function shareOf({ mistakes }: SimFlags): MistakeShare {
  return mistakes === true ? "always" : "some";
}

/** The first failure with as few faults as it takes. */
function explain({ seed, phase, message }: Failed, share: MistakeShare): string {
  const plan = planOf(seed, share);
  const { kept, runs } = shrinkFaults(
    plan,
    (smaller) => runSeed({ seed, plan: smaller }).failure !== null,
  );
  const smaller = withFaults(plan, kept);
  const { failure } = runSeed({ seed, plan: smaller });
  return [
    `seed ${seed} fails (${phase}): ${message}`,
    `${kept.length} of its ${wrongsOf(plan).length} faults are needed (${runs} runs to find out); then it fails with`,
    `  ${failure?.phase}: ${failure?.message}`,
    ...wrongsOf(smaller).map((line) => `  ${line}`),
    `replay: omnikv sim${share === "always" ? " --mistakes" : ""} --replay ${seed} --faults "${kept.join(",")}" --print`,
  ].join("\n");
}

function replay(seed: string, flags: SimFlags): void {
  const whole = planOf(seed, shareOf(flags));
  const plan = flags.faults === undefined ? whole : withFaults(whole, parseList(flags.faults));
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  if (flags.plan === true) return out(JSON.stringify(plan));
  const { history: file } = flags;
  const result = runSeed({
    seed,
    plan,
    ...(flags.print === true ? { print: out } : {}),
    ...(file === undefined ? {} : { history: (text) => writeHistory(file, text) }),
  });
  out(describeRun(result, whole));
  process.exitCode = result.failure === null ? 0 : 1;
}

/** @throws KvError BAD_REQUEST when it cannot be written */
function writeHistory(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new KvError("BAD_REQUEST", `--history: ${file}: ${(error as Error).message}`);
  }
}

function describeRun(
  { plan, failure, hash, steps, operations, simulatedMs }: RunResult,
  whole: Plan,
): string {
  const { faults: _, mistakes: __, ...rest } = plan;
  const known = wrongsOf(whole);
  return [
    `plan: ${JSON.stringify(rest)}`,
    ...wrongsOf(plan).map((line) => `  ${String(known.indexOf(line)).padStart(2)}: ${line}`),
    `${steps} events, ${operations} operations, ${simulatedMs.toFixed(0)} ms simulated, trace ${hash}`,
    failure === null ? "nothing is wrong" : `FAILED (${failure.phase}): ${failure.stack}`,
  ].join("\n");
}

function parseList(text: string): number[] {
  return text === "" ? [] : text.split(",").map((item) => integerFrom(item, "--faults", 0));
}
