/** `omnikv explore` as a process. */
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { OMNIKV, runOmnikv, type Ended } from "../run-omnikv.ts";

const TRACES = resolve(import.meta.dirname, "traces");

const explore = (...args: readonly string[]): Promise<Ended> => runOmnikv("explore", ...args);

describe("omnikv explore", { timeout: 120_000 }, () => {
  test("says how many worlds there are", async () => {
    const { status, out } = await explore(..."core --nodes 2 --disk sync".split(" "));
    expect(out).toMatch(/^\d+ states, \d+ transitions, .*; all there is; .* states\/s$/m);
    expect(out).toContain("nothing is wrong");
    expect(status).toBe(0);
  });

  test("walks as often as it is told, as one JSON object", async () => {
    const { status, out } = await explore(
      ..."replicas --nodes 3 --walks 2 --seed 5 --depth 40 --json".split(" "),
    );
    expect(JSON.parse(out)).toMatchObject({ walks: 2, ended: "all", seed: 5, violation: null });
    expect(status).toBe(0);
  });

  test("replays a trace in plain words", async () => {
    const { status, out } = await explore("--replay", `${TRACES}/late-accept-sync.json`);
    expect(out).toContain("   1. node 1 tries to become leader\n");
    expect(out).toContain("node 2 gets from node 1: AcceptSync 1.1, session 1: from 0 on []");
    expect(out).toContain("nothing is wrong");
    expect(status).toBe(0);
  });

  test("refuses what it does not understand", async () => {
    const [number, nothing, file] = await Promise.all([
      explore("core", "--nodes", "many"),
      explore("replicas"),
      explore("--replay", OMNIKV),
    ]);
    expect(number.err).toContain('--nodes: expected an integer from 1, got "many"');
    expect(nothing.err).toContain("say how long: --walks N or --seconds S");
    expect(file.err).toContain("--replay ");
    expect([number.status, nothing.status, file.status]).toEqual([2, 2, 2]);
  });
});
