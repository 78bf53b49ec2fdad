/** Planted bugs that a search without a plan finds within seconds; scripts/mutants names more (S4: src/omnipaxos/deviations.md). */
import { expect, test } from "vitest";
import { MUTANTS } from "../../../scripts/mutants/catalogue.ts";
import { huntByExplore } from "../../../scripts/mutants/plant.ts";

test.each([
  "late AcceptSync sets the place in the stream",
  "S4 stale AcceptSync accepted",
  "promise before it is durable",
  "own vote before it is durable",
  "questions for an index outlive their process",
])("%s", { timeout: 60_000 }, async (name) => {
  const mutant = MUTANTS.find((each) => each.name === name)!;
  const { found, check } = await huntByExplore(mutant);
  expect({ found, check }).toEqual({ found: true, check: expect.stringMatching(/./) as string });
});
