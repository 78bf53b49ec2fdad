/** What results look like: table, sentences, page. */
import { describe, expect, test } from "vitest";
import type { RunResult } from "../../src/measure/faults/experiment.ts";
import { renderLabHtml } from "../../src/measure/reports/lab/html/render-html.ts";
import { publishedFor } from "../../src/measure/reports/lab/published.ts";
import {
  renderLab,
  runLine,
  type Lab,
  type Measured,
} from "../../src/measure/reports/lab/report.ts";
import { summarize } from "../../src/measure/reports/lab/summary.ts";
import { spreadOf } from "../../src/measure/reports/statistics.ts";
import { NAMED_SCENARIOS, isNamedScenario } from "../../src/client/scenarios/index.ts";

function result(downMs: number, change: Partial<RunResult> = {}): RunResult {
  const gap = (ms: number) => ({ fromMs: 0, ms, open: false });
  return {
    summary: "every node hears only node 2",
    leaderBefore: 1,
    leaderAfter: 2,
    canLead: [2],
    down: gap(downMs),
    slowestWriter: gap(downMs + 20),
    afterHeal: gap(15),
    before: gap(5),
    leaderChanges: 1,
    timeline: {
      slotMs: 10,
      startMs: -40,
      acknowledged: [3, 4, 5, 4, 0, 0, 0, 2, 5, 6],
      stepsMs: [0],
      healMs: 40,
      endMs: 60,
      leaders: [{ atMs: 30, node: 2, term: "4.2" }],
      looks: [
        { atMs: -50, node: 1, standing: "leading", leader: 1, term: { order: 3, text: "3.1" } },
        { atMs: 12, node: 1, standing: "cutOff", leader: 1, term: { order: 3, text: "3.1" } },
      ],
    },
    ...change,
  };
}

function measured(runs: readonly RunResult[], system = "omnikv 0.1.0"): Measured {
  const electionTimeoutMs = 100;
  const summary = summarize(runs, electionTimeoutMs);
  return { system, nodes: 5, electionTimeoutMs, loses: "messages", runs, summary };
}

const lab = (...all: Measured[]): Lab => ({ scenario: "quorum-loss", measured: all, left: [] });

describe("a summary", () => {
  test("counts what was reached", () => {
    const never = { down: { fromMs: 0, ms: 2500, open: true }, leaderAfter: null };
    const { summary } = measured([result(310), result(400), result(401), result(0, never)]);
    expect(summary).toMatchObject({ runs: 4, resumed: 3, resumedInTime: 2, rightLeader: 3 });
    expect(summary.down).toEqual({ min: 310, median: 400.5, max: 2500 });
    const late = result(300, { afterHeal: { fromMs: 0, ms: 201, open: false } });
    expect(measured([late, result(300)]).summary.quietAfterHeal).toBe(1);
  });

  test("has the middle of an odd number and the mean of the two middle ones of an even", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
  });
});

describe("text", () => {
  test("has what was measured first, beside what was published", () => {
    const text = renderLab(lab(measured([result(310), result(330), result(362)])));
    const lines = text.split("\n");
    expect(lines[2]).toMatch(
      /^omnikv 0\.1\.0 +5 nodes, 100 ms +310 ms – 330 ms – 362 ms +3\.10 – 3\.30 – 3\.62 +measured here, 3 runs, messages lost$/,
    );
    expect(
      lines.filter((line) => /^(Omni-Paxos|Raft|Raft PV\+CQ|Multi-Paxos|VR) /.test(line)),
    ).toHaveLength(5);
    expect(text).toContain("within 4 election time-outs in 3 of 3 (3.10 – 3.30 – 3.62)");
  });

  test("says when writes did not go on at all", () => {
    const down = { fromMs: 0, ms: 2500, open: true };
    const stuck = result(0, { down, slowestWriter: down, leaderAfter: null });
    expect(renderLab(lab(measured([stuck])))).toContain("the whole partition, 2.50 s");
    expect(runLine(stuck, 1, 100)).toContain("leader 1 → nobody");
    expect(runLine(stuck, 1, 100)).toContain("down for the whole partition (2.50 s)");
    expect(renderLab(lab(measured([stuck, result(300)])))).toContain("not at all in 1");
  });

  test("every scenario has something published, or a word why not", () => {
    for (const scenario of Object.keys(NAMED_SCENARIOS).filter(isNamedScenario)) {
      const { rows, note } = publishedFor(scenario);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.every(({ source }) => source !== "")).toBe(true);
      expect(note).not.toBe("");
    }
  });
});

describe("the page", () => {
  test("needs nothing from anywhere, and no script", () => {
    const page = renderLabHtml(lab(measured([result(310), result(330)])), ["Measured somewhere."]);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<link|src=|https?:/);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page.match(/<details>/g)).toHaveLength(1);
    expect(page).toContain("2 leads (4.2)");
    expect(page).toContain("Measured somewhere.");
  });

  test("takes what it is given for text", () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const run = result(310, { summary: evil });
    const page = renderLabHtml({ ...lab(measured([run], evil)), left: [evil] }, [evil]);
    expect(page).not.toContain("<img");
    expect(page).not.toContain(`onerror="`);
    expect(page).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;");
  });

  test("is well-formed: every element that is opened is closed", () => {
    const page = renderLabHtml(lab(measured([result(310), result(330)])), []);
    const open: string[] = [];
    for (const [, slash, name, rest] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
      if (name === "meta" || name === "br" || rest!.endsWith("/")) continue;
      if (slash === "") open.push(name!);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });
});
