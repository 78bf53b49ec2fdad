/** One run of a seed, from the first start of the nodes to the verdict. */
import { assert } from "../base/assert.ts";
import { textOf } from "../kv/index.ts";
import { checkHistory } from "./checker-view.ts";
import { DecidedLog } from "./decided-log.ts";
import { drawPlan, type Plan } from "./fault-plan.ts";
import { FaultInjector } from "./fault-injector.ts";
import { checkAgainstLog } from "./log-check.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { SimClient } from "./sim-client.ts";
import { SimWorld } from "./sim-world.ts";

export interface RunOptions {
  readonly seed: string | number;
  /** Default: what the seed draws. */
  readonly plan?: Plan;
  /** Gets the trace, one line an event. Default: nobody reads along. */
  readonly print?: (line: string) => void;
}

export interface RunResult {
  readonly seed: string;
  readonly plan: Plan;
  /** Null: nothing is wrong. */
  readonly failure: RunFailure | null;
  /** Of everything that happened. */
  readonly hash: string;
  readonly coverage: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly operations: number;
  readonly simulatedMs: number;
}

export interface RunFailure {
  /** Which check found it. */
  readonly phase: Phase;
  readonly message: string;
  readonly stack: string;
}

type Phase = "faults" | "liveness" | "convergence" | "history";

/** Within so long after the last fault everything must work again, whatever happened before. */
const LIVENESS_MS = 15_000;

export function planOf(seed: string | number): Plan {
  return drawPlan(new SeededRandom(seed).fork("plan"));
}

export function runSeed({ seed, plan = planOf(seed), print }: RunOptions): RunResult {
  const world = new SimWorld(seed, plan, print ?? null);
  let phase: Phase = "faults";
  let failure: RunFailure | null = null;
  try {
    const injector = new FaultInjector(world);
    world.start();
    injector.schedule(plan.faults);
    world.run(plan.faultsMs);
    phase = "liveness";
    world.close();
    injector.heal();
    recover(world);
    phase = "convergence";
    converge(world);
    phase = "history";
    judge(world);
  } catch (error) {
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    world.trace.remark("verdict", `${phase}: ${message}`);
    failure = { phase, message, stack };
  }
  for (const node of world.nodes) node.countCore();
  return {
    seed: String(seed),
    plan,
    failure,
    hash: world.trace.hash(),
    coverage: world.coverage.toRecord(),
    steps: world.steps,
    operations: world.history.operations.length,
    simulatedMs: world.clock.now(),
  };
}

/** Clients come to an end, and then each node serves a write and a read. */
function recover(world: SimWorld): void {
  const until = (condition: () => boolean, what: string): void => {
    const reached = world.runUntil(condition, LIVENESS_MS);
    assert(reached, `${what} within ${LIVENESS_MS} ms of the last fault`);
  };
  for (const client of world.clients) client.stopAsking();
  for (const hostile of world.hostiles) hostile.stop();
  until(() => world.clients.every((client) => client.isIdle), "not every client was answered");
  const start = world.clock.now();
  const newcomers = world.nodes.map(({ index }) =>
    world.newProbe(world.clients.length + index, index + 1),
  );
  const probes = [...newcomers, ...world.clients].map(probe);
  until(
    () => probes.every(({ served }) => served),
    "not every node, to a new client, and every old client is served a write and a read",
  );
  for (const client of newcomers) client.close();
  world.coverage.hit(`healed within ${Math.ceil((world.clock.now() - start) / 1000)} s`);
}

/** A write and a read, repeated until they are served. */
function probe(client: SimClient): { readonly served: boolean } {
  const result = { served: false };
  const key = "k0";
  const read = (): void =>
    client.submit({ kind: "read", key, local: false }, ({ outcome }) => {
      if (outcome.kind === "refused") read();
      else result.served = true;
    });
  let attempt = 0;
  const write = (): void =>
    client.submit(
      { kind: "write", key, value: `${client.host} probes ${attempt++}` },
      ({ outcome }) => {
        if (outcome.kind === "written") read();
        else write();
      },
    );
  write();
  return result;
}

/** All replicas come to the same index with the same state. */
function converge(world: SimWorld): void {
  const replicas = world.nodes.flatMap(({ node }) => (node === null ? [] : [node.replica]));
  assert(replicas.length === world.nodes.length, "all nodes run");
  const level = (): boolean => {
    const [first] = replicas;
    return replicas.every(
      (replica) =>
        replica.appliedIdx === first?.appliedIdx &&
        replica.appliedIdx >= world.safety.decided.length,
    );
  };
  const reached = world.runUntil(level, LIVENESS_MS);
  const indexes = replicas.map(({ appliedIdx }) => appliedIdx).join(", ");
  assert(reached, `the nodes do not come level: applied ${indexes}`);
  const hashes = new Set(replicas.map(({ state }) => state.hash()));
  assert(hashes.size === 1, `states differ at one index: ${[...hashes].join(", ")}`);
}

function judge(world: SimWorld): void {
  const { history, safety, nodes } = world;
  const entries = safety.decided.filter((entry) => entry !== undefined);
  assert(entries.length === safety.decided.length, "somebody decided every index");
  const log = new DecidedLog(entries);
  checkHistory(history.operations, world.coverage);
  checkAgainstLog(history.operations, log);
  const content = log.content();
  for (const { index, node } of nodes) {
    const cells = node?.replica.state.readRange({ limit: 1000 }) ?? [];
    assert(
      cells.length === content.size,
      `node ${index} holds ${cells.length} keys, not ${content.size}`,
    );
    for (const cell of cells) {
      const key = textOf(cell.key);
      const known = content.get(key);
      const same = known?.value === textOf(cell.value) && known.revision === cell.modRevision;
      assert(same, `node ${index} holds another value of ${key} than the log gives`);
    }
  }
}
