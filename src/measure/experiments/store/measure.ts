/**
 * Batches, transactions, ranges, memory and restarts of omnikv beside etcd, alternately: each cell of each round is measured at one
 * system and then at the other, and who goes first alternates. The clusters live for the whole run, of a million keys by default.
 */
import { readFileSync } from "node:fs";
import { nodeClock } from "../../../machine/runtime/index.ts";
import { LatencyHistogram } from "../../reports/histogram.ts";
import type { Cluster } from "../../subjects/cluster.ts";
import { EtcdCluster, etcdVersion } from "../../subjects/etcd-cluster.ts";
import { OmnikvCluster } from "../../subjects/omnikv-cluster.ts";
import { startClosedLoop } from "../../workloads/closed-loop.ts";
import { settle } from "../../workloads/target.ts";
import { pause } from "../../pause.ts";
import { say } from "../entry.ts";
import { etcdStore, omnikvStore, type Entry, type StoreSubject } from "./subjects.ts";

export const STORE_CELLS = ["batch", "txn", "range", "scan", "memory", "restart"] as const;
export type StoreCell = (typeof STORE_CELLS)[number];
export const STORE_SYSTEMS = ["omnikv", "etcd"] as const;
export type StoreSystem = (typeof STORE_SYSTEMS)[number];

export interface StoreOptions {
  readonly cells: readonly StoreCell[];
  readonly systems: readonly StoreSystem[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly concurrency: number;
  readonly etcd: string;
  readonly etcdConnections: number;
  readonly dataDir: string | null;
}

/** One figure of a cell, in one round. */
export interface StoreFigure {
  readonly system: StoreSystem;
  readonly cell: StoreCell;
  readonly what: string;
  readonly value: number;
}

interface Running {
  readonly name: StoreSystem;
  readonly cluster: Cluster;
  subject: StoreSubject;
}

const BATCH = 1000;
const TXN_KEYS = 3;
const RANGE_KEYS = 100;
/** How many callers the loop has that goes on beside a scan. */
const OTHERS = 8;
const SAMPLE_MS = 20;
const MEBIBYTE = 2 ** 20;
const SERVED_MS = 120_000;
const POLL_MS = 20;

/** @throws Error when there is no etcd that is to be measured */
export async function measureStore(
  options: StoreOptions,
  keep: (figures: readonly StoreFigure[]) => void,
): Promise<readonly StoreFigure[]> {
  if (options.systems.includes("etcd") && etcdVersion(options.etcd) === null) {
    throw new Error(`cannot run "${options.etcd}": install etcd-server, or give --systems omnikv`);
  }
  const figures: StoreFigure[] = [];
  const running: Running[] = [];
  try {
    for (const name of options.systems) {
      const started = await startRunning(name, options);
      running.push(started);
      say(`${name}: ${options.keys} keys are put`);
      await fill(started.subject, options);
    }
    for (let round = 1; round <= options.rounds; round++) {
      for (const cell of options.cells) {
        for (const each of round % 2 === 1 ? running : running.toReversed()) {
          const found = await measureCell(each, cell, options);
          figures.push(...found.map((figure) => ({ ...figure, system: each.name, cell })));
          keep(figures);
          const told = found.map(({ what, value }) => `${what} ${value.toFixed(1)}`).join(", ");
          say(`round ${round}, ${cell}, ${each.name}: ${told}`);
        }
      }
    }
    return figures;
  } finally {
    for (const { subject, cluster } of running) {
      subject.close();
      await cluster.remove();
    }
  }
}

async function startRunning(name: StoreSystem, options: StoreOptions): Promise<Running> {
  const { dataDir: parent, etcd } = options;
  const cluster =
    name === "omnikv"
      ? await OmnikvCluster.start({ size: 3, parent })
      : await EtcdCluster.start({ program: etcd, size: 3, parent });
  return { name, cluster, subject: await subjectOf(name, cluster, options) };
}

async function subjectOf(
  name: StoreSystem,
  cluster: Cluster,
  { etcdConnections }: StoreOptions,
): Promise<StoreSubject> {
  const leader = await cluster.leader();
  return name === "omnikv"
    ? omnikvStore(cluster, leader)
    : etcdStore(cluster, leader, etcdConnections);
}

type Figures = readonly Pick<StoreFigure, "what" | "value">[];

function measureCell(running: Running, cell: StoreCell, options: StoreOptions): Promise<Figures> {
  const { subject } = running;
  const random = cheapRandom();
  const { keys, concurrency } = options;
  switch (cell) {
    case "batch":
      return rateOf("puts", BATCH, 1, options, () =>
        subject.batch(entriesAt(random(keys), BATCH, options)),
      );
    case "txn":
      return rateOf("transactions", 1, concurrency, options, () =>
        subject.txn(entriesAt(random(keys), TXN_KEYS, options)),
      );
    case "range":
      return rateOf("ranges", 1, concurrency, options, () => {
        const from = random(Math.max(1, keys - RANGE_KEYS));
        return subject.range(keyAt(from), keyAt(from + RANGE_KEYS));
      });
    case "scan":
      return scan(running, options);
    case "memory":
      return Promise.resolve([
        { what: "resident MiB, leader and followers", value: residentOf(running.cluster) },
      ]);
    default:
      return restart(running, options);
  }
}

/** A closed loop of a kind of request, for a time. */
async function rateOf(
  what: string,
  each: number,
  callers: number,
  { durationMs }: StoreOptions,
  ask: () => Promise<void>,
): Promise<Figures> {
  const { histogram, elapsedMs } = await loopFor(callers, ask, pause(durationMs));
  return [
    { what: `${what} a second`, value: (histogram.count * each * 1000) / elapsedMs },
    { what: "p50 ms", value: histogram.quantileUs(0.5) / 1000 },
    { what: "p99 ms", value: histogram.quantileUs(0.99) / 1000 },
  ];
}

/** @param over ends the loop. @throws Error with the first refusal */
async function loopFor(
  callers: number,
  ask: () => Promise<void>,
  over: Promise<unknown>,
): Promise<{ readonly histogram: LatencyHistogram; readonly elapsedMs: number }> {
  const histogram = new LatencyHistogram();
  let refusal: string | null = null;
  const begunMs = performance.now();
  const loop = startClosedLoop({
    callers,
    clock: nodeClock,
    ask: (_, done) => {
      settle(ask(), done);
      return true;
    },
    answered: (_, error, startedMs) => {
      if (error === null) histogram.record((nodeClock.now() - startedMs) * 1000);
      else refusal ??= error;
    },
  });
  try {
    await over;
  } finally {
    await loop.stop();
  }
  if (refusal !== null) throw new Error(`refused: ${String(refusal)}`);
  return { histogram, elapsedMs: performance.now() - begunMs };
}

/** All keys to the client, and what that does to the servers' memory and to others who ask meanwhile. */
async function scan({ subject, cluster }: Running, options: StoreOptions): Promise<Figures> {
  const random = cheapRandom();
  const other = (): Promise<void> => subject.get(keyAt(random(options.keys)));
  const alone = await loopFor(OTHERS, other, pause(options.durationMs));
  const before = residentOf(cluster);
  let highest = before;
  const sampler = setInterval(() => {
    highest = Math.max(highest, residentOf(cluster));
  }, SAMPLE_MS);
  const begunMs = performance.now();
  const scanned = scanAll(subject, options.keys).then(() => performance.now() - begunMs);
  try {
    const beside = await loopFor(OTHERS, other, scanned);
    const elapsedMs = await scanned;
    const p99 = (histogram: LatencyHistogram): number => histogram.quantileUs(0.99) / 1000;
    return [
      { what: "keys a second", value: (options.keys * 1000) / elapsedMs },
      { what: "servers' memory, MiB more", value: highest - before },
      { what: "p99 ms of others, alone", value: p99(alone.histogram) },
      { what: "p99 ms of others, meanwhile", value: p99(beside.histogram) },
    ];
  } finally {
    clearInterval(sampler);
  }
}

const PAGE = 1000;

/** A client of etcd pages by itself; that of omnikv is given pages of the same size, so that both ask as often. */
async function scanAll(subject: StoreSubject, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += PAGE) {
    await subject.range(keyAt(from), keyAt(Math.min(keys, from + PAGE)));
  }
}

/** kill -9 of all servers; from their start to the first linearizable read. */
async function restart(running: Running, options: StoreOptions): Promise<Figures> {
  const { cluster, name } = running;
  running.subject.close();
  const ids = cluster.nodes.map(({ id }) => id);
  await Promise.all(ids.map((id) => cluster.kill(id)));
  const begunMs = performance.now();
  await Promise.all(ids.map((id) => cluster.restart(id)));
  for (;;) {
    try {
      running.subject = await subjectOf(name, cluster, options);
      await running.subject.get(keyAt(0));
      break;
    } catch (error) {
      if (performance.now() - begunMs > SERVED_MS) throw error;
      running.subject.close();
      await pause(POLL_MS);
    }
  }
  return [{ what: "ms to the first read", value: performance.now() - begunMs }];
}

async function fill(subject: StoreSubject, options: StoreOptions): Promise<void> {
  for (let from = 0; from < options.keys; from += BATCH) {
    await subject.batch(entriesAt(from, Math.min(BATCH, options.keys - from), options));
  }
}

function keyAt(i: number): Buffer {
  return Buffer.from(`key/${String(i).padStart(9, "0")}`);
}

/** One after the other, from the first on again behind the last. */
function entriesAt(from: number, count: number, { keys, valueBytes }: StoreOptions): Entry[] {
  return Array.from({ length: Math.min(count, keys) }, (_, i) => ({
    key: keyAt((from + i) % keys),
    value: Buffer.alloc(valueBytes, from + i),
  }));
}

/** Resident memory of all servers together. */
function residentOf({ processes }: Cluster): number {
  const bytes = processes.map(({ pid }) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  });
  return bytes.reduce((sum, each) => sum + each, 0) / MEBIBYTE;
}

/** The same numbers for each system. @returns below a bound */
function cheapRandom(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
