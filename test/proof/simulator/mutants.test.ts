/** Planted bugs are found: one here, a few in the long tests, all of them by scripts/mutants.ts (docs/proof.md has the table). */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { MUTANTS } from "../../../scripts/mutants/catalogue.ts";
import { HARMLESS } from "../../../scripts/mutants/harmless.ts";
import { hunt } from "../../../scripts/mutants/plant.ts";
import { repetitions } from "../../repetitions.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
/** Each found within a few dozen runs. */
const FOUND_SOON = [
  "forwarded proposal applied twice",
  "S3 decided index goes back",
  "reply before sync",
  "promise check skipped",
  "log not synced",
];

test("every mutant fits the source as it is", () => {
  const misfits: string[] = [];
  const harmless = HARMLESS.map((each) => ({ ...each, by: "sim" as const }));
  for (const { name, patches, by } of [...MUTANTS, ...harmless]) {
    for (const { file, find, replace } of patches) {
      const places = readFileSync(join(ROOT, file), "utf8").split(find).length - 1;
      if (places !== 1 || find === replace) misfits.push(`${name}: ${places} times in ${file}`);
    }
    if (by !== "sim" && by !== "mistakes")
      misfits.push(...by.filter((path) => !existsSync(join(ROOT, path))));
  }
  expect(misfits).toEqual([]);
});

test("names are unique, and there are enough of them", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
});

describe("is found by the simulator", () => {
  test.each(FOUND_SOON.slice(0, repetitions(1, FOUND_SOON.length)))(
    "%s",
    { timeout: 300_000 },
    async (name) => {
      const mutant = MUTANTS.find((each) => each.name === name)!;
      const { found, seed } = await hunt(mutant, { seeds: 400, from: 1, jobs: 1 });
      expect({ found, seed }).toEqual({ found: true, seed: expect.any(String) as string });
    },
  );
});
