/**
 * What the authors of Omni-Paxos published of the same experiments (Ng, Haridi, Carbone: "Omni-Paxos: Breaking the
 * Barriers of Partial Connectivity", EuroSys 2023, and its artifact). Their servers and one client ran on Google Cloud
 * machines of 8 processors, logs in memory, 500 commands under way. Where they published a plot, its values are read off
 * by eye, to about 3 %. PV+CQ: pre-vote and check-quorum, two additions to Raft.
 */
import { unreachable } from "../../../base/index.ts";
import type { NamedScenario } from "../../../client/scenarios/index.ts";

interface PublishedRow {
  readonly system: string;
  /** Number of servers, election time-out. */
  readonly setting: string;
  readonly down: string;
  /** The same in election time-outs. */
  readonly electionTimeouts: string;
  readonly source: string;
}

const PLOT = "artifact, Plotter.ipynb";
const README = "artifact, README, claim C1";
const TABLE_1 = "paper, table 1";
const FIVE = "5 nodes, 500 ms";
const THREE = "3 nodes, 500 ms";
const DEADLOCK = { down: "the whole partition", electionTimeouts: "never" };

const QUORUM_LOSS: readonly PublishedRow[] = [
  row("Omni-Paxos", FIVE, "2.0–2.1 s", "4.0–4.2", `${PLOT} at cdfec61, cell 18`),
  row("Raft", FIVE, "1.9–2.5 s", "3.8–5.0", `${PLOT} at cdfec61, cell 18`),
  row("Raft PV+CQ", FIVE, "1.6–1.9 s", "3.2–3.8", `${PLOT} at cdfec61, cell 18`),
  { system: "Multi-Paxos", setting: FIVE, ...DEADLOCK, source: `${README}; ${PLOT}` },
  { system: "VR", setting: FIVE, ...DEADLOCK, source: `${README}; ${PLOT}` },
];

const CONSTRAINED: readonly PublishedRow[] = [
  row("Omni-Paxos", FIVE, "1.60 s", "3.2", `${PLOT} at 4cda041, cell 23`),
  row("Multi-Paxos", FIVE, "1.59 s", "3.2", `${PLOT} at 4cda041, cell 23`),
  { system: "Raft", setting: FIVE, ...DEADLOCK, source: `${README}; ${PLOT}` },
  { system: "Raft PV+CQ", setting: FIVE, ...DEADLOCK, source: `${README}; ${PLOT}` },
  { system: "VR", setting: FIVE, ...DEADLOCK, source: `${README}; ${PLOT}` },
];

const CHAINED: readonly PublishedRow[] = (
  [
    ["Omni-Paxos", "10.6"],
    ["Raft PV+CQ", "11.4"],
    ["Raft", "10.9"],
    ["VR", "10.6"],
    ["Multi-Paxos", "8.3, as it changes leaders again and again"],
  ] as const
).map(([system, millions]) =>
  row(system, THREE, `decided ${millions}`, "–", `${PLOT} at 39d9dae, cell 28`),
);

const NOT_SHOWN: readonly PublishedRow[] = [
  row("Omni-Paxos", "partial", "not measured", "≤ 4 claimed", "paper, abstract"),
];

function row(
  system: string,
  setting: string,
  down: string,
  electionTimeouts: string,
  source: string,
): PublishedRow {
  return { system, setting, down, electionTimeouts, source };
}

export interface Published {
  readonly rows: readonly PublishedRow[];
  /** What else is to be known to read them. */
  readonly note: string;
}

export function publishedFor(scenario: NamedScenario): Published {
  switch (scenario) {
    case "quorum-loss":
      return {
        rows: QUORUM_LOSS,
        note: `Down-time when each node hears only the hub. Raft is sure to get out only with PV+CQ, Multi-Paxos, VR and Zab do not (${TABLE_1}).`,
      };
    case "constrained":
      return {
        rows: CONSTRAINED,
        note: `Down-time when the only node that hears a majority has an old log. Raft, VR and Zab cannot elect it (${TABLE_1}).`,
      };
    case "chain":
      return {
        rows: CHAINED,
        note: `Of the chain they published how many millions of commands were decided in a partition of 2 minutes. Raft needs PV+CQ to stay stable (${TABLE_1}).`,
      };
    case "cloudflare":
    case "ring":
    case "full-partition":
      return {
        rows: NOT_SHOWN,
        note: "They published no measurement of this one: a new leader within 4 election time-outs is what they claim of any partial partition.",
      };
    default:
      return unreachable(scenario, "scenario");
  }
}
