/**
 * A follower dies, the others compact their logs beyond where it was, it comes back: what its catching up by snapshot costs
 * the clients of the leader.
 */
import { readFileSync } from "node:fs";
import { createAdminClient, KvError } from "../../../client/api/index.ts";
import { processUsage, resetPeakMemory } from "../../../machine/host/index.ts";
import { countOf } from "../../reports/statistics.ts";
import { OmnikvCluster } from "../../subjects/omnikv-cluster.ts";
import { sampleServer } from "../../subjects/server-sample.ts";
import { Generators } from "../../workloads/generators.ts";
import type { LoadWindow } from "../../workloads/steady-loop.ts";
import { readJson, say, writeJson, writeText } from "../entry.ts";
import { readFlags } from "../flags.ts";
import { pause } from "../../pause.ts";
import {
  plot,
  render,
  summarize,
  type PhaseName,
  type Run,
  type Sample,
  type Transfer,
} from "./catch-up-report.ts";
import { TransferWatch } from "./transfer-watch.ts";

const HELP = `Usage: npx tsx scripts/growth.ts catch-up [options]   (npm run build first)

  --keys N           1000000
  --value-bytes N    100
  --concurrency N    writes under way at any time, all at the leader; 64
  --seconds N        of the phases before and after; 10
  --compactions N    that pass while the follower is down, at least; 2
  --interrupt HOW    in the middle of the transfer: link (broken for 2 s at both ends), restart (kill -9); none
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
const TIMEOUT_MS = 30_000;
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

const nowMs = (): number => performance.timeOrigin + performance.now();

export async function catchUp(args: readonly string[]): Promise<void> {
  const flags = readFlags(
    HELP,
    {
      keys: 1_000_000,
      valueBytes: 100,
      concurrency: 64,
      seconds: 10,
      compactions: 2,
      interrupt: "none",
      dataDir: null,
      serverFlags: "",
      json: null,
      plot: null,
      report: null,
    },
    args,
  );
  const interrupt = INTERRUPTS.find((each) => each === flags.interrupt);
  if (interrupt === undefined) throw new Error(HELP);
  const plan = { ...flags, interrupt };
  const serverFlags = ["--allow-faults", ...flags.serverFlags.split(" ").filter(Boolean)];
  const run =
    flags.report === null
      ? await measure(plan, flags.dataDir, serverFlags)
      : (readJson(flags.report) as Run | null);
  if (run === null) throw new Error(`there is no ${flags.report}`);
  writeJson(flags.json, run);
  if (flags.plot !== null) writeText(flags.plot, plot(run));
  console.log(render(run));
}

async function measure(
  plan: Plan,
  parent: string | null,
  serverFlags: readonly string[],
): Promise<Run> {
  const cluster = await OmnikvCluster.start({ size: 3, parent, flags: serverFlags });
  try {
    const leader = await cluster.leader();
    const generators = await Generators.start(cluster, { pinned: [leader], timeoutMs: TIMEOUT_MS });
    const experiment = new Experiment(plan, cluster, generators);
    try {
      return await experiment.run(leader);
    } finally {
      experiment.end();
      await generators.close();
    }
  } finally {
    await cluster.remove();
  }
}

class Experiment {
  readonly #plan: Plan;
  readonly #cluster: OmnikvCluster;
  readonly #generators: Generators;
  readonly #admin: ReturnType<typeof createAdminClient>;
  readonly #samples: Sample[] = [];
  readonly #phases: { readonly name: PhaseName; readonly beganMs: number }[] = [];
  #watch: TransferWatch | null = null;
  #failure: Error | null = null;

  constructor(plan: Plan, cluster: OmnikvCluster, generators: Generators) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#generators = generators;
    this.#admin = createAdminClient({ nodes: cluster.nodes, timeoutMs: 10_000 });
  }

  async run(leader: number): Promise<Run> {
    const { seconds, keys, valueBytes, concurrency, interrupt } = this.#plan;
    const cluster = this.#cluster;
    const follower = cluster.nodes.find(({ id }) => id !== leader)?.id ?? leader;
    await this.#generators.fill(keys, valueBytes);
    this.#enter("settling");
    const load = { keys, valueBytes, concurrency, windowMs: WINDOW_MS };
    const steady = this.#generators.steady(load, (window) => this.#take(window, leader, follower));
    steady.ended.catch((error: Error) => (this.#failure = error));
    await this.#wait(SETTLE_MS);
    this.#enter("before");
    await this.#wait(seconds * 1000);
    await this.#untilCompacted(leader, follower);
    resetPeakMemory(cluster.server(leader).pid);
    const transfer = await this.#comeBack(leader, follower);
    const peakOf = (node: number): number =>
      processUsage(cluster.server(node).pid)?.peakRssBytes ?? 0;
    const peakBytes = { leader: peakOf(leader), follower: peakOf(follower) };
    this.#enter("after");
    await this.#wait(seconds * 1000);
    await steady.stop();
    const leaderAtEnd = await cluster.leader();
    return {
      growthCatchUp: 1,
      setting: { keys, valueBytes, concurrency, interrupt, node: process.version },
      transfer,
      peakBytes,
      leaderStayed: leaderAtEnd === leader,
      phases: summarize(this.#phases, this.#samples),
      samples: this.#samples,
    };
  }

  end(): void {
    this.#watch?.end();
    this.#admin.close();
  }

  #enter(name: PhaseName): void {
    this.#phases.push({ name, beganMs: nowMs() });
    say(`${name} ...`);
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
      errors: countOf(errors),
      leaderRssBytes: sampleServer(this.#cluster.server(leader)).rssBytes,
      followerRssBytes: sampleServer(this.#cluster.server(follower)).rssBytes,
    });
  }

  /** @throws what made the load fail */
  async #wait(ms: number): Promise<void> {
    await pause(ms);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Kills the follower and waits until the leader's log no longer reaches back to where it was. */
  async #untilCompacted(leader: number, follower: number): Promise<void> {
    const { acceptedIdx } = await this.#admin.call(follower, "status", {});
    this.#enter("down");
    await this.#cluster.kill(follower);
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
    const watch = new TransferWatch(this.#cluster.server(follower).dataDirectory);
    this.#watch = watch;
    this.#enter("starting");
    const startedMs = nowMs();
    await this.#cluster.restart(follower);
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
      loads: snapshotLoads(readFileSync(this.#cluster.server(follower).logFile, "utf8")),
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

  /** The applied index of a node. 0 while the node is down. */
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
      await this.#cluster.kill(follower);
      await this.#cluster.restart(follower);
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
