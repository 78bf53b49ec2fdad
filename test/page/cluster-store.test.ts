/** The page's store and what it can do, over the simulator: real nodes, real clients, no browser. */
import { afterEach, describe, expect, test } from "vitest";
import type { KvError } from "../../src/base/errors.ts";
import type { ClusterView, NodeView } from "../../src/page/cluster-view.ts";
import { createClusterStore, type OwnedClusterStore } from "../../src/page/create-cluster-store.ts";
import type { TailNews } from "../../src/page/page-actions.ts";
import { SeededRandom } from "../../src/machine/ports/seeded-random.ts";
import { PausableClock, pausableNetwork } from "../../src/proof/simulator/pausable-clock.ts";
import { hostOf, SimWorld } from "../../src/proof/simulator/sim-world.ts";
import { quietPlan } from "../proof/simulator/scenario.ts";

const CLIENT_PORT = 4100;
/** Continuations that may hang on one another within one event. */
const MICROTASKS = 12;

let stores: OwnedClusterStore[] = [];
afterEach(() => {
  for (const store of stores) store.close();
  stores = [];
});

class Page {
  readonly world: SimWorld;
  readonly store: OwnedClusterStore;
  /** Of the page: it can stand still, as on a machine that sleeps. */
  readonly clock: PausableClock;

  constructor(size: number, seed: number, isHidden = false) {
    this.world = new SimWorld(seed, quietPlan(size, new SeededRandom(seed).fork("plan")), null);
    this.world.start();
    this.clock = new PausableClock(this.world.clock.fork());
    this.store = createClusterStore({
      info: {
        clusterId: "simulated",
        self: 1,
        nodes: this.world.nodes.map(({ index }) => ({
          id: index + 1,
          host: hostOf(index),
          port: CLIENT_PORT,
        })),
        version: "0.0.0",
        faultsAllowed: true,
        needsSecret: false,
      },
      clock: this.clock,
      random: new SeededRandom(seed).fork("page"),
      network: pausableNetwork(this.world.network.host("page"), this.clock),
      isHidden: () => isHidden,
    });
    stores.push(this.store);
  }

  get view(): ClusterView {
    return this.store.view();
  }

  node(id: number): NodeView {
    return this.view.nodes.find((node) => node.id === id)!;
  }

  /** Promises go on between the events of the world. */
  async until<T>(what: string, attempt: () => T | null | false, ms = 5000): Promise<T> {
    const end = this.world.clock.now() + ms;
    for (;;) {
      const found = attempt();
      if (found !== null && found !== false) return found;
      if (this.world.clock.now() >= end) throw new Error(`not within ${ms} ms: ${what}`);
      this.world.step();
      for (let i = 0; i < MICROTASKS; i++) await Promise.resolve();
    }
  }

  async run(ms: number): Promise<void> {
    const end = this.world.clock.now() + ms;
    this.world.clock.after(ms, () => {});
    await this.until("time passes", () => this.world.clock.now() >= end, ms);
  }

  /** An action, to its end. */
  async do<T>(action: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    action.then(settle, settle);
    await this.until("the action ends", () => settled, 20_000);
    return action;
  }

  /** Who leads once the first elections are over. */
  async leader(): Promise<number> {
    await this.run(1500);
    return this.until("somebody leads", () => this.view.leader);
  }

  others(id: number): number[] {
    return this.view.nodes.map((node) => node.id).filter((node) => node !== id);
  }
}

async function caught(promise: Promise<unknown>): Promise<KvError> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KvError,
  );
}

describe("changes", () => {
  test("are told as they happen, by another node when the one that told them is cut off", async () => {
    const page = new Page(3, 7);
    const leader = await page.leader();
    const { actions } = page.store;
    const news: TailNews[] = [];
    const stop = actions.follow(null, "a/", (each) => news.push(each));
    await page.until("it has begun", () => news.some(({ kind }) => kind === "begun"));
    const changes = () => news.flatMap((each) => (each.kind === "changes" ? each.changes : []));
    await page.do(actions.write(leader, "a/1", "x"));
    await page.do(actions.write(leader, "b", "x"));
    await page.do(actions.delete(leader, "a/1"));
    await page.until("both are told", () => changes().length === 2);
    for (const node of page.others(leader)) {
      await page.do(actions.isolate(node));
      await page.do(actions.write(null, `a/${node}`, "y"));
      await page.until("it is told", () => changes().at(-1)?.key === `a/${node}`, 20_000);
      await page.do(actions.healAll());
      await page.run(1000);
    }
    expect(changes().map(({ kind, key, value }) => ({ kind, key, value }))).toEqual([
      { kind: "put", key: "a/1", value: "x" },
      { kind: "delete", key: "a/1", value: null },
      ...page.others(leader).map((node) => ({ kind: "put", key: `a/${node}`, value: "y" })),
    ]);
    stop();
    await page.do(actions.write(null, "a/9", "z"));
    await page.run(1000);
    expect(changes()).toHaveLength(4);
  });

  test("of what cannot be followed are an ending with a reason", async () => {
    const page = new Page(1, 8);
    const news: TailNews[] = [];
    page.store.actions.follow(null, "k".repeat(5000), (each) => news.push(each));
    await page.until("it is told", () => news.length > 0);
    expect(news).toEqual([{ kind: "failed", text: expect.stringContaining("5000 bytes") }]);
  });
});

describe("what is seen", () => {
  test("every node is asked itself, and all say who leads", async () => {
    const page = new Page(3, 1);
    expect(page.view.nodes.map(({ reach }) => reach)).toEqual(Array(3).fill("connecting"));
    const leader = await page.leader();
    await page.run(1000);
    expect(page.view.nodes.map(({ reach }) => reach)).toEqual(Array(3).fill("live"));
    expect(page.node(leader).status).toMatchObject({ standing: "leading", nodeId: leader });
    expect(page.view.links).toHaveLength(3);
    for (const { aToB, bToA } of page.view.links) {
      expect([aToB.state, bToA.state]).toEqual(["connected", "connected"]);
      expect(aToB.messagesPerSecond).toBeGreaterThan(5);
    }
  });

  test("listeners hear of every new view until they leave", async () => {
    const page = new Page(3, 2);
    let heard = 0;
    const leave = page.store.subscribe(() => (heard += 1));
    await page.run(1000);
    expect(heard).toBeGreaterThanOrEqual(5);
    leave();
    const before = heard;
    await page.run(1000);
    expect(heard).toBe(before);
  });

  test("a node that dies is down within a second, keeps its last words, and comes back", async () => {
    const page = new Page(3, 3);
    const leader = await page.leader();
    await page.run(1000);
    page.world.nodes[leader - 1]!.crash({ silent: false, power: false, downMs: 4000 });
    await page.until("it is seen", () => page.node(leader).reach === "down", 1000);
    expect(page.node(leader).status).toMatchObject({ nodeId: leader });
    expect(page.node(leader).appliedPerSecond).toBeNull();
    const next = await page.until(
      "another leads",
      () => page.view.leader !== leader && page.view.leader,
    );
    await page.until("it is back", () => page.node(leader).reach === "live", 8000);
    const kinds = page.view.marks
      .filter(({ nodes }) => nodes.includes(leader))
      .map(({ kind }) => kind)
      .filter((kind) => kind === "down" || kind === "back");
    expect(kinds).toEqual(["down", "back"]);
    expect(page.view.marks.some(({ nodes, kind }) => nodes[0] === next && kind === "leads")).toBe(
      true,
    );
  });

  test("a node that stands still is silent within one and a half seconds", async () => {
    const page = new Page(3, 4);
    const leader = await page.leader();
    await page.run(500);
    const [still] = page.others(leader);
    page.world.nodes[still! - 1]!.pause();
    await page.until("it is silent", () => page.node(still!).reach === "silent", 1500);
    const link = page.view.links.find(({ a, b }) => a === still || b === still)!;
    expect(link.aToB.state).not.toBe("unknown");
    page.world.nodes[still! - 1]!.resume();
    await page.until("it goes on", () => page.node(still!).reach === "live", 8000);
  });

  test("a page that stood still itself takes nobody for silent, but who is silent still is", async () => {
    const page = new Page(3, 14);
    const leader = await page.leader();
    // Answers take so long that a question is open whenever the page stops.
    for (const { host } of page.world.nodes) {
      page.world.network.setPath("page", host, { delayMinMs: 150, delayMaxMs: 150 });
    }
    for (let i = 0; i < 5; i++) {
      page.clock.pause();
      await page.run(3000);
      page.clock.resume();
      await page.run(613);
    }
    expect(page.view.marks.filter(({ kind }) => kind === "down")).toEqual([]);
    const [still] = page.others(leader);
    page.world.nodes[still! - 1]!.pause();
    page.clock.pause();
    await page.run(3000);
    page.clock.resume();
    await page.until("it is silent", () => page.node(still!).reach === "silent", 1500);
  });

  test("a page that reaches nobody shows nothing as live", async () => {
    const page = new Page(3, 5);
    await page.leader();
    for (const { host } of page.world.nodes) {
      page.world.network.setPath("page", host, { cut: "blackHole" });
      page.world.network.setPath(host, "page", { cut: "blackHole" });
    }
    await page.until(
      "all is dark",
      () => page.view.nodes.every(({ reach }) => reach !== "live"),
      3000,
    );
    expect(page.view.leader).toBeNull();
    expect(page.view.links.every(({ aToB }) => aToB.state === "unknown")).toBe(true);
  });

  test("a hidden tab asks less often, and takes nobody for silent", async () => {
    const page = new Page(3, 13, true);
    await page.leader();
    const heard = new Set<number>();
    await page.until(
      "time passes",
      () => {
        heard.add(page.node(1).heardAt ?? 0);
        expect(page.view.nodes.map(({ reach }) => reach)).toEqual(Array(3).fill("live"));
        return page.view.at > 10_000;
      },
      10_000,
    );
    expect(heard.size).toBeLessThan(12);
    expect(page.view.marks.filter(({ kind }) => kind === "down")).toEqual([]);
  });

  test("work shows in the samples", async () => {
    const page = new Page(3, 6);
    const leader = await page.leader();
    for (let i = 0; i < 200; i++) await page.do(page.store.actions.write(leader, `k${i}`, "v"));
    await page.run(600);
    const busy = page.view.samples.filter(({ appliedPerSecond }) => appliedPerSecond > 50);
    expect(busy.length).toBeGreaterThan(0);
    expect(busy.some((sample) => sample.writeP50Ms !== null && sample.writeP50Ms > 0)).toBe(true);
    await page.run(2000);
    expect(page.view.samples.at(-1)).toMatchObject({ appliedPerSecond: 0, writeP50Ms: null });
  });
});

describe("what can be done", () => {
  test("a link is broken one way and both ways, and restored", async () => {
    const page = new Page(3, 7);
    await page.leader();
    const states = (): string => {
      const { aToB, bToA } = page.view.links.find(({ a, b }) => a === 1 && b === 3)!;
      return `${aToB.state} ${bToA.state}`;
    };
    await page.do(page.store.actions.breakLink(3, 1, "oneWay"));
    await page.until("one way", () => states() === "connected broken");
    await page.do(page.store.actions.breakLink(1, 3, "both"));
    await page.until("both ways", () => states() === "broken broken");
    await page.do(page.store.actions.restoreLink(1, 3, "oneWay"));
    await page.until("half restored", () => states() === "connected broken");
    await page.do(page.store.actions.restoreLink(1, 3, "both"));
    await page.until("restored", () => states() === "connected connected");
  });

  test("isolating the leader moves the leadership, and healing all makes every link whole", async () => {
    const page = new Page(5, 8);
    const leader = await page.leader();
    expect(await page.do(page.store.actions.isolate(leader))).toMatch(
      new RegExp(`^node ${leader} is alone; node \\d, \\d, \\d or \\d can lead$`),
    );
    await page.until("another leads", () => page.view.leader !== leader && page.view.leader);
    await page.until("it is cut off", () => page.node(leader).status?.standing === "cutOff");
    expect(await page.do(page.store.actions.healAll())).toBe("all links are whole");
    await page.until("all is whole", () =>
      page.view.links.every(
        ({ aToB, bToA }) => aToB.state === "connected" && bToA.state === "connected",
      ),
    );
  });

  test.each([
    [3, "quorum-loss"],
    [5, "quorum-loss"],
    [5, "constrained"],
    [3, "chain"],
    [5, "cloudflare"],
    [5, "ring"],
    [5, "full-partition"],
  ] as const)("%i nodes, %s: somebody who can lead leads in the end", async (size, name) => {
    const page = new Page(size, 9);
    const leader = await page.leader();
    const said = await page.do(page.store.actions.runScenario(name));
    const able = /node ([\d, or]+) (?:can lead|keeps the lead)$/.exec(said)![1]!.match(/\d/g)!;
    await page.until("the right one leads", () => able.includes(String(page.view.leader)), 10_000);
    if (said.endsWith("keeps the lead")) expect(page.view.leader).toBe(leader);
  });

  test("who could not be reached is named; the others did it", async () => {
    const page = new Page(3, 10);
    const leader = await page.leader();
    const [gone, other] = page.others(leader);
    page.world.nodes[gone! - 1]!.crash({ silent: false, power: false, downMs: 1e6 });
    await page.until("it is seen", () => page.node(gone!).reach === "down");
    const said = await page.do(page.store.actions.isolate(other!));
    expect(said).toMatch(
      new RegExp(`^node ${other} is alone; .*; but node ${gone} was not told: `),
    );
    await page.do(page.store.actions.breakLink(leader, gone!, "both"));
    const failed = await caught(page.do(page.store.actions.restoreLink(leader, gone!, "both")));
    expect(failed.message).toContain("the other end of the link still holds the fault");
    const links = page.world.nodes[leader - 1]!.node!.links.faults();
    expect(links.map(({ peer }) => peer)).toEqual([other, other]);
  });

  test("keys are written, read, swapped, deleted and listed through the node that was picked", async () => {
    const page = new Page(3, 11);
    const leader = await page.leader();
    const { actions } = page.store;
    const [node] = page.others(leader);
    const written = await page.do(actions.write(node!, "a", "1"));
    expect(written).toEqual({ revision: 1, node });
    expect(await page.do(actions.read(node!, "a", "linearizable"))).toEqual({
      found: true,
      text: "1",
      hex: "",
      createRevision: 1,
      modRevision: 1,
      version: 1,
      node,
    });
    expect(await page.do(actions.cas(node!, "a", { value: "2" }, "3"))).toEqual({
      swapped: false,
      found: { text: "1", revision: 1 },
      node,
    });
    expect(await page.do(actions.cas(node!, "a", { revision: 1 }, "3"))).toEqual({
      swapped: true,
      revision: 2,
      node,
    });
    expect(await page.do(actions.cas(node!, "b", { absent: true }, "x"))).toMatchObject({
      swapped: true,
    });
    expect(await page.do(actions.cas(node!, "c", { revision: 1 }, "y"))).toEqual({
      swapped: false,
      found: null,
      node,
    });
    expect(await page.do(actions.read(node!, "a", "local"))).toMatchObject({
      text: "3",
      version: 2,
    });
    expect(await page.do(actions.delete(node!, "a"))).toEqual({ existed: true, node });
    expect(await page.do(actions.delete(node!, "a"))).toEqual({ existed: false, node });
    expect(await page.do(actions.read(node!, "a", "linearizable"))).toMatchObject({ found: false });
    const level = await page.do(actions.keyLevel(node!, "linearizable", "", null));
    expect(level.items).toEqual([{ kind: "key", key: "b", name: "b", modRevision: 3 }]);
  });

  test("through any node: whoever can serve answers, and is named", async () => {
    const page = new Page(3, 14);
    const leader = await page.leader();
    await page.do(page.store.actions.isolate(page.others(leader)[0]!));
    const written = await page.do(page.store.actions.write(null, "a", "1"));
    expect(page.view.nodes.map(({ id }) => id)).toContain(written.node);
  });

  test("the links of one node are made whole, and no other", async () => {
    const page = new Page(3, 15);
    await page.leader();
    await page.do(page.store.actions.partition("1 | 2 | 3"));
    expect(await page.do(page.store.actions.restoreLinksOf(1))).toBe(
      "all links of node 1 are whole",
    );
    const states = (): string =>
      page.view.links.map(({ aToB, bToA }) => `${aToB.state}/${bToA.state}`).join(" ");
    await page.until(
      "only the third is broken",
      () => states() === "connected/connected connected/connected broken/broken",
    );
    const deeds = page.view.marks.filter(({ kind }) => kind === "deed").map(({ text }) => text);
    expect(deeds).toEqual([
      expect.stringMatching(/^partition: groups 1 \| 2 \| 3; no node can lead/),
      "restore: all links of node 1 are whole",
    ]);
  });

  test("the load writes at its rate until it is turned off", async () => {
    const page = new Page(3, 16);
    await page.leader();
    page.store.actions.setLoad(20);
    await page.run(3000);
    const { answered, failed, trouble } = page.view.load;
    expect(answered).toBeGreaterThan(45);
    expect(answered).toBeLessThanOrEqual(60);
    expect({ failed, trouble }).toEqual({ failed: 0, trouble: null });
    page.store.actions.setLoad(0);
    await page.run(1000);
    const keys = await page.do(page.store.actions.countKeys(null, "linearizable", "load/"));
    await page.run(2000);
    expect(keys).toBeGreaterThan(45);
    expect(await page.do(page.store.actions.countKeys(null, "linearizable", "load/"))).toBe(keys);
    expect(page.view.load.perSecond).toBe(0);
  });

  test("keys are listed page by page, by prefix, in order of their bytes", async () => {
    const page = new Page(3, 12);
    const leader = await page.leader();
    const { actions } = page.store;
    const names = Array.from({ length: 150 }, (_, i) => `n${String(i).padStart(3, "0")}`);
    await page.do(Promise.all(names.map((name) => actions.write(leader, name, "v"))));
    await page.do(actions.write(leader, "ö/1", "v"));
    const list = (prefix: string, resume: Uint8Array | null) =>
      page.do(actions.keyLevel(leader, "linearizable", prefix, resume));
    const first = await list("n", null);
    expect(first.items.map(({ name }) => name)).toEqual(names.slice(0, 100));
    const second = await list("n", first.resume);
    expect(second.items.map(({ name }) => name)).toEqual(names.slice(100));
    expect(second.resume).toBeNull();
    expect((await list("ö", null)).items).toEqual([{ kind: "folder", prefix: "ö/", name: "ö/" }]);
    expect(await list("zzz", null)).toEqual({ items: [], resume: null, unreadable: 0 });
    expect(await page.do(actions.countKeys(leader, "local", "n"))).toBe(150);
  });
});
