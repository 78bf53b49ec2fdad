/** Locks and leases beside etcd: how fast a lock is handed on, what many leases cost, how soon the dead are followed. */
import { formatCount } from "../reports/format.ts";
import { median, sum } from "../reports/statistics.ts";
import { alignColumns } from "../reports/table.ts";
import { etcdVersion } from "../subjects/etcd-cluster.ts";
import { startEtcdLocks } from "../subjects/etcd-locks.ts";
import type { LockSubject } from "../subjects/lock-subject.ts";
import { startOmnikvLocks } from "../subjects/omnikv-locks.ts";
import { UsageMeter } from "../workloads/usage-meter.ts";
import { pause } from "../pause.ts";
import { say } from "./entry.ts";

export interface LockBenchOptions {
  readonly size: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly contenders: number;
  readonly leases: number;
  /** Milliseconds from one renewal of a lease to the next. */
  readonly every: number;
  readonly kills: number;
  /** Milliseconds, of the lock whose holder dies. */
  readonly ttl: number;
  /** The program. */
  readonly etcd: string;
  readonly dataDir: string | null;
}

/** One of each round, or of each kill. */
interface Found {
  readonly handOvers: number[];
  /** Milliseconds of processor time that all servers together took for one. */
  readonly handOverCpu: number[];
  readonly leaseCpu: number[];
  readonly followedMs: number[];
}

/** The time to live of locks that no holder should lose. */
const LONG_TTL_MS = 30_000;
const LOCK = "bench";
/** Servers and clients that have just started are slower: what runs once a hand-over is compiled only after many of them. */
const WARM_UP_MS = 10_000;
/** Clients keep a lease for a second in case that they ask again, and then end it: a cluster has no more than what is measured next. */
const SPARE_MS = 3000;
/** A lease is renewed three times in its time to live. */
const RENEWALS = 3;

/** @returns a table; without etcd where it cannot be run */
export async function measureLocks(options: LockBenchOptions): Promise<string> {
  const { etcd: program, size, dataDir, rounds, kills } = options;
  const version = etcdVersion(program);
  if (version === null) say(`cannot run "${program}": omnikv alone is measured`);
  const subjects: LockSubject[] = [];
  const results = new Map<LockSubject, Found>();
  try {
    subjects.push(await startOmnikvLocks(size, dataDir));
    if (version !== null) subjects.push(await startEtcdLocks(program, size, dataDir));
    for (const subject of subjects) {
      results.set(subject, { handOvers: [], handOverCpu: [], leaseCpu: [], followedMs: [] });
    }
    for (let round = 1; round <= Math.max(rounds, kills); round++) {
      for (const subject of round % 2 === 1 ? subjects : subjects.toReversed()) {
        const found = results.get(subject);
        if (found !== undefined) await measure(subject, found, round, options);
      }
    }
  } finally {
    for (const subject of subjects) await subject.remove();
  }
  return render(results, options, version);
}

async function measure(
  subject: LockSubject,
  { handOvers, handOverCpu, leaseCpu, followedMs }: Found,
  round: number,
  { rounds, kills, contenders, seconds, leases, every, ttl }: LockBenchOptions,
): Promise<void> {
  const told = (text: string): void => say(`round ${round}, ${subject.name}: ${text}`);
  if (round <= rounds) {
    const { perSecond, cpuMs } = await contend(subject, contenders, seconds * 1000);
    handOvers.push(perSecond);
    handOverCpu.push(cpuMs);
    told(
      `${formatCount(perSecond)} hand-overs a second, ${cpuMs.toFixed(2)} ms of processors each`,
    );
  }
  if (round <= rounds && leases > 0) {
    const cpu = await keep(subject, leases, every, seconds * 1000);
    leaseCpu.push(cpu);
    told(`${(cpu * 100).toFixed(1)} % of a processor for ${leases} leases`);
  }
  if (round <= kills) {
    const ms = await die(subject, ttl);
    followedMs.push(ms);
    told(`followed after ${formatCount(ms)} ms`);
  }
}

/** Hand-overs of one lock, which each gives back as soon as it has it. */
async function contend(
  subject: LockSubject,
  contenders: number,
  durationMs: number,
): Promise<{ perSecond: number; cpuMs: number }> {
  const clients = Array.from({ length: contenders }, () => subject.client(LONG_TTL_MS));
  let handOvers = 0;
  const over = new AbortController();
  try {
    const run = clients.map(async (client) => {
      while (!over.signal.aborted) {
        const held = await client.lock(LOCK);
        handOvers += 1;
        await held.release();
      }
    });
    await pause(WARM_UP_MS);
    const meter = new UsageMeter(subject.processes, []);
    meter.begin();
    const [begunMs, before] = [performance.now(), handOvers];
    await pause(durationMs);
    const count = handOvers - before;
    const perSecond = (count * 1000) / (performance.now() - begunMs);
    meter.end();
    over.abort();
    await Promise.all(run);
    await pause(SPARE_MS);
    const cpuSeconds = sum((meter.result().servers ?? []).map((server) => server.cpuSeconds));
    return { perSecond, cpuMs: (cpuSeconds * 1000) / Math.max(1, count) };
  } finally {
    for (const client of clients) client.close();
  }
}

/** @returns processors that all servers together were busy with */
async function keep(
  subject: LockSubject,
  leases: number,
  everyMs: number,
  durationMs: number,
): Promise<number> {
  const stop = await subject.keepLeases(leases, everyMs * RENEWALS);
  try {
    // Every lease was renewed once before.
    await pause(everyMs);
    const meter = new UsageMeter(subject.processes, []);
    meter.begin();
    const begunMs = performance.now();
    // Whole intervals: renewals may come all at once.
    await pause(Math.ceil(durationMs / everyMs) * everyMs);
    meter.end();
    const seconds = (performance.now() - begunMs) / 1000;
    const servers = meter.result().servers ?? [];
    return sum(servers.map(({ cpuSeconds }) => cpuSeconds)) / seconds;
  } finally {
    stop();
    // They end by themselves, in etcd a thousand a second: the next measurement begins without them.
    await pause(everyMs * RENEWALS + 2000 + leases);
  }
}

/** @returns milliseconds from the last moment of a holder until the next one has the lock */
async function die(subject: LockSubject, ttlMs: number): Promise<number> {
  const [holder, next] = [subject.client(ttlMs), subject.client(ttlMs)];
  try {
    const held = await holder.lock(LOCK);
    const waiting = next.lock(LOCK);
    // It is renewed once or twice, as most locks are before their holder dies.
    await pause(ttlMs * (0.5 + Math.random() / 2));
    const diedMs = performance.now();
    held.die();
    const followed = await waiting;
    const ms = performance.now() - diedMs;
    await followed.release();
    return ms;
  } finally {
    holder.close();
    next.close();
  }
}

function render(
  results: ReadonlyMap<LockSubject, Found>,
  { contenders, leases, every, ttl }: LockBenchOptions,
  version: string | null,
): string {
  const names = Array.from(results.keys(), ({ name }) =>
    name === "etcd" ? `etcd ${version ?? ""}` : name,
  );
  const row = (
    what: string,
    numbers: (found: Found) => readonly number[],
    text: (value: number) => string,
  ): string[] => [
    what,
    ...Array.from(results.values(), (found) => {
      const all = numbers(found);
      return all.length === 0 ? "–" : text(median(all));
    }),
  ];
  const most = Array.from(results.values(), ({ followedMs }) =>
    followedMs.length === 0 ? "–" : `${formatCount(Math.max(...followedMs))} ms`,
  );
  return alignColumns([
    ["median", ...names],
    row(`hand-overs a second, ${contenders} contenders`, ({ handOvers }) => handOvers, formatCount),
    row(
      "servers' processor time for each",
      ({ handOverCpu }) => handOverCpu,
      (ms) => `${ms.toFixed(2)} ms`,
    ),
    row(
      `servers' processors, ${leases} leases renewed every ${every} ms`,
      ({ leaseCpu }) => leaseCpu,
      (cpu) => cpu.toFixed(3),
    ),
    row(
      `holder dead: until the next one, time to live ${ttl} ms`,
      ({ followedMs }) => followedMs,
      (ms) => `${formatCount(ms)} ms`,
    ),
    ["the same, at most", ...most],
  ]);
}
