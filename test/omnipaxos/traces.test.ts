import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readTrace, replay } from "./harness/trace-replay.ts";

/**
 * Replays recorded runs of the reference implementation: the same commands must lead to the same state of every node
 * and as many messages in flight, step by step. Where the port differs on purpose (src/omnipaxos/deviations.md), the
 * run is listed with the reason and the first thing that may differ; the steps before still count.
 */
const FOLDER = join(import.meta.dirname, "../../../shared/traces");
const PRESENT = existsSync(FOLDER);

const DELIBERATE: Readonly<Record<string, { readonly first: string; readonly why: string }>> = {
  fixed_n3_reconfig_s1: {
    first: "node 2 accepted: 20 instead of 21",
    why: "a follower in sync passes on the stop-sign it had kept; the reference keeps it until it leads",
  },
  fixed_n3_reconfig_s3: {
    first: "node 2 accepted: 9 instead of 10",
    why: "as above",
  },
  scen_decided_regression: { first: "node 1 decided: 2 instead of 1", why: "S3" },
  scen_dup_hb: { first: "node 1 promise: [1,0,5] instead of [2,0,1]", why: "S9" },
  scen_nonmember: {
    first: "in flight 8>6: 0 instead of 1",
    why: "S18: a trim of nothing is refused",
  },
  scen_priority_deadlock: { first: "node 1 promise: [1,5,1] instead of [1,0,5]", why: "S8" },
  scen_set_priority: { first: "node 1 promise: [1,5,1] instead of [1,0,3]", why: "S8" },
  scen_set_priority_leader: { first: "node 1 promise: [1,7,3] instead of [2,7,3]", why: "S8" },
  scen_ss_buffered_lost: { first: "node 1 decided: 2 instead of 3", why: "S1" },
  scen_ss_offbyone: { first: "node 1 decided: 3 instead of 4", why: "S1" },
  scen_stale_acceptsync: { first: "node 1 decided: 1 instead of 0", why: "S4" },
  scen_stranded: { first: "node 2 promise: [3,0,5] instead of [2,0,1]", why: "S7" },
  scen_trim_underflow: { first: "node 3 compacted: 0 instead of 4", why: "S6" },
};

const files = PRESENT ? readdirSync(FOLDER).filter((file) => file.endsWith(".jsonl.gz")) : [];
const totals = { steps: 0, equal: 0 };

describe.skipIf(!PRESENT)(
  "recorded runs of the reference (skipped when ../shared/traces is absent)",
  () => {
    it.each(files)("%s", (file) => {
      const name = file.replace(".jsonl.gz", "");
      const result = replay(readTrace(join(FOLDER, file)));
      totals.steps += result.steps;
      totals.equal += result.equalSteps;
      expect(result.divergence?.what ?? null).toBe(DELIBERATE[name]?.first ?? null);
    });

    it("cover most of what was recorded", () => {
      expect(files.length).toBeGreaterThan(80);
      expect(totals.equal).toBeGreaterThan(25_900);
      expect(totals.equal / totals.steps).toBeGreaterThan(0.98);
    });

    afterAll(() => {
      const rows = Object.entries(DELIBERATE).map(([run, { first, why }]) => ({ run, first, why }));
      console.table(rows);
      console.log(`${totals.equal} of ${totals.steps} recorded steps are equal`);
    });
  },
);
