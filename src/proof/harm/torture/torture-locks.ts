/** Locks, leases and watches of real processes on real servers, all of which are stopped and killed; then what they noted is checked. */
import {
  createAdminClient,
  createClient,
  KvError,
  type KvClient,
} from "../../../client/api/index.ts";
import { SeededRandom } from "../../../machine/ports/index.ts";
import { OmnikvCluster, pause } from "../../../measure/index.ts";
import { checkLocks, type LeaseEnd, type SeenChange } from "./lock-notes.ts";
import { LEASE_PREFIX, nowUs, type LockWorkerTask } from "./lock-worker.ts";
import { LockWorkers, type LockWorker } from "./lock-workers.ts";
import { rage } from "./nemesis.ts";
import { endCluster, runFor } from "./run.ts";
import { everyServerRuns, replicasAgree } from "./torture.ts";

export interface LockTortureOptions {
  readonly nodes: number;
  readonly seconds: number;
  readonly seed: string;
  readonly workers: number;
  /** The time to live of locks, in milliseconds. */
  readonly ttl: number;
  /** Holders that are killed first, while nothing else is done: how long does the next one wait? */
  readonly kills: number;
  readonly keep: boolean;
}

const SERVER_FLAGS = ["--snapshot-entries", "2000", "--allow-faults"];
const FIRST_WRITE_MAX_MS = 30_000;
/** Processes are started from sources, on machines that have other things to do. */
const FIRST_HOLDER_MAX_MS = 60_000;
const NEXT_HOLDER_MAX_MS = 30_000;
/** After which the watches must have told everything. */
const CAUGHT_UP_MAX_MS = 30_000;
const END_KEY = "end";
/** What the next holder may wait for beyond the time to live. */
const HAND_OVER_GOAL_MS = 200;

/**
 * Prints what it does and finds.
 * @returns false when something that `checkLocks` says was violated, a server ended by itself, the replicas differ, nobody had the lock any more
 *   when all was healed, or a watch did not tell everything
 */
export async function tortureLocks(options: LockTortureOptions): Promise<boolean> {
  const { nodes: size, seconds, seed, ttl } = options;
  console.log(
    `torture of locks: ${size} nodes, ${options.workers} processes, ${seconds} s, seed ${seed}`,
  );
  const cluster = await OmnikvCluster.start({ size, flags: SERVER_FLAGS, withSecret: true });
  const { nodes, secret } = cluster;
  const admin = createAdminClient({ nodes, secret });
  const client = createClient({ nodes, secret });
  const workers = new LockWorkers();
  const running: LockWorker[] = [];
  let isGood = false;
  try {
    const warm = await client.write("warm", "up", { timeoutMs: FIRST_WRITE_MAX_MS });
    const task: LockWorkerTask = {
      role: "locker",
      nodes,
      secret,
      name: "contended",
      ttlMs: ttl,
      from: warm.revision + 1,
    };
    const steady = new SteadyWatch(client, task.from);
    const watcher = workers.start({ ...task, role: "watcher" });
    running.push(watcher);
    const lockers = Array.from({ length: options.workers }, () => workers.start(task));
    running.push(...lockers);
    const restart = async (i: number): Promise<void> => {
      await lockers[i]?.kill();
      const locker = workers.start(task);
      lockers[i] = locker;
      running.push(locker);
    };
    await workers.next(({ event }) => event === "held", FIRST_HOLDER_MAX_MS);
    await killHolders(workers, lockers, restart, options);
    const random = new SeededRandom(seed);
    const { isOver, say } = runFor(seconds);
    const victims = { cluster, hosts: null, admin };
    const harm = harmWorkers(lockers, watcher, restart, random.fork("workers"), isOver, say);
    await Promise.all([rage(victims, random.fork("nemesis"), isOver, say), harm]);
    say("all is healed");
    const next = await workers.next(({ event }) => event === "held", NEXT_HOLDER_MAX_MS);
    if (next === null) console.log("nobody had the lock any more");
    await Promise.all(lockers.map((locker) => locker.kill()));
    const isTold = await allTold(workers, client, steady);
    const allRun = everyServerRuns(cluster);
    const agree = await replicasAgree(
      admin,
      nodes.map(({ id }) => id),
    );
    const { violations, text } = checkLocks({
      notes: workers.notes,
      ends: steady.ends,
      steady: steady.changes,
    });
    console.log(text);
    for (const violation of violations) console.log(`VIOLATION: ${violation}`);
    isGood = next !== null && isTold && allRun && agree && violations.length === 0;
  } finally {
    await Promise.all(running.map((worker) => worker.kill()));
    client.close();
    admin.close();
    await endCluster(cluster, isGood && !options.keep);
  }
  console.log(isGood ? "no violation" : `FAILED (seed ${seed})`);
  return isGood;
}

/** The events of this process's own watch; this process is never stopped. */
class SteadyWatch {
  readonly changes: SeenChange[] = [];
  readonly ends: LeaseEnd[] = [];

  constructor(client: KvClient, from: number) {
    const run = async (): Promise<void> => {
      for await (const { events } of client.watch({}, { from })) {
        const atUs = nowUs();
        for (const { type, key: bytes, modRevision: revision } of events) {
          const key = Buffer.from(bytes).toString();
          this.changes.push({ revision, type, key });
          if (type !== "delete" || !key.startsWith(LEASE_PREFIX)) continue;
          this.ends.push({ lease: Number(key.slice(LEASE_PREFIX.length)), atUs });
        }
      }
    };
    run().catch((error: unknown) => {
      const isClosed = error instanceof KvError && error.code === "CANCELLED";
      if (!isClosed) console.log(`the watch has ended: ${String(error)}`);
    });
  }
}

async function killHolders(
  workers: LockWorkers,
  lockers: readonly LockWorker[],
  restart: (i: number) => Promise<void>,
  { kills, ttl }: LockTortureOptions,
): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < kills) {
    const held = await workers.next(({ event }) => event === "held", NEXT_HOLDER_MAX_MS);
    if (held?.event !== "held") return console.log("nobody has the lock");
    const i = lockers.findIndex((locker) => locker.holds() === held.token);
    const after = workers.next(({ event }) => event === "held", NEXT_HOLDER_MAX_MS);
    const killedUs = nowUs();
    const restarted = restart(i);
    const next = await after;
    await restarted;
    const isReleased = workers.notes.some(
      (note) => note.event === "over" && note.token === held.token,
    );
    // It was quicker.
    if (isReleased || i === -1) continue;
    if (next?.event !== "held") return console.log("nobody has the lock any more");
    tookMs.push((next.atUs - killedUs) / 1000);
  }
  if (tookMs.length === 0) return;
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor((kills - 1) * part)] ?? 0);
  const isMet = at(1) <= ttl + HAND_OVER_GOAL_MS;
  console.log(
    `holder killed ${kills} times: the next one after ${at(0)}, ${at(0.5)}, ${at(1)} ms (least, middle, most); time to live ${ttl} ms: ` +
      `${isMet ? "within" : "NOT within"} ${HAND_OVER_GOAL_MS} ms more`,
  );
}

/** Stops or kills those that hold the lock, or any; stops the one that watches. */
async function harmWorkers(
  lockers: readonly LockWorker[],
  watcher: LockWorker,
  restart: (i: number) => Promise<void>,
  random: SeededRandom,
  isOver: () => boolean,
  say: (text: string) => void,
): Promise<void> {
  while (!isOver()) {
    await pause(random.between(300, 2000));
    const holder = lockers.findIndex((locker) => locker.holds() !== null);
    const i = holder !== -1 && random.chance(0.7) ? holder : random.below(lockers.length);
    const who = i === holder ? "the holder" : `process ${i}`;
    const victim = random.chance(0.2) ? watcher : lockers[i];
    if (victim === undefined) continue;
    if (victim !== watcher && random.chance(0.3)) {
      say(`kill -9 ${who}`);
      await restart(i);
      continue;
    }
    say(`suspend ${victim === watcher ? "the watcher" : who}`);
    victim.signal("SIGSTOP");
    await pause(random.between(100, 5000));
    victim.signal("SIGCONT");
  }
}

/** Writes a last key, which both watches must be told. */
async function allTold(
  workers: LockWorkers,
  client: KvClient,
  { changes }: SteadyWatch,
): Promise<boolean> {
  const told = workers.next(
    (note) => note.event === "seen" && note.key === END_KEY,
    CAUGHT_UP_MAX_MS,
  );
  await client.write(END_KEY, "", { timeoutMs: CAUGHT_UP_MAX_MS });
  const deadline = performance.now() + CAUGHT_UP_MAX_MS;
  while (changes.at(-1)?.key !== END_KEY && performance.now() < deadline) await pause(50);
  const isTold = changes.at(-1)?.key === END_KEY && (await told) !== null;
  if (!isTold) console.log("a watch has not told the last key");
  return isTold;
}
