/** Does harm by a seeded plan, one fault at a time or several, and heals. */
import type { AdminCore } from "../../../client/admin/index.ts";
import { type Namespaces, type OmnikvCluster, pause } from "../../../measure/index.ts";
import type { SeededRandom } from "../../../machine/ports/index.ts";

export interface Victims {
  readonly cluster: OmnikvCluster;
  /** Null: all are on one, and packets cannot be stopped. */
  readonly hosts: Namespaces | null;
  readonly admin: Pick<AdminCore, "call">;
}

export interface FaultRecord {
  readonly kind: string;
  readonly text: string;
  readonly startedMs: number;
  endedMs: number;
}

type Fault = (
  victims: Victims,
  random: SeededRandom,
) => { text: string; heal: () => Promise<void> };

function ids({ cluster }: Victims): readonly number[] {
  return cluster.nodes.map(({ id }) => id);
}

function pair(victims: Victims, random: SeededRandom): [number, number] {
  const a = random.pick(ids(victims));
  return [a, random.pick(ids(victims).filter((id) => id !== a))];
}

/** A server that is paused or dead does not answer: what was asked of it is without effect then. */
async function manage(call: Promise<unknown>): Promise<void> {
  await Promise.allSettled([call]);
}

function breakAll(victims: Victims, kept: (a: number, b: number) => boolean): void {
  for (const a of ids(victims)) {
    for (const b of ids(victims)) {
      if (a === b || kept(a, b)) continue;
      void manage(
        victims.admin.call(a, "breakLink", { peer: b, direction: "both" }, { timeoutMs: 1000 }),
      );
    }
  }
}

async function healAll(victims: Victims): Promise<void> {
  await Promise.all(
    ids(victims).map((id) => manage(victims.admin.call(id, "heal", {}, { timeoutMs: 1000 }))),
  );
}

const FAULTS: Readonly<Record<string, Fault>> = {
  kill: (victims, random) => {
    const { cluster } = victims;
    const id = random.pick(ids(victims));
    const ended = cluster.kill(id);
    return {
      text: `kill -9 node ${id}`,
      heal: async () => {
        await ended;
        cluster.start(id);
      },
    };
  },
  killAll: (victims) => {
    const { cluster } = victims;
    const ended = Promise.all(ids(victims).map((id) => cluster.kill(id)));
    return {
      text: "kill -9 all",
      heal: async () => {
        await ended;
        for (const id of ids(victims)) cluster.start(id);
      },
    };
  },
  restart: (victims, random) => {
    const { cluster } = victims;
    const id = random.pick(ids(victims));
    const ended = cluster.server(id).kill("SIGTERM");
    return {
      text: `stop and start node ${id}`,
      heal: async () => {
        await ended;
        cluster.start(id);
      },
    };
  },
  pause: (victims, random) => {
    const id = random.pick(ids(victims));
    const server = victims.cluster.server(id);
    server.signal("SIGSTOP");
    return { text: `suspend node ${id}`, heal: async () => server.signal("SIGCONT") };
  },
  breakLink: (victims, random) => {
    const [a, b] = pair(victims, random);
    const direction = random.pick(["both", "in", "out"] as const);
    void manage(victims.admin.call(a, "breakLink", { peer: b, direction }, { timeoutMs: 1000 }));
    return { text: `break link ${a}–${b} ${direction}`, heal: () => healAll(victims) };
  },
  flaky: (victims, random) => {
    const [a, b] = pair(victims, random);
    const fault = {
      peer: b,
      direction: "both",
      dropPermille: random.pick([50, 300]),
      delayMs: random.pick([0, 20]),
    } as const;
    void manage(victims.admin.call(a, "setFault", fault, { timeoutMs: 1000 }));
    return {
      text: `flaky link ${a}–${b}: ${fault.dropPermille / 10} %, ${fault.delayMs} ms`,
      heal: () => healAll(victims),
    };
  },
  isolate: (victims, random) => {
    const alone = random.pick(ids(victims));
    breakAll(victims, (a, b) => a !== alone && b !== alone);
    return { text: `isolate node ${alone}`, heal: () => healAll(victims) };
  },
  hubOnly: (victims, random) => {
    const hub = random.pick(ids(victims));
    breakAll(victims, (a, b) => a === hub || b === hub);
    return { text: `everybody hears node ${hub} only`, heal: () => healAll(victims) };
  },
  chain: (victims, random) => {
    const first = random.below(ids(victims).length);
    const order = ids(victims).map((_, i, all) => all[(i + first) % all.length] ?? 0);
    const at = (id: number): number => order.indexOf(id);
    breakAll(victims, (a, b) => Math.abs(at(a) - at(b)) === 1);
    return { text: `chain ${order.join("–")}`, heal: () => healAll(victims) };
  },
  cutPackets: (victims, random) => {
    const [a, b] = pair(victims, random);
    const { hosts } = victims;
    const both = random.chance(0.5);
    const cut = hosts?.applyCut(
      (from, to) => (from === a && to === b) || (both && from === b && to === a),
    );
    return {
      text: `no packets ${a}${both ? "–" : "→"}${b}`,
      heal: async () => {
        await cut;
        await hosts?.applyCut(() => false);
      },
    };
  },
};

/** Faults until `isOver`; everything is healed and running when it resolves. */
export async function rage(
  victims: Victims,
  random: SeededRandom,
  isOver: () => boolean,
  say: (text: string) => void,
): Promise<FaultRecord[]> {
  const records: FaultRecord[] = [];
  const kinds = Object.keys(FAULTS).filter(
    (kind) => kind !== "cutPackets" || victims.hosts !== null,
  );
  while (!isOver()) {
    await pause(random.between(500, 2500));
    const kind = random.chance(0.05)
      ? "killAll"
      : random.pick(kinds.filter((name) => name !== "killAll"));
    const fault = FAULTS[kind];
    if (fault === undefined) continue;
    const startedMs = performance.now();
    const { text, heal } = fault(victims, random);
    say(text);
    const record: FaultRecord = { kind, text, startedMs, endedMs: startedMs };
    records.push(record);
    await pause(random.between(100, kind === "pause" ? 3000 : 4000));
    await heal();
    record.endedMs = performance.now();
  }
  await healAll(victims);
  return records;
}
