/** `omnikv bench`: closed-loop load through the public client, against a running cluster or a throw-away one. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import { KvError, printableJson } from "../base/index.ts";
import {
  findLeader,
  formatCount,
  Generators,
  isInMemory,
  OMNIKV_GENERATOR,
  OmnikvCluster,
  OPERATIONS,
  renderRatios,
  renderTable,
  throwAwayCertificates,
  type BenchOperation,
  type Loadable,
  type MeasuredProcess,
  type Measurement,
  type ThrowAwayTls,
} from "../measure/index.ts";
import { processListeningOn } from "../machine/host/index.ts";
import { addCredentialOptions, type AccessFlags } from "./options/credential-options.ts";
import { integerBetween } from "./options/integer.ts";
import { withIds } from "./nodes/learn-nodes.ts";
import { parseTime, readSettings } from "./options/prompt-options.ts";

interface BenchFlags extends AccessFlags {
  readonly size: string;
  readonly dataDir?: string;
  readonly operations: string;
  readonly concurrency: string;
  readonly valueBytes: string;
  readonly keys: string;
  readonly duration: string;
  readonly warmUp: string;
  readonly placement: string;
  readonly connections?: string;
  readonly generators: string;
  readonly timeout: string;
  readonly tls?: true;
  readonly rounds: string;
  readonly json?: true;
  readonly save?: string;
}

const PLACEMENTS = ["spread", "leader", "any"] as const;
type Placement = (typeof PLACEMENTS)[number];

interface Plan {
  readonly operations: readonly BenchOperation[];
  readonly concurrencies: readonly number[];
  readonly valueBytes: readonly number[];
  readonly keys: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly placement: Placement;
  readonly connections: number | null;
  readonly generators: number;
  readonly rounds: number;
}

/** What the load goes to. */
interface Subject {
  /** `system`: of its measurements. */
  readonly on: Pick<Loadable, "system" | "generator" | "nodes" | "clusterId" | "secret" | "tls">;
  readonly timeoutMs: number;
  readonly servers: readonly MeasuredProcess[] | null;
  readonly what: string;
  release(): Promise<void>;
}

const PLAIN = "omnikv";
const TLS = "omnikv with TLS";
const VALUE_BYTES_MAX = 1024 * 1024;
const KEYS_MAX = 1e9;

const HELP = `
Examples:
  omnikv bench                                       a throw-away cluster of three, all operations
  omnikv bench --operations put --concurrency 256    one figure
  omnikv bench --nodes 127.0.0.1:4101                a running cluster; writes keys that begin with "bench/"
  omnikv bench --tls                                 in plain text and with TLS, side by side
  omnikv bench --value-bytes 16,1024,65536 --json    one JSON object on stdout, progress on stderr

Operations: put; get, linearizable; local, a get from the node's own state; mix, half puts and half gets.
A latency runs from the call to the answer in the program that asked. Processor time is that of the measured time;
processor time and memory of servers are known where they run on this machine (Linux).`;

export function benchCommand(): Command {
  return addCredentialOptions(new Command("bench"))
    .description(
      "Measures a cluster with a closed loop: so many requests at once, the next one when one is answered.",
    )
    .option("--nodes <list>", "a running cluster (default: a throw-away one is started)")
    .option("--cluster <file>", "the same from a JSON file")
    .option("--size <n>", "servers of the throw-away cluster: 1, 3, 5 or 7", "3")
    .option("--data-dir <directory>", "where the throw-away cluster keeps its data meanwhile")
    .option("--operations <list>", OPERATIONS.join(", "), OPERATIONS.join(","))
    .option("--concurrency <list>", "requests under way at once", "1,64,256,1024")
    .option("--value-bytes <list>", "size of a value", "100")
    .option("--keys <n>", "how many different keys", "10000")
    .option("--duration <time>", "of each measurement", "3s")
    .option("--warm-up <time>", "before each measurement", "1s")
    .option("--placement <where>", "spread over the nodes, all on the leader, or any", "spread")
    .option("--connections <n>", "clients of each generator (default: one a node asked)")
    .option("--generators <n>", "processes that make the load", "1")
    .option("--timeout <time>", "how long a request may take", "5s")
    .option("--tls", "a second throw-away cluster with TLS for clients and nodes, and the ratios")
    .option("--rounds <n>", "measure each so often; with --tls in turn", "1")
    .option("--json", "print one JSON object instead of a table")
    .option("--save <file>", "write the JSON object to a file as well")
    .addHelpText("after", HELP)
    .action(bench);
}

async function bench(flags: BenchFlags): Promise<void> {
  const plan = readPlan(flags);
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const subjects = await openSubjects(flags);
  const release = async (): Promise<void> => {
    await Promise.all(subjects.map((subject) => subject.release()));
  };
  const interrupted = (): void => {
    void release().finally(() => process.exit(130));
  };
  process.once("SIGINT", interrupted);
  try {
    for (const { what } of subjects) say(`${what}; ${cpus().length} processors`);
    const measurements = await run(plan, subjects);
    const report = { omnikvBench: 1, node: process.version, ...plan, measurements };
    const json = `${printableJson(report)}\n`;
    if (flags.save !== undefined) writeFileSync(flags.save, json);
    process.stdout.write(flags.json === true ? json : `${tableOf(plan, measurements)}\n`);
  } finally {
    process.off("SIGINT", interrupted);
    await release();
  }
}

/**
 * Each measurement is made of every subject before the next one, and the subjects take turns to go first: so other work of the machine
 * slows all of them alike.
 */
async function run(plan: Plan, subjects: readonly Subject[]): Promise<readonly Measurement[]> {
  const progress = createProgress();
  const measurements: Measurement[] = [];
  const loaded: Loaded[] = [];
  try {
    for (const subject of subjects) loaded.push(await load(plan, subject));
    for (const valueBytes of plan.valueBytes) {
      progress.now(`writing ${formatCount(plan.keys)} keys`);
      for (const { generators } of loaded) await generators.fill(plan.keys, valueBytes);
      for (const operation of plan.operations) {
        for (const concurrency of plan.concurrencies) {
          const cell = { operation, concurrency, valueBytes };
          for (let round = 0; round < plan.rounds; round++) {
            for (const each of round % 2 === 0 ? loaded : loaded.toReversed()) {
              measurements.push(await measure(plan, each, cell, progress));
            }
          }
        }
      }
    }
  } finally {
    progress.now("");
    for (const { generators } of loaded) await generators.close();
  }
  return measurements;
}

interface Loaded {
  readonly subject: Subject;
  readonly generators: Generators;
}

async function load(plan: Plan, subject: Subject): Promise<Loaded> {
  const { on, timeoutMs } = subject;
  const leader = await findLeader(on.nodes, on.secret, on.tls);
  const ids = on.nodes.map(({ id }) => id);
  const pinned = { spread: ids, leader: [leader], any: null }[plan.placement];
  const generators = await Generators.start(on, {
    pinned,
    timeoutMs,
    count: plan.generators,
    connections: plan.connections ?? undefined,
  });
  return { subject, generators };
}

async function measure(
  { keys, warmUpMs, durationMs }: Plan,
  { subject, generators }: Loaded,
  cell: Pick<Measurement, "operation" | "concurrency" | "valueBytes">,
  progress: Progress,
): Promise<Measurement> {
  const { operation, concurrency, valueBytes } = cell;
  const { on, servers } = subject;
  const name = `${on.system === PLAIN ? "" : "with TLS: "}${operation}, ${concurrency} at once, ${valueBytes} bytes`;
  progress.now(`${name}: warming up`);
  const measurement = await generators.measure({
    ...cell,
    keys,
    seed: 1,
    warmUpMs,
    durationMs,
    servers,
    onProgress: (elapsedMs, rate) =>
      progress.now(`${name}: ${formatCount(rate)}/s after ${(elapsedMs / 1000).toFixed(1)} s`),
  });
  progress.done(`${name}: ${formatCount(measurement.operationsPerSecond)}/s`);
  return measurement;
}

interface Progress {
  /** A line that changes, on a terminal only. */
  now(text: string): void;
  /** A line that stays, where lines cannot change. */
  done(text: string): void;
}

function createProgress(): Progress {
  const { isTTY } = process.stderr;
  return {
    now: (text) => void (isTTY && process.stderr.write(`\r\u001b[K${text}`)),
    done: (text) => void (isTTY || process.stderr.write(`${text}\n`)),
  };
}

function tableOf(plan: Plan, measurements: readonly Measurement[]): string {
  const systems = [...new Set(measurements.map(({ system }) => system))];
  return plan.valueBytes
    .flatMap((bytes) => {
      const rows = measurements.filter(({ valueBytes }) => valueBytes === bytes);
      const { keys, placement, generators } = plan;
      const { connections = 0 } = rows[0] ?? {};
      const title =
        `values of ${bytes} bytes, ${formatCount(keys)} keys, placement ${placement}, ` +
        `connections: ${connections}, generators: ${generators}`;
      const tables = systems.map((system) => {
        const own = renderTable(rows.filter((row) => row.system === system));
        return `${systems.length === 1 ? title : `${system}: ${title}`}\n${own}`;
      });
      return systems.length === 1 ? tables : [...tables, renderRatios(rows, PLAIN, TLS)];
    })
    .join("\n\n");
}

async function openSubjects(flags: BenchFlags): Promise<readonly Subject[]> {
  if (flags.tls !== true) return [await openSubject(flags)];
  if (flags.nodes !== undefined || flags.cluster !== undefined) {
    throw new KvError(
      "BAD_REQUEST",
      "--tls is for throw-away clusters: a running one has it or not",
    );
  }
  const plain = await openThrowAway(flags, null);
  try {
    return [plain, await openThrowAway(flags, throwAwayCertificates())];
  } catch (error) {
    await plain.release();
    throw error;
  }
}

async function openSubject(flags: BenchFlags): Promise<Subject> {
  if (flags.nodes === undefined && flags.cluster === undefined) return openThrowAway(flags, null);
  if (flags.dataDir !== undefined) {
    throw new KvError("BAD_REQUEST", "--data-dir is for a throw-away cluster, not a running one");
  }
  const { nodes, clusterId, secret, tls, timeoutMs } = readSettings(await withIds(flags));
  const servers = nodes.flatMap(({ id, port }) => {
    const pid = processListeningOn(port);
    return pid === null ? [] : [{ name: `node ${id}`, pid }];
  });
  return {
    on: { system: PLAIN, generator: OMNIKV_GENERATOR, nodes, clusterId, secret, tls },
    timeoutMs,
    servers: servers.length === nodes.length ? servers : null,
    what: `a running cluster of ${nodes.length}`,
    release: async () => {},
  };
}

/** @param tls null: in plain text */
async function openThrowAway(flags: BenchFlags, tls: ThrowAwayTls | null): Promise<Subject> {
  const size = integerBetween("--size", flags.size, 1, 7);
  if (size % 2 === 0) {
    throw new KvError("BAD_REQUEST", `--size: expected 1, 3, 5 or 7, got "${flags.size}"`);
  }
  const parent = flags.dataDir === undefined ? null : resolve(flags.dataDir);
  const cluster = await OmnikvCluster.start({
    size,
    parent,
    flags: tls?.flags ?? [],
    tls: tls?.client ?? false,
  });
  const { nodes, clusterId, secret, processes, dataDirectory } = cluster;
  const warning = isInMemory(dataDirectory) ? " (in memory: syncs cost nothing there)" : "";
  return {
    on: {
      system: tls === null ? PLAIN : TLS,
      generator: OMNIKV_GENERATOR,
      nodes,
      clusterId,
      secret,
      tls: cluster.tls,
    },
    timeoutMs: parseTime(flags.timeout, "--timeout"),
    servers: processes,
    what: `a throw-away cluster of ${size}${tls === null ? "" : " with TLS"}, data in ${dataDirectory}${warning}`,
    release: async () => {
      await cluster.remove();
      tls?.remove();
    },
  };
}

function readPlan(flags: BenchFlags): Plan {
  const { connections } = flags;
  return {
    operations: flags.operations.split(",").map((text) => oneOf("--operations", text, OPERATIONS)),
    concurrencies: integers("--concurrency", flags.concurrency, 1, 60_000),
    valueBytes: integers("--value-bytes", flags.valueBytes, 0, VALUE_BYTES_MAX),
    keys: integerBetween("--keys", flags.keys, 1, KEYS_MAX),
    durationMs: parseTime(flags.duration, "--duration"),
    warmUpMs: parseTime(flags.warmUp, "--warm-up"),
    placement: oneOf("--placement", flags.placement, PLACEMENTS),
    connections:
      connections === undefined ? null : integerBetween("--connections", connections, 1, 5000),
    generators: integerBetween("--generators", flags.generators, 1, 64),
    rounds: integerBetween("--rounds", flags.rounds, 1, 1000),
  };
}

function integers(flag: string, text: string, min: number, max: number): readonly number[] {
  return text.split(",").map((part) => integerBetween(flag, part.trim(), min, max));
}

function oneOf<const C extends string>(flag: string, text: string, choices: readonly C[]): C {
  const found = choices.find((choice) => choice === text.trim());
  if (found !== undefined) return found;
  throw new KvError("BAD_REQUEST", `${flag}: expected ${choices.join(", ")}, got "${text}"`);
}
