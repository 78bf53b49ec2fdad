/** What a row of scripts/damage.ts comes to, from its facts. */
import { describe, expect, test } from "vitest";
import type { Said } from "../../../src/proof/harm/damage/server.ts";
import { decide, type Facts } from "../../../src/proof/harm/damage/verdict.ts";
import { adviceOf } from "../../../src/proof/harm/damage/advice.ts";

const SOUND: Facts = {
  isRunning: true,
  isServed: true,
  isLevel: true,
  isJoining: false,
  said: [],
  missedBefore: 0,
  lost: [],
  nowhere: [],
  majorityIntact: true,
  notes: [],
};

function said(text: string, more: Partial<Said> = {}): Said {
  return { node: 1, code: "LOG_DAMAGED", text, ended: true, ...more };
}

const REJOIN = said("the log is damaged. Move it away and start the node with --rejoin");
const SIDES = said("others differ. If the others are right: move it away, --rejoin", {
  code: "CONTRADICTED",
});

const DIFFERS = said("no majority is known to have this state. Keep every data directory", {
  code: "DIVERGED",
  ended: false,
});

describe("a row", () => {
  test("in which nothing was said and all is there", () => {
    expect(decide(SOUND)).toEqual({ kind: "nothing lost" });
  });

  test.each<[string, Partial<Facts>]>([
    ["a write is gone", { lost: ["a"] }],
    ["a write was gone for a time", { missedBefore: 1 }],
    ["the replicas differ", { isLevel: false }],
    ["a node does not run", { isRunning: false }],
    ["nobody serves", { isServed: false }],
    [
      "a write is gone, and what was said ended no process",
      {
        lost: ["a"],
        said: [said("refused", { ended: false })],
      },
    ],
  ])("is SILENT: %s", (_, facts) => {
    expect(decide({ ...SOUND, ...facts }).kind).toBe("SILENT");
  });

  test("in which two that run differ, say so, and serve nobody", () => {
    const stands = { isServed: false, isLevel: false, missedBefore: 30 };
    const outcome = decide({ ...SOUND, ...stands, said: [REJOIN, DIFFERS] });
    expect(outcome).toMatchObject({
      kind: "refused",
      after: "serves nobody: people have to choose a side, and the disk of each is kept",
    });
  });

  test("that was refused, and made whole by what was said", () => {
    const outcome = decide({ ...SOUND, said: [REJOIN], missedBefore: 3 });
    expect(outcome).toMatchObject({ kind: "refused", after: "nothing lost" });
  });

  test.each<[string, Partial<Facts>]>([
    ["a sentence says nothing of what to do", { said: [said("the log is damaged")] }],
    ["what it says was done, and a node does not run", { said: [REJOIN], isRunning: false }],
    ["what it says was done, and a write is gone", { said: [REJOIN], lost: ["a"] }],
    ["people are to choose a side, and no side has it", { said: [SIDES], nowhere: ["a"] }],
    [
      "two that run differ and say so, and others serve without a write",
      { said: [REJOIN, DIFFERS], lost: ["a"] },
    ],
  ])("has NO WAY OUT: %s", (_, facts) => {
    expect(decide({ ...SOUND, ...facts }).kind).toBe("NO WAY OUT");
  });

  test("in which people have to choose a side", () => {
    const outcome = decide({ ...SOUND, isRunning: false, lost: ["a"], said: [SIDES] });
    expect(outcome).toMatchObject({ kind: "refused", after: expect.stringContaining("choose") });
  });
});

test("a sentence that leaves open who is right is not followed", () => {
  expect(adviceOf(REJOIN).kind).toBe("rejoin");
  expect(adviceOf(SIDES).kind).toBe("keep");
});
