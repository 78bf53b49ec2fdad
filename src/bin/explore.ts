/** `omnikv explore`: a search without plans, over the core alone and over whole replicas. */
import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { KvError } from "../base/index.ts";
import {
  coreOptions,
  replayCore,
  replayReplicas,
  sayReplicaStep,
  sayStep,
  search,
  walk,
  walkReplicas,
  type CoreOptions,
  type CoreStep,
  type ReplicaSetup,
  type ReplicaStep,
  type Violation,
} from "../proof/explorer/index.ts";
import { integerFrom } from "./options/integer.ts";

interface SharedFlags {
  readonly walks?: string;
  readonly seed?: string;
  readonly seconds?: string;
  readonly depth?: string;
  readonly save?: string;
  readonly only?: string;
  readonly json?: true;
}

interface CoreFlags extends SharedFlags {
  readonly nodes: string;
  readonly proposals: string;
  readonly leaderChanges: string;
  readonly crashes: string;
  readonly losses: string;
  readonly duplicates: string;
  readonly ticks: string;
  readonly order: CoreOptions["order"];
  readonly disk: CoreOptions["disk"];
  readonly start: CoreOptions["start"];
  readonly check: CoreOptions["check"];
  readonly candidates?: string;
  readonly proposers?: string;
  readonly states: string;
}

interface ReplicaFlags extends SharedFlags {
  readonly nodes: string;
}

/** What `--save` writes and `--replay` reads. */
type Trace =
  | {
      readonly explore: "core";
      readonly problem: string;
      readonly options: CoreOptions;
      readonly steps: readonly CoreStep[];
    }
  | {
      readonly explore: "replicas";
      readonly problem: string;
      readonly setup: ReplicaSetup;
      readonly steps: readonly ReplicaStep[];
    };

const EXIT_VIOLATION = 1;
const FOREVER_SECONDS = 1e9;
const CORE_WALK_STEPS = 60;
const REPLICA_WALK_STEPS = 150;

const HELP = `
Examples:
  omnikv explore core                           every way in which three nodes may decide one proposal
  omnikv explore core --order any --losses 2 --disk sync
  omnikv explore core --walks 100000 --proposals 3 --leader-changes 3 --crashes 2
  omnikv explore replicas --seconds 60 --save trace.json
  omnikv explore --replay trace.json            the same once more, step by step

Exit status: 0 nothing found · 1 something is wrong · 2 usage.`;

export function exploreCommand(): Command {
  const command = new Command("explore")
    .description("Looks for what can go wrong in small clusters, without a plan of faults.")
    .option("--replay <file>", "what --save wrote, step by step")
    .addHelpText("after", HELP)
    .action(({ replay: file }: { replay?: string }) => {
      if (file === undefined) {
        throw new KvError("BAD_REQUEST", 'explore: say "core", "replicas" or --replay FILE');
      }
      replay(file);
    });
  return command.addCommand(coreCommand()).addCommand(replicasCommand());
}

function shared(command: Command, steps: string): Command {
  return command
    .option("--seconds <s>", "stop after so long")
    .option("--seed <n>", "of the random walks (default: drawn, and printed)")
    .option("--depth <n>", steps)
    .option("--only <text>", "walks: pass over what is wrong in other words")
    .option("--save <file>", "write what was found, for --replay")
    .option("--json", "the result as one JSON object");
}

function coreCommand(): Command {
  const choice = (flags: string, text: string, of: readonly string[]): Option =>
    new Option(flags, text).choices(of).default(of[0]);
  const command = new Command("core")
    .summary("the consensus core: all worlds within bounds, breadth first")
    .description("Goes through every world that the bounds allow, or walks through them at random.")
    .option("--nodes <n>", "of the cluster", "3")
    .option("--proposals <n>", "entries to be proposed, at any node, at any time", "1")
    .option("--leader-changes <n>", "how often a node tries to become leader", "1")
    .option("--crashes <n>", "crashes, each after any of the writes under way", "0")
    .option(
      "--losses <n>",
      "fifo: sessions that break · any: sessions that one end takes for new",
      "0",
    )
    .option("--duplicates <n>", "any: messages that come twice", "0")
    .option("--ticks <n>", "how often a resend timer runs out", "0")
    .option("--candidates <list>", "nodes that may try to become leader (default: all)")
    .option("--proposers <list>", "nodes that may be given a proposal (default: all)")
    .addOption(choice("--order <how>", "how messages arrive", ["fifo", "any"]))
    .addOption(choice("--disk <how>", "when writes are durable", ["async", "sync"]))
    .addOption(choice("--start <how>", "what the search begins with", ["empty", "elected"]))
    .addOption(choice("--check <what>", "decided: nothing but decided logs", ["all", "decided"]))
    .option("--states <n>", "stop after so many worlds", "50000000")
    .option("--walks <n>", "random walks instead of all worlds");
  return shared(command, "steps from the beginning, or of a walk").action(exploreCore);
}

function replicasCommand(): Command {
  const command = new Command("replicas")
    .summary("real replicas and their clients in memory: random walks")
    .description("Walks through what may happen to whole replicas and their clients.")
    .option("--nodes <list>", "sizes of clusters to draw from", "3,5")
    .option("--walks <n>", "how many");
  return shared(command, "steps of a walk").action(exploreReplicas);
}

function exploreCore(flags: CoreFlags): void {
  const nodes = integerFrom(flags.nodes, "--nodes", 1);
  const options = coreOptions({
    nodes,
    proposals: integerFrom(flags.proposals, "--proposals", 0),
    leaderChanges: integerFrom(flags.leaderChanges, "--leader-changes", 0),
    crashes: integerFrom(flags.crashes, "--crashes", 0),
    losses: integerFrom(flags.losses, "--losses", 0),
    duplicates: integerFrom(flags.duplicates, "--duplicates", 0),
    ticks: integerFrom(flags.ticks, "--ticks", 0),
    order: flags.order,
    disk: flags.disk,
    start: flags.start,
    check: flags.check,
    ...(flags.candidates === undefined
      ? {}
      : { candidates: integers(flags.candidates, "--candidates") }),
    ...(flags.proposers === undefined
      ? {}
      : { proposers: integers(flags.proposers, "--proposers") }),
  });
  const now = (): number => performance.now();
  const trace = ({ problem, steps }: Violation<CoreStep>): Trace => ({
    explore: "core",
    problem,
    options,
    steps,
  });
  if (flags.walks !== undefined) {
    const limits = walkLimits(flags, CORE_WALK_STEPS);
    report(flags, walk(options, limits, now), limits.seed, trace, sayStep);
    return;
  }
  const limits = {
    states: integerFrom(flags.states, "--states", 1),
    seconds: seconds(flags),
    depth: flags.depth === undefined ? Infinity : integerFrom(flags.depth, "--depth", 1),
  };
  const onDepth = (depth: number, states: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[Kdepth ${depth}: ${states} states`);
  };
  const result = search(options, limits, { now, onDepth });
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");
  report(flags, result, null, trace, sayStep);
}

function exploreReplicas(flags: ReplicaFlags): void {
  const limits = walkLimits(flags, REPLICA_WALK_STEPS);
  const result = walkReplicas(integers(flags.nodes, "--nodes"), limits, () => performance.now());
  const { setup } = result;
  const trace = ({ problem, steps }: Violation<ReplicaStep>): Trace => {
    if (setup === null) throw new Error("a violation has a setup");
    return { explore: "replicas", problem, setup, steps };
  };
  report(flags, result, limits.seed, trace, sayReplicaStep);
}

interface Counts {
  readonly seconds: number;
  readonly ended: string;
}

function report<Step>(
  flags: SharedFlags,
  result: Counts & { readonly violation: Violation<Step> | null },
  seed: number | null,
  traceOf: (violation: Violation<Step>) => Trace,
  say: (step: Step) => string,
): void {
  const { violation, ...counts } = result;
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  const trace = violation === null ? null : traceOf(violation);
  if (trace !== null && flags.save !== undefined) {
    writeFileSync(flags.save, `${JSON.stringify(trace)}\n`);
  }
  if (flags.json === true) {
    out(JSON.stringify({ ...counts, ...(seed === null ? {} : { seed }), violation: trace }));
  } else {
    out(sayCounts(counts, seed));
    violation?.steps.forEach((step, i) => out(`${String(i + 1).padStart(4)}. ${say(step)}`));
    out(violation === null ? "nothing is wrong" : `WRONG: ${violation.problem}`);
  }
  process.exitCode = violation === null ? 0 : EXIT_VIOLATION;
}

function sayCounts(counts: Counts, seed: number | null): string {
  const known = counts as Counts &
    Partial<
      Record<
        "passedOver" | "states" | "transitions" | "depth" | "nodeStates" | "walks" | "steps",
        number
      >
    >;
  const rate = (count: number): string =>
    Math.round(count / Math.max(0.001, known.seconds)).toString();
  const ended = known.ended === "all" ? "all there is" : `stopped: ${known.ended}`;
  const time = `${known.seconds.toFixed(1)} s`;
  if (known.states !== undefined) {
    return (
      `${known.states} states, ${known.transitions} transitions, ${known.nodeStates} states of single nodes, ` +
      `${known.depth} steps deep; ${ended}; ${time}, ${rate(known.states)} states/s`
    );
  }
  const all = known.ended === "all" ? "" : `; ${ended}`;
  const other = known.passedOver === 0 ? "" : `, ${known.passedOver} passed over`;
  return `seed ${seed}: ${known.walks} walks, ${known.steps} steps${other}${all}; ${time}, ${rate(known.steps ?? 0)} steps/s`;
}

function replay(file: string): void {
  const trace = readTrace(file);
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  const { problem, lines } =
    trace.explore === "core"
      ? said(replayCore(trace.options, trace.steps), sayStep)
      : said(replayReplicas(trace.setup, trace.steps), sayReplicaStep);
  lines.forEach((line, i) => out(`${String(i + 1).padStart(4)}. ${line}`));
  if (lines.length < trace.steps.length) {
    out(
      `${trace.steps.length - lines.length} of the steps are impossible or come after what is wrong`,
    );
  }
  out(problem === null ? "nothing is wrong" : `WRONG: ${problem}`);
  process.exitCode = problem === null ? 0 : EXIT_VIOLATION;
}

function said<Step>(
  { problem, steps }: { readonly problem: string | null; readonly steps: readonly Step[] },
  say: (step: Step) => string,
): { readonly problem: string | null; readonly lines: readonly string[] } {
  return { problem, lines: steps.map(say) };
}

/** @throws KvError BAD_REQUEST when the file is none that --save wrote */
function readTrace(file: string): Trace {
  try {
    const trace = JSON.parse(readFileSync(file, "utf8")) as Partial<Trace>;
    if ((trace.explore === "core" || trace.explore === "replicas") && Array.isArray(trace.steps)) {
      return trace as Trace;
    }
  } catch (error) {
    throw new KvError("BAD_REQUEST", `--replay ${file}: ${(error as Error).message}`);
  }
  throw new KvError("BAD_REQUEST", `--replay ${file}: it is none that --save wrote`);
}

function walkLimits(flags: SharedFlags, depth: number) {
  const walks = flags.walks === undefined ? Infinity : integerFrom(flags.walks, "--walks", 1);
  if (walks === Infinity && flags.seconds === undefined) {
    throw new KvError("BAD_REQUEST", "say how long: --walks N or --seconds S");
  }
  return {
    walks,
    seconds: seconds(flags),
    only: flags.only ?? "",
    seed: flags.seed === undefined ? randomInt(2 ** 40) : integerFrom(flags.seed, "--seed", 0),
    depth: flags.depth === undefined ? depth : integerFrom(flags.depth, "--depth", 1),
  };
}

function seconds({ seconds: text }: SharedFlags): number {
  return text === undefined ? FOREVER_SECONDS : integerFrom(text, "--seconds", 1);
}

function integers(text: string, flag: string): number[] {
  return text.split(",").map((item) => integerFrom(item, flag, 1));
}
