/** Faults of a whole cluster: what each node is told, and what is said of those that did not hear it. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import type { AdminCore } from "../../../src/client/admin/admin-core.ts";
import {
  applyBroken,
  applyFaults,
  brokenLinks,
  changeLinks,
  failedText,
  faultsOfNode,
  runScenario,
} from "../../../src/client/admin/cluster-faults.ts";
import { leaderIn, lookAtCluster } from "../../../src/client/admin/cluster-look.ts";
import { planScenario } from "../../../src/client/scenarios/index.ts";

const BROKEN = { dropPermille: 1000, delayMs: 0 };

test("a broken link is broken at both ends, in both directions", () => {
  const faults = brokenLinks([[1, 3]]);
  expect(faultsOfNode(1, faults)).toEqual([
    { peer: 3, direction: "out", ...BROKEN },
    { peer: 3, direction: "in", ...BROKEN },
  ]);
  expect(faultsOfNode(3, faults)).toEqual([
    { peer: 1, direction: "in", ...BROKEN },
    { peer: 1, direction: "out", ...BROKEN },
  ]);
  expect(faultsOfNode(2, faults)).toEqual([]);
});

test("losses and delays are suffered once: the sender puts them in", () => {
  const faults = [{ from: 1, to: 2, dropPermille: 300, delayMs: 50 }];
  expect(faultsOfNode(1, faults)).toEqual([
    { peer: 2, direction: "out", dropPermille: 300, delayMs: 50 },
  ]);
  expect(faultsOfNode(2, faults)).toEqual([]);
});

test("every node is asked, and who could not be reached is named with the reason", async () => {
  const told = new Map<number, unknown>();
  const admin = {
    call: (node: number, op: string, params: unknown) => {
      told.set(node, [op, params]);
      if (node === 2) return Promise.reject(new KvError("CONNECTION_FAILED", "refused"));
      return Promise.resolve({ links: [] });
    },
    // The test stands in for the one method that is used; results are not looked at.
  } as unknown as Pick<AdminCore, "call">;
  const outcome = await applyFaults(admin, [1, 2, 3], brokenLinks([[1, 2]]));
  expect(outcome.reached).toEqual([1, 3]);
  expect(failedText(outcome)).toBe("node 2 was not told: refused");
  expect(told.get(3)).toEqual(["setFaults", { faults: [] }]);
  expect([...told.keys()]).toEqual([1, 2, 3]);
});

/** As nodes of the first version do: a kind of fault that came later must be left out where there is none of it. */
function refuseUnknownKinds(params: object): void {
  const known = ["peer", "direction", "dropPermille", "delayMs"];
  const told: readonly object[] =
    "faults" in params ? (params.faults as readonly object[]) : [params];
  for (const fault of told) expect(known).toEqual(expect.arrayContaining(Object.keys(fault)));
}

/** Nodes that hold a drop table each, as servers do. */
function fakeNodes(nodes: readonly number[], down: readonly number[] = []) {
  type Fault = { dropPermille: number; delayMs: number };
  const tables = new Map(nodes.map((node) => [node, new Map<string, Fault>()]));
  const whole = { dropPermille: 0, delayMs: 0 };
  const calls: string[] = [];
  const call = (node: number, op: string, params: never, options: object): Promise<unknown> => {
    calls.push(`${node} ${op}`);
    // A real client refuses others.
    expect(["signal", "timeoutMs"]).toEqual(expect.arrayContaining(Object.keys(options)));
    if (down.includes(node)) return Promise.reject(new KvError("CONNECTION_FAILED", "refused"));
    const table = tables.get(node)!;
    refuseUnknownKinds(params);
    const faults = params as { faults: (Fault & { peer: number; direction: string })[] } & Fault & {
        peer: number;
        direction: string;
      };
    if (op === "setFaults") {
      table.clear();
      for (const { peer, direction, dropPermille, delayMs } of faults.faults) {
        table.set(`${direction} ${peer}`, { dropPermille, delayMs });
      }
    }
    if (op === "setFault") {
      const { peer, direction, dropPermille, delayMs } = faults;
      table.set(`${direction} ${peer}`, { dropPermille, delayMs });
    }
    const links = nodes
      .filter((peer) => peer !== node)
      .map((peer) => {
        const { dropPermille: dropPermilleIn, delayMs: delayMsIn } =
          table.get(`in ${peer}`) ?? whole;
        const { dropPermille: dropPermilleOut, delayMs: delayMsOut } =
          table.get(`out ${peer}`) ?? whole;
        return { peer, dropPermilleIn, delayMsIn, dropPermilleOut, delayMsOut };
      });
    return Promise.resolve({ links });
  };
  const admin = { call } as unknown as Pick<AdminCore, "call">;
  const of = (node: number) =>
    Object.fromEntries(
      [...tables.get(node)!].filter(([, fault]) => fault.dropPermille + fault.delayMs > 0),
    );
  return { admin, of, calls };
}

test("a change of losses keeps delays, and the other way round; other links stay as they are", async () => {
  const { admin, of, calls } = fakeNodes([1, 2, 3]);
  await applyBroken(admin, [1, 2, 3], [[2, 3]]);
  const outcome = await changeLinks(admin, [
    { from: 1, to: 2, dropPermille: 300 },
    { from: 2, to: 1, dropPermille: 300 },
  ]);
  expect(outcome.reached).toEqual([1, 2]);
  expect(calls.filter((call) => call.startsWith("3"))).toEqual(["3 setFaults"]);
  await changeLinks(admin, [{ from: 1, to: 2, delayMs: 50 }]);
  expect(of(1)).toEqual({ "out 2": { dropPermille: 300, delayMs: 50 } });
  expect(of(2)).toEqual({
    "out 3": BROKEN,
    "in 3": BROKEN,
    "out 1": { dropPermille: 300, delayMs: 0 },
  });
});

test("a direction that was broken and is flaky now lets messages in again", async () => {
  const { admin, of } = fakeNodes([1, 2, 3]);
  await changeLinks(admin, [{ from: 1, to: 2, dropPermille: 1000 }]);
  expect(of(2)).toEqual({ "in 1": BROKEN });
  await changeLinks(admin, [{ from: 1, to: 2, delayMs: 20 }]);
  expect(of(2)).toEqual({ "in 1": BROKEN });
  await changeLinks(admin, [{ from: 1, to: 2, dropPermille: 100 }]);
  expect(of(2)).toEqual({});
  expect(of(1)).toEqual({ "out 2": { dropPermille: 100, delayMs: 20 } });
});

test("a scenario of several steps takes them in order, and whoever is down is named", async () => {
  const { admin, of, calls } = fakeNodes([1, 2, 3], [2]);
  const scenario = planScenario("constrained", { nodes: [1, 2, 3], leader: 1, hub: 3 });
  const slept: number[] = [];
  const outcome = await runScenario(admin, [1, 2, 3], scenario, {
    sleep: (ms) => {
      slept.push(ms);
      expect(of(1)).toEqual({ "out 3": BROKEN, "in 3": BROKEN });
      return Promise.resolve();
    },
  });
  expect(slept).toEqual(scenario.steps.slice(1).map(({ afterMs }) => afterMs));
  expect(Object.keys(of(1)).sort()).toEqual(["in 2", "in 3", "out 2", "out 3"]);
  expect(calls).toHaveLength(6);
  expect(outcome.reached).toEqual([1, 3]);
  expect([...outcome.failed.keys()]).toEqual([2]);
});

test("a scenario that is given up takes no further step", async () => {
  const { admin, calls } = fakeNodes([1, 2, 3]);
  const abort = new AbortController();
  await runScenario(
    admin,
    [1, 2, 3],
    planScenario("constrained", { nodes: [1, 2, 3], leader: 1, hub: 3 }),
    {
      signal: abort.signal,
      sleep: () => {
        abort.abort();
        return Promise.resolve();
      },
    },
  );
  expect(calls).toHaveLength(3);
});

test("who leads is the node with the highest ballot of those that say they do", async () => {
  const ballot = (n: number, pid: number) => ({ configId: 1, n, priority: 0, pid });
  const statuses: Record<number, unknown> = {
    1: { nodeId: 1, role: "leader", promise: ballot(4, 1) },
    2: { nodeId: 2, role: "leader", promise: ballot(5, 2) },
    3: { nodeId: 3, role: "follower", promise: ballot(6, 3) },
  };
  const admin = {
    call: (node: number) =>
      node === 4
        ? Promise.reject(new KvError("CONNECTION_FAILED", "refused"))
        : Promise.resolve(statuses[node]),
  } as unknown as Pick<AdminCore, "call">;
  const look = await lookAtCluster(admin, [1, 2, 3, 4]);
  expect(look.map(({ node, error }) => [node, error?.code ?? null])).toEqual([
    [1, null],
    [2, null],
    [3, null],
    [4, "CONNECTION_FAILED"],
  ]);
  expect(leaderIn(look)).toBe(2);
  expect(leaderIn(look.slice(2))).toBe(null);
});
