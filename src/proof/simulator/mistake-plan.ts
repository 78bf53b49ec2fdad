/**
 * The mistakes that people make with data directories, and damage to disks while no process writes to them: the other family of
 * troubles in a run. The protocol is made for faults; it must notice these, or be told of them.
 */
import type { NodeId } from "../../omnipaxos/index.ts";
import { type DisksInTurns, drawDisksInTurns } from "./disk-turns.ts";
import { drawTwinned, type Twinned } from "./twin-plan.ts";
import { type SeededRandom, shuffled } from "../../machine/ports/index.ts";

/** How the process ends on whose disk something is to be done. */
export type Ending = "stop" | "kill" | "power";

/** The operator's answer to a node that has said it cannot go on. */
export type WayOut =
  /** What the sentence says: another directory, `--rejoin`. */
  | "rejoin"
  /** The disk as it was before the mistake. */
  | "putBack"
  | "nothing";

export type TailLoss = "empty" | "header" | "cut" | "zeros" | "garbage" | "flip";
export type LostFile = "identity" | "memory" | "end" | "newestSegment" | "segment" | "snapshot";
export type SwappedPart = "all" | "log" | "segments" | "snapshots";

interface OnOneDisk {
  readonly node: number;
  readonly ends: Ending;
  readonly downMs: number;
  readonly wayOut: WayOut;
  /** From the node's last words to that. */
  readonly thenMs: number;
}

/** A copy made earlier in the run. */
interface FromCopy {
  readonly copyAtMs: number;
  /** Made while the process was stopped for it. */
  readonly cold: boolean;
  /** So much later the other half of the files was copied: they do not fit each other. 0: all at one moment. */
  readonly tornMs: number;
  /** Of the two, the log's end first, what comes before it by name second. */
  readonly backwards: boolean;
}

type Kind<K extends string, F> = { readonly kind: K } & Readonly<F>;

/** Nodes are named by their positions; members by their ids, as an operator names them. */
export type Mistake =
  /** The disk, or the log on it, becomes what it was. */
  | Kind<"goBack", OnOneDisk & FromCopy & { what: "all" | "log" }>
  /** Damage to the end of the newest segment. */
  | Kind<"loseTail", OnOneDisk & { how: TailLoss; permille: number }>
  /** A file is gone, or (older) is put back alone as it was when the copy was made. */
  | Kind<"loseFile", OnOneDisk & FromCopy & { file: LostFile; older: boolean; permille: number }>
  /** Two nodes' disks, or parts of them, change places. */
  | Kind<"swap", OnOneDisk & { other: number; what: SwappedPart }>
  /** An empty disk, started as usual. */
  | Kind<"wipe", OnOneDisk>
  /**
   * An empty disk, started with `--rejoin`, so many times in all; the first time as one of these, if they are named. Then, perhaps,
   * one of the disks that were there before comes back, the first one or an empty one of those in between.
   */
  | Kind<
      "rejoin",
      OnOneDisk & {
        times: number;
        everyMs: number;
        members: readonly NodeId[] | null;
        /** Not said: none comes back. */
        back?: { readonly afterMs: number; readonly which: number } | null;
      }
    >
  /**
   * A majority is put back to copies that were made at one moment while they ran. They run on, without the others for so
   * long, and are started once more in the middle of that; then the others come.
   */
  | Kind<
      "goBackTogether",
      {
        nodes: readonly number[];
        copyAtMs: number;
        ends: Ending;
        downMs: number;
        aloneMs: number;
      }
    >
  /**
   * Some nodes are put back to copies made while they ran, others were down since then; together they run on, while the nodes that
   * know more are away. The copies are away again when these come back: the nodes that were behind, and were started once more
   * meanwhile, show nothing of the copies they followed but a longer log.
   */
  | Kind<
      "followCopies",
      {
        copied: readonly number[];
        behind: readonly number[];
        copyAtMs: number;
        ends: Ending;
        downMs: number;
        aloneMs: number;
      }
    >
  /** An empty disk is put in, taken out, and put in again, with the one from before in between. */
  | Kind<"disksInTurns", DisksInTurns & { ends: Ending }>
  /** A copy of the node's disk is started as the same node, beside the original. */
  | Kind<"twin", Twinned & { ends: Ending; wayOut: WayOut; thenMs: number }>
  /** Nodes are started as those of a cluster of other members, and `ms` later with the right ones. */
  | Kind<
      "otherSize",
      {
        nodes: readonly number[];
        members: readonly NodeId[];
        ends: Ending;
        downMs: number;
        ms: number;
      }
    >;

export type MistakeKind = Mistake["kind"];

export interface TimedMistake {
  readonly atMs: number;
  readonly mistake: Mistake;
}

/** Whether plans have mistakes in them. */
export type MistakeShare = "some" | "always";

const SOME = 0.15;

interface Scope {
  readonly nodes: number;
  readonly atMs: number;
  readonly one: OnOneDisk;
  readonly copy: FromCopy;
}

/** What makes up a run on its own, and needs more time than others. */
export type GrandKind = "goBackTogether" | "followCopies" | "disksInTurns" | "twin";

/** A new kind does not compile until it is drawn here. */
const DRAW: {
  readonly [K in Exclude<MistakeKind, GrandKind>]: (
    random: SeededRandom,
    scope: Scope,
  ) => Extract<Mistake, { kind: K }>;
} = {
  goBack: (random, { one, copy }) => ({
    kind: "goBack",
    ...one,
    ...copy,
    what: random.pick(["all", "all", "all", "log"] as const),
  }),
  loseTail: (random, { one }) => ({
    kind: "loseTail",
    ...one,
    how: random.pick(["empty", "header", "cut", "zeros", "garbage", "flip"] as const),
    permille: random.below(1000),
  }),
  loseFile: (random, { one, copy }) => ({
    kind: "loseFile",
    ...one,
    ...copy,
    file: random.pick([
      "identity",
      "memory",
      "end",
      "newestSegment",
      "segment",
      "snapshot",
    ] as const),
    older: random.chance(0.4),
    permille: random.below(1000),
  }),
  swap: (random, { one, nodes }) => ({
    kind: "swap",
    ...one,
    other: (one.node + random.between(1, Math.max(1, nodes - 1))) % nodes,
    what: random.pick(["all", "log", "segments", "snapshots"] as const),
  }),
  wipe: (_, { one }) => ({ kind: "wipe", ...one }),
  rejoin: (random, { one, nodes }) => ({
    kind: "rejoin",
    ...one,
    times: random.pick([1, 1, 1, 2, 3]),
    everyMs: random.pick([5, 60, 300]),
    members: random.chance(0.15) ? otherMembers(random, nodes) : null,
    back: random.chance(0.4)
      ? { afterMs: random.pick([5, 60, 300, 1000]), which: random.pick([0, 0, 1, 2]) }
      : null,
  }),
  otherSize: (random, { one, nodes }) => ({
    kind: "otherSize",
    nodes: Array.from({ length: nodes }, (_, node) => node).filter(() => random.chance(0.6)),
    members: otherMembers(random, nodes),
    ends: one.ends,
    downMs: one.downMs,
    ms: random.pick([50, 300]),
  }),
};

// The table above has exactly these keys.
const USUAL_KINDS = Object.keys(DRAW) as readonly Exclude<MistakeKind, GrandKind>[];
const GRAND_KINDS: readonly GrandKind[] = [
  "goBackTogether",
  "followCopies",
  "disksInTurns",
  "twin",
];
/** Every kind of mistake of people and disks that a plan may have. */
export const MISTAKE_KINDS: readonly MistakeKind[] = [...USUAL_KINDS, ...GRAND_KINDS];

/** The mistakes that a lone node must notice by itself: no peer remembers anything. */
const OF_A_LONE_NODE: readonly (typeof USUAL_KINDS)[number][] = [
  "loseTail",
  "loseFile",
  "otherSize",
];

const FIRST_MS = 250;

/** @param ms of the faults: mistakes come in the same time, but for the first part, when there is nothing to lose */
export function drawMistakes(
  random: SeededRandom,
  nodes: number,
  ms: number,
  share: MistakeShare,
): readonly TimedMistake[] {
  if (share === "some" && !random.chance(SOME)) return [];
  const kinds = nodes === 1 ? OF_A_LONE_NODE : USUAL_KINDS;
  const first = random.below(nodes);
  return Array.from({ length: random.pick([1, 1, 2, 3]) }, () => {
    const atMs = random.between(FIRST_MS, Math.max(FIRST_MS + 1, ms));
    const kind = random.pick(kinds);
    // Often the same disk again: one at a time is what must do no harm.
    const node = random.chance(0.6) ? first : random.below(nodes);
    const one = drawOne(random, node, nodes);
    const copyAtMs = random.between(50, atMs - 20);
    const copy = {
      copyAtMs,
      cold: random.chance(0.3),
      tornMs: random.pick([0, 0, 3, 40]),
      backwards: random.chance(0.5),
    };
    return { atMs, mistake: DRAW[kind](random, { nodes, atMs, one, copy }) };
  }).sort((a, b) => a.atMs - b.atMs);
}

/** Sooner the copies may know of the last mark. */
const MARK_MS = 1000;
/** So long a mark takes to reach the disks of the nodes that heard it. */
const KEPT_MS = 1100;

/** The only mistake of its run. */
export function drawTogether(random: SeededRandom, nodes: number): TimedMistake {
  const copyAtMs = random.between(FIRST_MS, 1500);
  const atMs = copyAtMs + MARK_MS + KEPT_MS + random.between(0, 1500);
  const majority = Math.floor(nodes / 2) + 1;
  const count = random.between(majority, Math.max(majority, nodes - 1));
  const mistake: Mistake = {
    kind: "goBackTogether",
    nodes: shuffled(random, nodes).slice(0, count),
    copyAtMs,
    ends: random.pick(["stop", "kill", "power"] as const),
    downMs: random.pick([0, 10, 150]),
    aloneMs: random.pick([300, 1500, 1500, 3000]),
  };
  return { atMs, mistake };
}

/** The only mistake of its run. The nodes that know more make no majority even with one that does not. */
export function drawFollowCopies(random: SeededRandom, nodes: number): TimedMistake {
  const copyAtMs = random.between(FIRST_MS, 1500);
  const majority = Math.floor(nodes / 2) + 1;
  const order = shuffled(random, nodes);
  const copied = random.between(1, majority - 1);
  const mistake: Mistake = {
    kind: "followCopies",
    copied: order.slice(0, copied),
    behind: order.slice(copied, majority),
    copyAtMs,
    ends: random.pick(["stop", "kill", "power"] as const),
    downMs: random.pick([0, 10, 150]),
    aloneMs: random.pick([300, 1500, 1500, 3000]),
  };
  return { atMs: copyAtMs + random.between(300, 1500), mistake };
}

/** The only mistake of its run. */
export function drawTurns(
  random: SeededRandom,
  nodes: number,
  electionTimeoutMs: number,
): TimedMistake {
  const { atMs, who, turns } = drawDisksInTurns(random, nodes, electionTimeoutMs);
  const ends = random.pick(["stop", "kill", "power"] as const);
  return { atMs, mistake: { kind: "disksInTurns", who, ends, turns } };
}

/** The only mistake of its run. */
export function drawTwin(
  random: SeededRandom,
  nodes: number,
  electionTimeoutMs: number,
): TimedMistake {
  const { atMs, ...twinned } = drawTwinned(random, nodes, electionTimeoutMs);
  const { ends, wayOut, thenMs } = drawOne(random, twinned.node, nodes);
  return { atMs, mistake: { kind: "twin", ...twinned, ends, wayOut, thenMs } };
}

function drawOne(random: SeededRandom, node: number, nodes: number): OnOneDisk {
  const wayOut = random.pick(["rejoin", "rejoin", "rejoin", "putBack", "nothing"] as const);
  return {
    node,
    ends: random.pick(["stop", "kill", "kill", "power"] as const),
    downMs: random.pick([0, 10, 150]),
    // A lone node has no peer to fetch anything from.
    wayOut: nodes === 1 && wayOut === "rejoin" ? "putBack" : wayOut,
    thenMs: random.pick([0, 50, 300]),
  };
}

/** Fewer, more, or others of the same number. */
function otherMembers(random: SeededRandom, nodes: number): readonly NodeId[] {
  const count = random.pick([nodes - 2, nodes - 1, nodes + 1, nodes + 2].filter((n) => n > 0));
  const ids = Array.from({ length: count }, (_, i) => i + 1);
  return random.chance(0.2) ? [...Array.from({ length: nodes - 1 }, (_, i) => i + 1), 9] : ids;
}

function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each !== "object")) return value.join();
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** One line a mistake, for people. */
export function describeMistake({ atMs, mistake }: TimedMistake): string {
  const { kind, ...rest } = mistake;
  const fields = Object.entries(rest)
    .map(([name, value]) => `${name}=${textOf(value)}`)
    .join(" ");
  return `${String(atMs).padStart(5)} ms  ${kind} ${fields}`;
}
