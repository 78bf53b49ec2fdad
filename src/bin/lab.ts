/** `omnikv lab`: the paper's experiments on partial connectivity, on this machine. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Command } from "commander";
import { KvError, printableJson } from "../base/index.ts";
import {
  ETCD_ELECTION_TIMEOUT_MS,
  etcdRefusal,
  namespacesRefusal,
  renderLab,
  renderLabHtml,
  runExperiment,
  runLine,
  startEtcdSubject,
  startOmnikvSubject,
  summarize,
  type EtcdSubjectOptions,
  type ExperimentOptions,
  type Lab,
  type Measured,
  type Subject,
} from "../measure/index.ts";
import { programVersion } from "../machine/host/index.ts";
import { createNodeRandom, nodeClock } from "../machine/runtime/index.ts";
import { isNamedScenario, NAMED_SCENARIOS, type NamedScenario } from "../client/scenarios/index.ts";
import { eachOf } from "../prompt/terminal/index.ts";
import { offerWords } from "./options/completed-words.ts";
import { integerBetween } from "./options/integer.ts";
import { parseTime } from "./options/prompt-options.ts";

interface LabFlags {
  readonly nodes?: string;
  readonly electionTimeout: string;
  readonly runs: string;
  readonly duration?: string;
  readonly concurrency: string;
  readonly network?: string;
  readonly peer?: string;
  readonly peerProgram: string;
  readonly peerFlags: string;
  readonly peerElectionTimeout: string;
  readonly dataDir?: string;
  readonly html?: string;
  readonly json?: true;
}

const NETWORKS = ["loopback", "namespaces"] as const;
type Network = (typeof NETWORKS)[number];

interface LabPlan {
  readonly scenario: NamedScenario;
  readonly nodes: number;
  readonly runs: number;
  readonly electionTimeoutMs: number;
  /** Null: so many election time-outs of each system. */
  readonly holdMs: number | null;
  readonly concurrency: number;
  /** Null: loopback, unless there is a peer. */
  readonly network: Network | null;
  readonly peer: Pick<EtcdSubjectOptions, "program" | "flags" | "electionTimeoutMs"> | null;
  readonly dataDirectory: string | null;
}

const VALUE_BYTES = 8;
/** How long links stay broken and how long is watched after that, in election time-outs. */
const HOLD_ELECTION_TIMEOUTS = 25;
const SETTLE_ELECTION_TIMEOUTS = 20;
const SETTLE_MS_MAX = 10_000;
const RUNS_MAX = 1000;
const CONCURRENCY_MAX = 1000;
const EXIT_INTERRUPTED = 130;

const HELP = `
Scenarios:
${Object.entries(NAMED_SCENARIOS)
  .map(([name, what]) => `  ${name.padEnd(16)} ${what}`)
  .join("\n")}
  chained          the same as chain

Examples:
  omnikv lab run quorum-loss                 one run on a throw-away cluster of five
  omnikv lab run chained --runs 20           twenty, with least, median and greatest
  omnikv lab run quorum-loss --html page.html
  omnikv lab run constrained --election-timeout 500ms --json
  sudo omnikv lab run constrained --peer etcd
  sudo omnikv lab run chained --peer etcd --peer-flags=--pre-vote

The load is a closed loop of one client for each node; a client whose node has not answered for two election time-outs
goes to another one. What is measured is the longest time in which no write of any client was acknowledged, from the cut to healing. With --peer,
omnikv too runs in network namespaces, unless --network says otherwise.`;

export function labCommand(): Command {
  const lab = new Command("lab").description(
    "Experiments on broken links, each on a cluster of its own that is thrown away.",
  );
  offerWords(lab.command("run"), eachOf(Object.keys(NAMED_SCENARIOS)))
    .description("Breaks links under load, holds, heals; measures for how long no write went on.")
    .argument("<scenario>", "which links to break")
    .option("--nodes <n>", "servers: 3, 5 or 7 (default: 3 for chain, else 5, as in the paper)")
    .option("--election-timeout <time>", "of the servers", "100ms")
    .option("--runs <n>", "how often, on the same cluster", "1")
    .option("--duration <time>", "how long links stay broken (default: 25 election time-outs)")
    .option(
      "--network <where>",
      "loopback: servers drop messages; namespaces: the kernel drops packets (Linux, as root)",
    )
    .option("--peer <system>", "do the same to another system: etcd (Linux, as root)")
    .option("--peer-program <file>", "what to run for it", "etcd")
    .option("--peer-flags <flags>", "further flags for it, with blanks between them", "")
    .option(
      "--peer-election-timeout <time>",
      "of its servers, which send ten heartbeats in it",
      `${ETCD_ELECTION_TIMEOUT_MS}ms`,
    )
    .option("--concurrency <n>", "writes under way at once, of each client", "4")
    .option("--data-dir <directory>", "where the servers keep their data meanwhile")
    .option("--html <file>", "write a page with the time-line of every run as well")
    .option("--json", "print one JSON object instead of a table")
    .addHelpText("after", HELP)
    .action(run);
  return lab;
}

async function run(scenario: string, flags: LabFlags): Promise<void> {
  const plan = readPlan(scenario, flags);
  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  try {
    const lab = await experiment(plan, abort.signal);
    if (flags.html !== undefined) writeFileSync(flags.html, renderLabHtml(lab, factsOf(plan)));
    const json = { omnikvLab: 1, node: process.version, ...lab };
    process.stdout.write(`${flags.json === true ? printableJson(json) : renderLab(lab)}\n`);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    say("interrupted; everything is stopped and removed");
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
  }
}

function factsOf({ concurrency, runs }: LabPlan): readonly string[] {
  const [cpu] = cpus();
  const machine = `${cpus().length} processors (${cpu?.model.trim() ?? "unknown"}), Node ${process.version}`;
  const load = `one client for each node, each with ${concurrency} writes of ${VALUE_BYTES} bytes under way`;
  return [
    `Measured by omnikv ${programVersion()} lab run on ${new Date().toISOString().slice(0, 10)}: ${machine}.`,
    `Servers and clients share the machine; every write is on the disks of a majority before it is acknowledged; ${load}; ${runs} run${runs === 1 ? "" : "s"}.`,
  ];
}

async function experiment(plan: LabPlan, signal: AbortSignal): Promise<Lab> {
  const { scenario, nodes: size, electionTimeoutMs, peer, dataDirectory: dataParent } = plan;
  // Checked before the long experiments begin.
  const refusal = peer === null ? null : etcdRefusal(peer.program);
  // Beside another system the very same packets must be lost.
  const network = plan.network ?? (peer !== null && refusal === null ? "namespaces" : "loopback");
  if (plan.network === "namespaces") requireNamespaces();
  say(`starting ${size} servers of omnikv`);
  const omnikv = { size, electionTimeoutMs, version: programVersion(), network, dataParent };
  const measured = [await measure(await startOmnikvSubject(omnikv), plan, signal)];
  const left: string[] = [];
  if (refusal !== null) {
    left.push(`etcd was left out: ${refusal}`);
    say(left.join());
  } else if (peer !== null) {
    say(`starting ${size} servers of etcd`);
    measured.push(
      await measure(await startEtcdSubject({ size, dataParent, ...peer }), plan, signal),
    );
  }
  return { scenario, measured, left };
}

function requireNamespaces(): void {
  const refusal = namespacesRefusal();
  if (refusal !== null) throw new KvError("BAD_REQUEST", `--network: ${refusal}`);
}

/** The subject is disposed of, even if the measurement fails. */
async function measure(subject: Subject, plan: LabPlan, signal: AbortSignal): Promise<Measured> {
  const { electionTimeoutMs, system, nodes, loses } = subject;
  const { scenario, runs: count, concurrency } = plan;
  const progress = createProgress();
  const options: ExperimentOptions = {
    scenario,
    runs: count,
    holdMs: plan.holdMs ?? HOLD_ELECTION_TIMEOUTS * electionTimeoutMs,
    settleMs: Math.min(SETTLE_ELECTION_TIMEOUTS * electionTimeoutMs, SETTLE_MS_MAX),
    concurrency,
    valueBytes: VALUE_BYTES,
  };
  try {
    const machine = { clock: nodeClock, random: createNodeRandom(), signal };
    const runs = await runExperiment(subject, options, machine, {
      onProgress: ({ run, text }) => progress(`${system}, run ${run} of ${count}: ${text}`),
      onRun: (result, number) => {
        progress("");
        say(runLine(result, number, electionTimeoutMs));
      },
    });
    const summary = summarize(runs, electionTimeoutMs);
    return { system, nodes: nodes.length, electionTimeoutMs, loses, runs, summary };
  } finally {
    progress("");
    await subject.dispose();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One line that changes, on a terminal only. */
function createProgress(): (text: string) => void {
  if (!process.stderr.isTTY) return () => {};
  return (text) => void process.stderr.write(`\r\u001b[K${text}`);
}

function readPlan(name: string, flags: LabFlags): LabPlan {
  const scenario = scenarioOf(name);
  const nodes = integerBetween("--nodes", flags.nodes ?? (scenario === "chain" ? "3" : "5"), 3, 7);
  if (nodes % 2 === 0) {
    throw new KvError("BAD_REQUEST", `--nodes: expected 3, 5 or 7, got "${nodes}"`);
  }
  const { duration, peer } = flags;
  const network = NETWORKS.find((each) => each === flags.network);
  if (flags.network !== undefined && network === undefined) {
    throw new KvError(
      "BAD_REQUEST",
      `--network: expected ${NETWORKS.join(" or ")}, got "${flags.network}"`,
    );
  }
  if (peer !== undefined && peer !== "etcd") {
    throw new KvError("BAD_REQUEST", `--peer: expected etcd, got "${peer}"`);
  }
  return {
    scenario,
    nodes,
    runs: integerBetween("--runs", flags.runs, 1, RUNS_MAX),
    electionTimeoutMs: electionTimeout("--election-timeout", flags.electionTimeout),
    holdMs: duration === undefined ? null : parseTime(duration, "--duration"),
    concurrency: integerBetween("--concurrency", flags.concurrency, 1, CONCURRENCY_MAX),
    network: network ?? null,
    peer:
      peer === undefined
        ? null
        : {
            program: flags.peerProgram,
            flags: flags.peerFlags.split(" ").filter((flag) => flag !== ""),
            electionTimeoutMs: electionTimeout(
              "--peer-election-timeout",
              flags.peerElectionTimeout,
            ),
          },
    dataDirectory: flags.dataDir ?? null,
  };
}

function electionTimeout(flag: string, text: string): number {
  const ms = parseTime(text, flag);
  if (Number.isInteger(ms) && ms >= 20 && ms <= 10_000) return ms;
  const expected = "expected whole milliseconds from 20ms to 10s";
  throw new KvError("BAD_REQUEST", `${flag}: ${expected}, got "${text}"`);
}

function scenarioOf(name: string): NamedScenario {
  if (name === "chained") return "chain";
  if (isNamedScenario(name)) return name;
  const names = Object.keys(NAMED_SCENARIOS).join(", ");
  throw new KvError("BAD_REQUEST", `there is no scenario "${name}": expected ${names}`);
}
