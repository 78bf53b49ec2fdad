/**
 * The faults of a run, as data: drawn from the seed before anything happens, so that a failing run can be repeated with fewer
 * faults until only those are left that matter.
 */
import { drawSettings } from "./setting-changes.ts";
import { drawAccess, type TimedAccess } from "./access-changes.ts";
import type { MistakeShare } from "./mistake-plan.ts";
import { withMistakes } from "./mistake-scenes.ts";
import { type SeededRandom, shuffled } from "../../machine/ports/index.ts";
import type { Fault, FaultKind, Plan, TimedFault } from "./plan.ts";
import { shapeLinks } from "./shapes.ts";

/** A new kind does not compile until it is drawn here. */
const DRAW: {
  readonly [K in FaultKind]: (random: SeededRandom, scope: Scope) => Extract<Fault, { kind: K }>;
} = {
  crash: (random, { node, downMs }) => ({
    kind: "crash",
    node,
    downMs,
    silent: random.chance(0.3),
    power: random.chance(0.6),
  }),
  crashAtDisk: (random, { node, downMs }) => ({
    kind: "crashAtDisk",
    node,
    operations: random.below(12),
    downMs,
    power: random.chance(0.7),
  }),
  crashAll: (random, { downMs }) => ({ kind: "crashAll", downMs, power: random.chance(0.7) }),
  stop: (_, { node, downMs }) => ({ kind: "stop", node, downMs }),
  pause: (_, { node, ms }) => ({ kind: "pause", node, ms }),
  blackHole: (_, { node, other, ms }) => ({ kind: "blackHole", from: node, to: other, ms }),
  reset: (_, { node, other, ms }) => ({ kind: "reset", a: node, b: other, ms }),
  breakConnections: (_, { node, other }) => ({ kind: "breakConnections", a: node, b: other }),
  breakClient: (random, { node, clients }) => ({
    kind: "breakClient",
    client: random.below(clients),
    node,
  }),
  slowPath: (random, { node, other, ms }) => ({
    kind: "slowPath",
    from: node,
    to: other,
    delayMs: random.pick([5, 50, 300]),
    ms,
  }),
  flakyPath: (random, { node, other, ms }) => ({
    kind: "flakyPath",
    from: node,
    to: other,
    permille: random.pick([5, 50, 300]),
    ms,
  }),
  unfaithfulPath: (random, { node, other, ms }) => ({
    kind: "unfaithfulPath",
    from: node,
    to: other,
    lose: random.pick([0, 20, 200]),
    duplicate: random.pick([0, 20, 200]),
    reorder: random.pick([0, 20, 200]),
    ms,
  }),
  dropLink: (random, { node, other, ms }) => ({
    kind: "dropLink",
    node,
    peer: other,
    direction: random.pick(["in", "out", "both"] as const),
    permille: random.pick([1000, 1000, 300, 50]),
    delayMs: random.pick([0, 0, 10, 100]),
    ms,
  }),
  shape: (random, { nodes, ms }) => {
    const name = random.pick([
      "quorumLoss",
      "constrained",
      "chained",
      "isolated",
      "split",
      "ring",
    ] as const);
    const via = random.pick(["dropTable", "dropTable", "wire"] as const);
    return { kind: "shape", name, links: shapeLinks(name, shuffled(random, nodes)), via, ms };
  },
  deposeLeader: (random, { nodes, electionTimeoutMs }) => ({
    kind: "deposeLeader",
    first: random.below(nodes),
    via: random.pick(["dropTable", "wire", "slow"] as const),
    ends: random.pick(["time", "promise"] as const),
    ms: Math.round((electionTimeoutMs * random.between(25, 50)) / 10),
    moreMs: electionTimeoutMs * random.between(1, 6),
  }),
  restartAsker: (random, { nodes, node, electionTimeoutMs }) => {
    const asks = nodes === 3 ? "neighbour" : random.pick(["leader", "neighbour"] as const);
    // The others have had the time to elect a leader and to write, when a leader's answer comes.
    const afterMs = asks === "leader" ? electionTimeoutMs * random.between(2, 6) : 0;
    return {
      kind: "restartAsker",
      node,
      asks,
      afterMs,
      downMs: random.pick([0, 0, 5, 20]),
      holdMs: afterMs + Math.round((electionTimeoutMs * random.between(2, 30)) / 10),
      ms: afterMs + electionTimeoutMs * random.between(6, 12),
    };
  },
  slowDisk: (random, { node, ms }) => ({
    kind: "slowDisk",
    node,
    syncMs: random.pick([10, 60, 250]),
    ms,
  }),
  failSync: (random, { node, downMs }) => ({
    kind: "failSync",
    node,
    downMs,
    power: random.chance(0.3),
  }),
  diskFull: (_, { node, ms }) => ({ kind: "diskFull", node, ms }),
};

// The table above has exactly these keys.
/** Every kind of fault that a plan may have. */
export const FAULT_KINDS = Object.keys(DRAW) as readonly FaultKind[];

/** See `withAskers`. */
const APART = "restartAsker" satisfies FaultKind;

/** What every fault may need, drawn beforehand. */
interface Scope {
  readonly nodes: number;
  readonly clients: number;
  readonly electionTimeoutMs: number;
  readonly node: number;
  /** Not `node`, unless there is no other. */
  readonly other: number;
  readonly ms: number;
  readonly downMs: number;
}

/**
 * Of one key at most ranges of two keys take two pages, and pages that find nothing on their way are no rarity; the last one is larger than
 * any range.
 */
const RANGE_PAGES = [
  { keys: 1, cells: 2 },
  { keys: 1, cells: 2 },
  { keys: 3, cells: 5 },
  { keys: 1000, cells: 1000 },
] as const;

export function drawPlan(random: SeededRandom, share: MistakeShare = "some"): Plan {
  const nodes = random.pick([3, 3, 3, 3, 3, 5, 5, 5, 1, 2, 4]);
  const clients = random.between(2, 4);
  const delayMinMs = random.pick([0.05, 0.2, 1]);
  const delayMaxMs = delayMinMs + random.pick([0, 0.5, 3, 15]);
  const faultsMs = random.pick([600, 1200, 2000]);
  // Each run leaves most kinds of faults out: what breaks often hides what breaks rarely.
  const kinds = FAULT_KINDS.filter((kind) => kind !== APART && random.chance(0.3));
  const count = kinds.length === 0 ? 0 : random.between(1, 12);
  const electionTimeoutMs = Math.max(80, Math.ceil(delayMaxMs) * 4);
  const cluster = { nodes, clients, electionTimeoutMs };
  const faults = Array.from({ length: count }, () => ({
    atMs: random.between(0, faultsMs),
    fault: drawFault(random, random.pick(kinds), cluster),
  }));
  const drawn: Plan = {
    nodes,
    clients,
    keys: random.pick([1, 2, 3, 5]),
    operationsPerClient: random.between(8, 30),
    pipeline: random.pick([1, 1, 2, 4]),
    thinkMsMax: random.pick([1, 20, 60, 120]),
    valueBytes: random.chance(0.02) ? 60_000 : random.pick([0, 0, 0, 100, 1500]),
    delayMinMs,
    delayMaxMs,
    quantumMs: random.pick([0, 0, 1, 4, 10]),
    startsMs: Array.from({ length: nodes }, () =>
      random.pick([0, random.below(electionTimeoutMs)]),
    ),
    skews: Array.from({ length: nodes }, () => random.pick([1, 1, 1, 0.9, 1.1])),
    snapshotEntries: random.pick([5, 15, 40, 100_000]),
    retainedEntries: random.pick([0, 3, 15]),
    segmentBytes: random.pick([2048, 16 * 1024, 256 * 1024]),
    tickMs: 20,
    electionTimeoutMs,
    newcomerOperations: 0,
    requestWaitMs: random.pick([200, 500]),
    syncMs: random.pick([0.1, 0.5, 5]),
    faultsMs,
    faults,
    loadSliceBytes: random.pick([50, 500, 1 << 20]),
    longMessageBytes: random.pick([100, 1000, 1 << 20]),
    loadPauseMs: random.pick([0, 1, 20, 100]),
    // Last: what is drawn before it is what it was before there were any.
    hostiles: random.pick([0, 0, 0, 0, 1, 2]),
    // What came later draws from a stream of its own, so that the rest is what it was.
    rangeReaders: random.fork("range readers").pick([0, 0, 1]),
    keyReaders: random.fork("key readers").pick([0, 0, 1]),
    rangePage: random.fork("range page").pick(RANGE_PAGES),
    watchers: random.fork("watchers").pick([0, 0, 1, 2]),
    limitedWatchers: random.fork("limited watchers").pick([0, 1, 2]),
    smallWatchTurns: random.fork("watch turns").chance(0.3),
    ...accessIn(drawAccess(random.fork("access"), 4000)),
    transactors: random.fork("transactors").pick([0, 0, 2, 3]),
    leaseHolders: random.fork("lease holders").pick([0, 0, 1, 2]),
    leaseWrites: random.fork("lease writes").chance(0.5),
    otherWrites: random.fork("other writes").pick([0, 0, 20, 50]),
    history: drawSettings(random.fork("history"), nodes, faultsMs),
    mistakes: [],
  };
  // A snapshot of tens of kilobytes in the smallest slices is not to take longer than a run has to come to rest.
  const loadPauseMs = Math.min(drawn.loadPauseMs, drawn.loadSliceBytes === 50 ? 1 : 100);
  const plan: Plan = { ...drawn, loadPauseMs };
  return withMistakes(withAskers(plan, random), random.fork("mistakes"), share);
}

/**
 * Drawn after all else, so that most seeds mean what they meant before there was this. Between the time-out of an election and
 * that of a request there must be room for a restart, two elections and a client that is relayed, as in production; and
 * other faults often get in the way.
 */
function withAskers(plan: Plan, random: SeededRandom): Plan {
  const { nodes, clients, electionTimeoutMs } = plan;
  const newcomerOperations = random.pick([0, 0, 0, 6]);
  // With three nodes a leader needs no other node than the asker for a quorum.
  const askers = nodes < 3 || !random.chance(nodes === 3 ? 0.15 : 0.4) ? 0 : random.between(1, 2);
  const others = askers > 0 && random.chance(0.5) ? [] : plan.faults;
  const added = Array.from({ length: askers }, (_, i) => ({
    atMs: random.between(300, 600) + i * 1000,
    fault: drawFault(random, APART, { nodes, clients, electionTimeoutMs }),
  }));
  const faults = [...others, ...added].sort((a, b) => a.atMs - b.atMs);
  if (askers === 0) return { ...plan, newcomerOperations, faults };
  return {
    ...plan,
    faults,
    newcomerOperations: 8,
    requestWaitMs: 1000,
    operationsPerClient: 30,
    faultsMs: 1300 + 1000 * askers,
  };
}

function drawFault(
  random: SeededRandom,
  kind: FaultKind,
  cluster: Pick<Scope, "nodes" | "clients" | "electionTimeoutMs">,
): Fault {
  const { nodes } = cluster;
  const node = random.below(nodes);
  return DRAW[kind](random, {
    ...cluster,
    node,
    other: nodes === 1 ? 0 : (node + random.between(1, nodes - 1)) % nodes,
    ms: random.pick([20, 100, 300, 1000]),
    downMs: random.pick([0, 10, 150, 500]),
  });
}

/** One line a fault, for people. */
export function describeFault({ atMs, fault }: TimedFault): string {
  const { kind, ...rest } = fault;
  const fields = Object.entries(rest)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
    )
    .join(" ");
  return `${String(atMs).padStart(5)} ms  ${kind} ${fields}`;
}

/** Plans that know of no users stay what they were. */
function accessIn(access: readonly TimedAccess[]): Pick<Plan, "access"> {
  return access.length === 0 ? {} : { access };
}
