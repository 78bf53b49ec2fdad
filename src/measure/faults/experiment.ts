/**
 * The paper's experiment on partial connectivity: under load, break the links of a scenario, hold, heal; measure for how
 * long nothing was acknowledged.
 */
import { KvError } from "../../base/index.ts";
import type { Clock, Random } from "../../machine/ports/index.ts";
import {
  planScenario,
  type NamedScenario,
  type NodeId,
  type Scenario,
} from "../../client/scenarios/index.ts";
import { longestGap, perSlot, type Gap } from "./gaps.ts";
import { startLoad, type Load, type LoadOptions } from "./load.ts";
import { Observer, type SeenLeader, type SeenLook } from "./observer.ts";
import type { Subject } from "./subject.ts";

export interface ExperimentOptions extends LoadOptions {
  readonly scenario: NamedScenario;
  readonly runs: number;
  /** How long the links stay broken. */
  readonly holdMs: number;
  /** How long is watched after they were healed. */
  readonly settleMs: number;
}

/** Times in milliseconds from the cut, unless they are durations. */
export interface RunResult {
  readonly summary: string;
  readonly leaderBefore: NodeId;
  readonly leaderAfter: NodeId | null;
  readonly canLead: readonly NodeId[];
  /** Longest time without an acknowledged write from the cut to healing; open: none came any more. */
  readonly down: Gap;
  /** As `down`, for the one writer that waited longest. */
  readonly slowestWriter: Gap;
  /** The longest from healing on. */
  readonly afterHeal: Gap;
  /** The longest before the cut: what the machine alone does. */
  readonly before: Gap;
  /** Leaderships that began between cut and healing. */
  readonly leaderChanges: number;
  readonly timeline: Timeline;
}

export interface Timeline {
  readonly slotMs: number;
  readonly startMs: number;
  /** Acknowledged writes in each slot from `startMs` on. */
  readonly acknowledged: readonly number[];
  /** When links were broken: the last one is the cut, at 0. */
  readonly stepsMs: readonly number[];
  readonly healMs: number;
  readonly endMs: number;
  readonly leaders: readonly SeenLeader[];
  /** What the nodes said of themselves; the first of each node holds from before `startMs`. */
  readonly looks: readonly SeenLook[];
}

export interface Listeners {
  onProgress(progress: { readonly run: number; readonly text: string }): void;
  /** @param run counts from 1 */
  onRun(result: RunResult, run: number): void;
}

/** Leader and followers have been the same for so many election time-outs before a run begins. */
const STABLE_ELECTION_TIMEOUTS = 5;
/** Load runs for so many before the cut; the cut falls anywhere within one more. */
const BEFORE_ELECTION_TIMEOUTS = 5;
const STABLE_WITHIN_MS = 60_000;
/** A client goes to another node after so many without an answer. */
const ATTEMPT_ELECTION_TIMEOUTS = 2;
const SLOTS_PER_ELECTION_TIMEOUT = 10;
const LOOKS_PER_ELECTION_TIMEOUT = 5;
const LOOK_MS_MIN = 10;

/** Never ends the subject: its owner does. @throws KvError CANCELLED when `signal` is aborted */
export async function runExperiment(
  subject: Subject,
  options: ExperimentOptions,
  machine: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal },
  listeners: Listeners,
): Promise<readonly RunResult[]> {
  const { clock, random, signal } = machine;
  const everyMs = Math.max(LOOK_MS_MIN, subject.electionTimeoutMs / LOOKS_PER_ELECTION_TIMEOUT);
  const observer = new Observer(subject, everyMs, clock);
  observer.start();
  const bench: Bench = { subject, options, clock, random, observer, pause: pauser(clock, signal) };
  const results: RunResult[] = [];
  try {
    for (let run = 1; run <= options.runs; run++) {
      const result = await runOnce(bench, (text) => listeners.onProgress({ run, text }));
      results.push(result);
      listeners.onRun(result, run);
    }
  } finally {
    await observer.stop();
  }
  return results;
}

interface Bench {
  readonly subject: Subject;
  readonly options: ExperimentOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  readonly pause: (ms: number) => Promise<void>;
}

async function runOnce(bench: Bench, say: (text: string) => void): Promise<RunResult> {
  const { subject, options, clock } = bench;
  const { electionTimeoutMs, nodes } = subject;
  say("waiting for a leader that all follow");
  await untilStable(bench);
  const attemptTimeoutMs = ATTEMPT_ELECTION_TIMEOUTS * electionTimeoutMs;
  const writers = nodes.map((node) => subject.openWriter(node, attemptTimeoutMs));
  const startMs = clock.now();
  const load = startLoad(writers, options, clock);
  try {
    return await observe(bench, load, startMs, say);
  } finally {
    await load.stop();
  }
}

async function observe(
  bench: Bench,
  load: Load,
  startMs: number,
  say: (text: string) => void,
): Promise<RunResult> {
  const { subject, options, clock, random, observer, pause } = bench;
  const { electionTimeoutMs, nodes } = subject;
  const phase = random.uint32() / 2 ** 32;
  await pause((BEFORE_ELECTION_TIMEOUTS + phase) * electionTimeoutMs);
  const leaderBefore = await untilStable(bench);
  const followers = nodes.filter((node) => node !== leaderBefore);
  const hub = followers[random.uint32() % followers.length] ?? leaderBefore;
  const plan = planScenario(options.scenario, { nodes, leader: leaderBefore, hub });
  say(`node ${leaderBefore} leads; ${plan.summary}`);
  const stepsMs = await cut(bench, plan);
  const cutMs = stepsMs.at(-1) ?? clock.now();
  await pause(cutMs + options.holdMs - clock.now());
  const leaderAfter = observer.leader;
  say("healing");
  const healMs = clock.now();
  await subject.applyBroken([]);
  await pause(healMs + options.settleMs - clock.now());
  const endMs = clock.now();
  const { summary, canLead } = plan;
  return {
    summary,
    leaderBefore,
    leaderAfter,
    canLead,
    ...gapsOf(load, { startMs, firstMs: stepsMs[0] ?? cutMs, cutMs, healMs, endMs }),
    leaderChanges: observer.leaders.filter(({ atMs }) => atMs >= cutMs && atMs < healMs).length,
    timeline: timelineOf(bench, load, { startMs, stepsMs, cutMs, healMs, endMs }),
  };
}

interface Moments {
  readonly startMs: number;
  readonly cutMs: number;
  readonly healMs: number;
  readonly endMs: number;
}

function gapsOf(
  load: Load,
  { startMs, firstMs, cutMs, healMs, endMs }: Moments & { readonly firstMs: number },
): Pick<RunResult, "down" | "slowestWriter" | "afterHeal" | "before"> {
  const gap = (of: Load["all"], from: number, until: number): Gap => {
    const found = longestGap(of.between(from, until), from, until);
    return { ...found, fromMs: found.fromMs - cutMs };
  };
  const perWriter = load.each.map((own) => gap(own, cutMs, healMs));
  const [firstAcknowledged = startMs] = load.all.between(startMs, firstMs);
  return {
    down: gap(load.all, cutMs, healMs),
    slowestWriter: perWriter.reduce((a, b) => (b.ms > a.ms ? b : a)),
    afterHeal: gap(load.all, healMs, endMs),
    // Clients connect first.
    before: gap(load.all, firstAcknowledged, firstMs),
  };
}

function timelineOf(
  { subject, observer }: Bench,
  load: Load,
  { startMs, stepsMs, cutMs, healMs, endMs }: Moments & { readonly stepsMs: readonly number[] },
): Timeline {
  const slotMs = subject.electionTimeoutMs / SLOTS_PER_ELECTION_TIMEOUT;
  const since = <T extends { readonly atMs: number }>(seen: T): T => ({
    ...seen,
    atMs: seen.atMs - cutMs,
  });
  const within = observer.leaders.filter(({ atMs }) => atMs >= startMs && atMs <= endMs);
  return {
    slotMs,
    startMs: startMs - cutMs,
    acknowledged: perSlot(load.all.between(startMs, endMs), startMs, endMs, slotMs),
    stepsMs: stepsMs.map((ms) => ms - cutMs),
    healMs: healMs - cutMs,
    endMs: endMs - cutMs,
    leaders: within.map(since),
    looks: looksWithin(observer.looks, startMs, endMs).map(since),
  };
}

/** @returns when each step began */
async function cut({ subject, clock, pause }: Bench, plan: Scenario): Promise<readonly number[]> {
  const begunMs: number[] = [];
  for (const { afterMs, broken } of plan.steps) {
    await pause(afterMs);
    begunMs.push(clock.now());
    await subject.applyBroken(broken);
  }
  return begunMs;
}

/** Of each node the last one before `fromMs`, and all until `untilMs`. */
function looksWithin(
  looks: readonly SeenLook[],
  fromMs: number,
  untilMs: number,
): readonly SeenLook[] {
  const before = new Map<NodeId, SeenLook>();
  for (const look of looks) if (look.atMs < fromMs) before.set(look.node, look);
  return [...before.values(), ...looks.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)];
}

/** @returns the leader that all nodes have followed for a while */
async function untilStable({ subject, clock, observer, pause }: Bench): Promise<NodeId> {
  const stableMs = STABLE_ELECTION_TIMEOUTS * subject.electionTimeoutMs;
  const deadline = clock.now() + STABLE_WITHIN_MS + stableMs;
  let leader: NodeId | null = null;
  let sinceMs = clock.now();
  while (clock.now() < deadline) {
    const { agreed } = observer;
    if (agreed === null || agreed !== leader) {
      leader = agreed;
      sinceMs = clock.now();
    } else if (clock.now() - sinceMs >= stableMs) {
      return leader;
    }
    await pause(LOOK_MS_MIN);
  }
  throw new KvError("NO_QUORUM", `no leader that all nodes follow within ${STABLE_WITHIN_MS} ms`);
}

function pauser(clock: Clock, signal: AbortSignal): (ms: number) => Promise<void> {
  return (ms) =>
    new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        cancel();
        reject(new KvError("CANCELLED", "interrupted"));
      };
      const cancel = clock.after(Math.max(0, ms), () => {
        signal.removeEventListener("abort", abort);
        resolve();
      });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
}
