/**
 * A follower dies, the others compact their logs beyond where it was, it comes back: what its catching up by snapshot costs
 * the clients of the leader.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createAdminClient, KvError } from "../../src/api/index.ts";
import { findLeader } from "../../src/bench/find-leader.ts";
import {
  startThrowAwayCluster,
  type ThrowAwayCluster,
} from "../../src/bench/throw-away-cluster.ts";
import { processUsage, resetPeakMemory } from "../../src/platform/process-usage.ts";
import { LocalServer } from "../../src/server/local-cluster.ts";
import {
  plot,
  render,
  summarize,
  type PhaseName,
  type Run,
  type Sample,
  type Transfer,
} from "./catch-up-report.ts";
import { SteadyLoad, type LoadWindow } from "./load.ts";
import { sampleServer } from "./server-sample.ts";
import { TransferWatch } from "./transfer-watch.ts";

const HELP = `Usage: npx tsx scripts/growth.ts catch-up [options]   (npm run build first)

  --keys N           1000000
  --value-bytes N    100
  --concurrency N    writes under way at any time, all at the leader; 64
  --seconds N        of the phases before and after; 10
  --compactions N    that pass while the follower is down, at least; 2
  --interrupt HOW    in the middle of the transfer: link (cut for 2 s at both ends), restart (kill -9); none
  --data-dir DIR     on a real disk
  --server-flags=S   for all servers, separated by spaces, such as --server-flags="--snapshot-mb 1"
  --json FILE        the samples and the summary
  --plot FILE        none
  --report FILE      measures nothing: prints (and plots) what --json has written`;

const WINDOW_MS = 250;
const SETTLE_MS = 3000;
const POLL_MS = 100;
const CUT_MS = 2000;
const CATCH_UP_MAX_MS = 120_000;
const INTERRUPTS = ["none", "link", "restart"] as const;
type Interrupt = (typeof INTERRUPTS)[number];

interface Plan {
  readonly keys: number;
  readonly valueBytes: number;
  readonly concurrency: number;
  readonly seconds: number;
  readonly compactions: number;
  readonly interrupt: Interrupt;
}

const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));
const nowMs = (): number => performance.timeOrigin + performance.now();

export async function catchUp(args: readonly string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      keys: { type: "string", default: "1000000" },
      "value-bytes": { type: "string", default: "100" },
      concurrency: { type: "string", default: "64" },
      seconds: { type: "string", default: "10" },
      compactions: { type: "string", default: "2" },
      interrupt: { type: "string", default: "none" },
      "data-dir": { type: "string" },
      "server-flags": { type: "string", default: "" },
      json: { type: "string" },
      plot: { type: "string" },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    console.log(HELP);
    return;
  }
  const interrupt = INTERRUPTS.find((each) => each === flags.interrupt);
  if (interrupt === undefined) throw new Error(HELP);
  const plan = {
    keys: Number(flags.keys),
    valueBytes: Number(flags["value-bytes"]),
    concurrency: Number(flags.concurrency),
    seconds: Number(flags.seconds),
    compactions: Number(flags.compactions),
    interrupt,
  };
  const serverFlags = ["--allow-faults", ...flags["server-flags"].split(" ").filter(Boolean)];
  const run =
    flags.report === undefined
      ? await measure(plan, flags["data-dir"] ?? null, serverFlags)
      : (JSON.parse(readFileSync(flags.report, "utf8")) as Run);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(run)}\n`);
  if (flags.plot !== undefined) {
    mkdirSync(dirname(resolve(flags.plot)), { recursive: true });
    writeFileSync(flags.plot, plot(run));
  }
  console.log(render(run));
}

async function measure(
  plan: Plan,
  parent: string | null,
  serverFlags: readonly string[],
): Promise<Run> {
  const cluster = await startThrowAwayCluster(3, parent, serverFlags);
  const experiment = new Experiment(plan, cluster, serverFlags);
  try {
    return await experiment.run(await findLeader(cluster.nodes, null));
  } finally {
    await experiment.end();
    await cluster.remove();
  }
}

class Experiment {
  readonly #plan: Plan;
  readonly #cluster: ThrowAwayCluster;
  readonly #serverFlags: readonly string[];
  readonly #servers: LocalServer[];
  readonly #admin: ReturnType<typeof createAdminClient>;
  readonly #samples: Sample[] = [];
  readonly #phases: { readonly name: PhaseName; readonly beganMs: number }[] = [];
  #load: SteadyLoad | null = null;
  #watch: TransferWatch | null = null;
  #failure: Error | null = null;

  constructor(plan: Plan, cluster: ThrowAwayCluster, serverFlags: readonly string[]) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#serverFlags = serverFlags;
    this.#servers = [...cluster.servers];
    this.#admin = createAdminClient({ nodes: cluster.nodes, timeoutMs: 10_000 });
  }

  async run(leader: number): Promise<Run> {
    const { seconds, keys, valueBytes, concurrency, interrupt } = this.#plan;
    const { nodes, clusterId } = this.#cluster;
    const follower = nodes.find(({ id }) => id !== leader)!.id;
    const load = await SteadyLoad.start({
      nodes: nodes.map(({ id, host, port }) => ({ id, host, port })),
      pinned: [leader],
      clusterId,
      keys,
      valueBytes,
      concurrency,
      windowMs: WINDOW_MS,
    });
    this.#load = load;
    this.#enter("settling");
    load.begin(
      (window) => this.#take(window, leader, follower),
      (error) => (this.#failure = error),
    );
    await this.#wait(SETTLE_MS);
    this.#enter("before");
    await this.#wait(seconds * 1000);
    await this.#untilCompacted(leader, follower);
    resetPeakMemory(this.#server(leader).pid);
    const transfer = await this.#comeBack(leader, follower);
    const peakOf = (node: number): number =>
      processUsage(this.#server(node).pid)?.peakRssBytes ?? 0;
    const peakBytes = { leader: peakOf(leader), follower: peakOf(follower) };
    this.#enter("after");
    await this.#wait(seconds * 1000);
    await load.stop();
    const setting = { keys, valueBytes, concurrency, interrupt, node: process.version };
    const leaderAtEnd = await findLeader(nodes, null);
    return {
      growthCatchUp: 1,
      setting,
      transfer,
      peakBytes,
      leaderStayed: leaderAtEnd === leader,
      phases: summarize(this.#phases, this.#samples),
      samples: this.#samples,
    };
  }

  async end(): Promise<void> {
    this.#watch?.end();
    this.#load?.close();
    this.#admin.close();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  #server(node: number): LocalServer {
    return this.#servers[node - 1]!;
  }

  #enter(name: PhaseName): void {
    this.#phases.push({ name, beganMs: nowMs() });
    process.stderr.write(`${name} ...\n`);
  }

  #take(
    { endedAtMs, seconds, latency, errors }: LoadWindow,
    leader: number,
    follower: number,
  ): void {
    this.#samples.push({
      endedAtMs,
      seconds,
      latency,
      errors: Object.values(errors).reduce((a, b) => a + b, 0),
      leaderRssBytes: sampleServer(this.#server(leader)).rssBytes,
      followerRssBytes: sampleServer(this.#server(follower)).rssBytes,
    });
  }

  /** @throws what made the load fail */
  async #wait(ms: number): Promise<void> {
    await pause(ms);
    if (this.#failure !== null) throw this.#failure;
  }

  async #kill(node: number): Promise<void> {
    this.#server(node).signal("SIGKILL");
    await this.#server(node).exited;
  }

  async #start(node: number): Promise<void> {
    const { nodes, clusterId, dataDirectory } = this.#cluster;
    const options = { nodes, clusterId, dataDirectory, flags: this.#serverFlags };
    this.#servers[node - 1] = new LocalServer(nodes[node - 1]!, options);
    await this.#server(node).ready();
  }

  /** Kills the follower and waits until the leader's log no longer reaches back to where it was. */
  async #untilCompacted(leader: number, follower: number): Promise<void> {
    const { acceptedIdx } = await this.#admin.call(follower, "status", {});
    this.#enter("down");
    await this.#kill(follower);
    let snapshotIdx = (await this.#admin.call(leader, "status", {})).snapshotIdx;
    for (let taken = 0, compactedIdx = 0; ; await this.#wait(POLL_MS)) {
      const status = await this.#admin.call(leader, "status", {});
      if (status.snapshotIdx !== snapshotIdx) taken += 1;
      ({ snapshotIdx, compactedIdx } = status);
      if (taken >= this.#plan.compactions && compactedIdx > acceptedIdx) return;
    }
  }

  /** Starts the follower and waits until it has applied what the leader had decided a moment before. */
  async #comeBack(leader: number, follower: number): Promise<Transfer> {
    const { storage } = await this.#admin.call(leader, "status", {});
    const snapshotBytes = storage?.snapshotBytes ?? 0;
    const watch = new TransferWatch(this.#server(follower).dataDirectory);
    this.#watch = watch;
    this.#enter("starting");
    const startedMs = nowMs();
    await this.#start(follower);
    this.#enter("catching up");
    const listeningMs = nowMs();
    const [caughtUpMs, interruption] = await Promise.all([
      this.#untilLevel(leader, follower),
      this.#interrupt(watch, snapshotBytes / 2, leader, follower),
    ]);
    watch.end();
    const { pieces, receivedBytes } = watch;
    return {
      snapshotBytes: pieces.at(-1)?.bytes ?? 0,
      receivedBytes,
      interruption,
      listeningMs: listeningMs - startedMs,
      firstPieceMs: (pieces[0]?.atMs ?? NaN) - startedMs,
      lastPieceMs: (pieces.at(-1)?.atMs ?? NaN) - startedMs,
      caughtUpMs: caughtUpMs - startedMs,
      loads: snapshotLoads(readFileSync(this.#server(follower).logFile, "utf8")),
    };
  }

  /** @returns when */
  async #untilLevel(leader: number, follower: number): Promise<number> {
    for (const deadline = nowMs() + CATCH_UP_MAX_MS; ; await this.#wait(POLL_MS)) {
      const { decidedIdx } = await this.#admin.call(leader, "status", {});
      if ((await this.#appliedIdx(follower)) >= decidedIdx) return nowMs();
      if (nowMs() > deadline) throw new Error("the follower did not catch up");
    }
  }

  /** Of a node that may be down: then 0. */
  async #appliedIdx(node: number): Promise<number> {
    try {
      return (await this.#admin.call(node, "status", {})).appliedIdx;
    } catch (error) {
      if (error instanceof KvError) return 0;
      throw error;
    }
  }

  async #interrupt(
    watch: TransferWatch,
    atBytes: number,
    leader: number,
    follower: number,
  ): Promise<Transfer["interruption"]> {
    const { interrupt } = this.#plan;
    if (interrupt === "none") return null;
    const before = await watch.reached(atBytes);
    if (interrupt === "restart") {
      await this.#kill(follower);
      await this.#start(follower);
    } else {
      const ends = [
        [leader, follower],
        [follower, leader],
      ] as const;
      const both = (op: "breakLink" | "restoreLink"): Promise<unknown> =>
        Promise.all(
          ends.map(([node, peer]) => this.#admin.call(node, op, { peer, direction: "both" })),
        );
      await both("breakLink");
      await this.#wait(CUT_MS);
      await both("restoreLink");
    }
    const resumedMs = nowMs();
    const after = await watch.next();
    return {
      bytesBefore: before.bytes,
      bytesAfter: after.bytes,
      sameFile: interrupt === "link" && after.file === before.file,
      resumedAfterMs: after.atMs - resumedMs,
    };
  }
}

/** Milliseconds that each took, as the node's log says. */
function snapshotLoads(log: string): readonly number[] {
  return [...log.matchAll(/a snapshot from a peer is loaded.*?\bms"?[=:] ?(\d+)/g)].map(([, ms]) =>
    Number(ms),
  );
}
