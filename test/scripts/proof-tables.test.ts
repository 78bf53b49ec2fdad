/** The tables that scripts write into docs/proof.md, and the places that they have there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Kind } from "../../scripts/damage/kind.ts";
import { KINDS } from "../../scripts/damage/kinds.ts";
import type { Row } from "../../scripts/damage/row.ts";
import { Table } from "../../scripts/damage/table.ts";
import type { Facts, Outcome } from "../../scripts/damage/verdict.ts";
import { tableOf } from "../../scripts/mutants/table.ts";

const FACTS: Facts = {
  isRunning: true,
  isServed: true,
  isLevel: true,
  isJoining: false,
  said: [],
  missedBefore: 0,
  unanswered: 0,
  lost: [],
  nowhere: [],
  majorityIntact: true,
  notes: [],
};
const GONE: Outcome = { kind: "SILENT", what: "30 acknowledged writes are gone" };

function kind(name: string, more: Partial<Kind> = {}): Kind {
  return { group: "Disks", name, play: () => Promise.resolve(), ...more };
}

function row(name: string, size: number, outcome: Outcome, facts: Partial<Facts> = {}): Row {
  return { group: "Disks", name, size, outcome, facts: { ...FACTS, ...facts }, ms: 1000 };
}

function refused(text: string): Outcome {
  const by = { node: 1, code: "WENT_BACK", text, ended: true };
  return { kind: "refused", by, after: "nothing lost" };
}

function linesOf(kinds: readonly Kind[], rows: readonly Row[]): readonly string[] {
  return new Table(kinds, rows).markdown.split("\n").filter((line) => line.startsWith("| "));
}

describe("the table of damage", () => {
  test("says once what three and five nodes have in common, whatever their numbers", () => {
    const text = (last: number): string =>
      `the disk of node ${last} holds less than it has told: it had decided ${last * 17} entries. More follows`;
    const rows = [row("a", 3, refused(text(1))), row("a", 5, refused(text(4)))];
    expect(linesOf([kind("a")], rows)).toContain(
      "| a | refused (“the disk of node N holds less than it has told …”), repaired | the same |",
    );
  });

  test("says what was served meanwhile, and takes the last of two rows", () => {
    const rows = [
      row("a", 3, GONE),
      row("a", 3, refused("short"), { missedBefore: 7 }),
      row("a", 5, { kind: "nothing lost" }),
    ];
    const line = "| a | refused (“short”), repaired; served without 7 until then | nothing lost |";
    expect(linesOf([kind("a")], rows)).toContain(line);
  });

  test("names rows that are missing, unknown or bad; a limit is not bad", () => {
    const kinds = [kind("a"), kind("b", { sizes: [5] }), kind("c", { limit: true })];
    const rows = [row("a", 3, GONE), row("c", 3, GONE), row("c", 5, GONE), row("old", 3, GONE)];
    const table = new Table(kinds, rows);
    expect(table.bad.map(({ name }) => name)).toEqual(["a"]);
    expect(table.missing).toEqual(["5  Disks: a", "5  Disks: b"]);
    expect(table.unknown).toEqual(["3  Disks: old"]);
    expect(table.markdown).toContain("1 silent");
  });

  test("has at least 40 kinds, and no two of one name", () => {
    const titles = KINDS.flatMap(({ group, name, sizes = [3, 5] }) =>
      sizes.map((size) => `${size} ${group}: ${name}`),
    );
    expect(new Set(titles).size).toBe(titles.length);
    expect(KINDS.length).toBeGreaterThan(40);
  });
});

test("the table of planted bugs names what is missing and what was not found", () => {
  const mutant = (name: string) => ({ name, breaks: "", patches: [], by: "sim" }) as const;
  const groups = [{ title: "Reads", mutants: [mutant("a"), mutant("b"), mutant("c")] }];
  const check = "test/sim/relay.test.ts: a frame | vanishes";
  const { markdown, missing, notFound } = tableOf(groups, [
    { mutant: "a", found: true, check, seed: null, runs: null, seconds: 1 },
    { mutant: "b", found: false, check: "", seed: null, runs: 20, seconds: 1 },
  ]);
  expect(markdown).toContain("| a | `test/sim/relay.test.ts` | – | – |");
  expect(markdown).toContain("1 of 3 found.");
  expect(missing).toEqual(["c"]);
  expect(notFound).toEqual(["b"]);
});

test.each(["scripts/damage.ts", "scripts/mutants.ts"])("docs/proof.md has a place for %s", (by) => {
  const proof = readFileSync(join(import.meta.dirname, "../../docs/proof.md"), "utf8");
  expect(proof.split(`<!-- ${by} writes this -->`)).toHaveLength(2);
});
