/** A node that no leader feeds serves its clients through a neighbour (ADR 0003). */
import { describe, expect, test } from "vitest";
import { ClientCore } from "../../../src/client/core/client-core.ts";
import { SeededRandom } from "../../../src/machine/ports/seeded-random.ts";
import type { LinkPair } from "../../../src/proof/simulator/shapes.ts";
import type { SimClient } from "../../../src/proof/simulator/sim-client.ts";
import { ELECTION_TIMEOUT_MS, Scenario } from "./scenario.ts";

const SEEDS = Array.from({ length: 6 }, (_, i) => i + 1);

/** A line of three with the leader at one end, for so long that the other end relays; and a client there. */
function line(seed: number): {
  readonly scenario: Scenario;
  readonly middle: number;
  readonly end: number;
  readonly client: SimClient;
} {
  const scenario = new Scenario(3, seed);
  const [leader, middle, end] = scenario.leaderFirst() as [number, number, number];
  scenario.leave([
    [leader, middle],
    [middle, end],
  ]);
  scenario.world.run(5 * ELECTION_TIMEOUT_MS);
  return { scenario, middle, end, client: scenario.world.newProbe(9, end + 1) };
}

describe.each(SEEDS)("seed %i", (seed) => {
  test("writes and reads at the end of the line are served", () => {
    const { scenario, client } = line(seed);
    const outcomes: string[] = [];
    client.submit({ kind: "write", key: "k", value: "v" }, ({ outcome }) => {
      outcomes.push(outcome.kind);
      client.submit({ kind: "read", key: "k", local: false }, (read) =>
        outcomes.push(read.outcome.kind),
      );
    });
    scenario.world.runUntil(() => outcomes.length === 2, 2000);
    expect(outcomes).toEqual(["written", "found"]);
    expect(scenario.world.coverage.count("sent relayRequest")).toBeGreaterThan(0);
  });

  test("while the link to the neighbour is down, requests wait for it instead of getting lost", () => {
    const { scenario, middle, end, client } = line(seed);
    const { world } = scenario;
    const outcomes: string[] = [];
    const write = (value: string): void =>
      client.submit({ kind: "write", key: "k", value }, ({ outcome }) =>
        outcomes.push(outcome.kind),
      );
    write("before");
    expect(world.runUntil(() => outcomes.length === 1, 2000)).toBe(true);
    // Shorter than a heartbeat round: the neighbour still counts as heard.
    scenario.injector.inject({ kind: "reset", a: middle, b: end, ms: ELECTION_TIMEOUT_MS / 2 });
    world.run(1);
    write("meanwhile");
    world.runUntil(() => outcomes.length === 2, 5000);
    expect(outcomes).toEqual(["written", "written"]);
  });

  test("a neighbour that is lost in the moment that it is asked loses nothing: another one is asked", () => {
    const scenario = new Scenario(5, seed);
    const { world } = scenario;
    const order = scenario.leaderFirst();
    const [leader, one, , far, end] = order as [number, number, number, number, number];
    const away: LinkPair[] = [
      [leader, end],
      [far, end],
    ];
    scenario.cut(away);
    world.run(5 * ELECTION_TIMEOUT_MS);
    const client = world.newProbe(9, end + 1);
    const outcomes: string[] = [];
    const ask = (kind: "write" | "read"): void =>
      client.submit(
        kind === "write" ? { kind, key: "k", value: "v" } : { kind, key: "k", local: false },
        ({ outcome }) => outcomes.push(outcome.kind),
      );
    ask("write");
    expect(world.runUntil(() => outcomes.length === 1, 2000)).toBe(true);
    // Both neighbours still count as heard, and each tick it is the next one's turn.
    scenario.cut([...away, [one, end]]);
    for (let tick = 0; tick < 4; tick++) {
      ask("write");
      ask("read");
      world.run(11);
    }
    // Sooner than a request may wait for.
    world.runUntil(() => outcomes.length === 9, 4 * ELECTION_TIMEOUT_MS);
    const well = outcomes.filter((outcome) => outcome === "written" || outcome === "found");
    expect({ answered: outcomes.length, well: well.length }).toEqual({ answered: 9, well: 9 });
  });

  test("a range of several pages is read at the end of the line, of one state, and of an old revision too", () => {
    const { scenario, middle, end, client } = line(seed);
    const { world } = scenario;
    const outcomes: string[] = [];
    for (const key of ["k1", "k2", "k3"]) {
      client.submit({ kind: "write", key, value: "first" }, ({ outcome }) =>
        outcomes.push(outcome.kind),
      );
    }
    expect(world.runUntil(() => outcomes.length === 3, 5000)).toBe(true);
    // The end of the line has none of it.
    expect(world.nodes[end]?.node?.replica.state.revision).toBe(0);
    const reader = pagedReader(scenario, end);
    const newest = reader.read(0);
    expect(world.runUntil(() => newest.isOver, 5000)).toBe(true);
    expect(newest).toMatchObject({ keys: ["k1", "k2", "k3"], revisions: [3, 3, 3], error: null });
    const old = reader.read(2);
    expect(world.runUntil(() => old.isOver, 5000)).toBe(true);
    expect(old).toMatchObject({ keys: ["k1", "k2"], error: null });
    // A local read that the node can answer is answered by itself, whoever is reached.
    expect(world.nodes[middle]?.node?.replica.state.revision).toBe(3);
    reader.close();
  });
});

interface PagesRead {
  readonly keys: string[];
  readonly revisions: number[];
  error: string | null;
  isOver: boolean;
}

/** Reads all keys through one node, page by page: a key each. */
function pagedReader({ world }: Scenario, node: number) {
  const core = new ClientCore({
    nodes: [{ id: node + 1, host: `n${node + 1}`, port: 4100 }],
    clock: world.clock.fork(),
    random: new SeededRandom("reader"),
    network: world.network.host("r9"),
    timeoutMs: 2000,
  });
  const everything = { start: new Uint8Array(0), end: null, reverse: false, keysOnly: true };
  return {
    close: () => core.close(),
    read(revision: number): PagesRead {
      const read: PagesRead = { keys: [], revisions: [], error: null, isOver: false };
      const ask = (start: Uint8Array, at: number, local: boolean): void => {
        const range = { ...everything, countOnly: false, limit: 1e9, start, revision: at };
        core.submit({ kind: "range", range, local }, { node: null }, (error, answer) => {
          const page = answer?.page ?? null;
          if (page === null) {
            read.error = error?.code ?? "no page";
            read.isOver = true;
            return;
          }
          for (const { key } of page.items) read.keys.push(new TextDecoder().decode(key));
          read.revisions.push(page.revision);
          if (page.resume === null) read.isOver = true;
          else ask(Uint8Array.from(page.resume), page.revision, true);
        });
      };
      ask(everything.start, revision, false);
      return read;
    },
  };
}
