/** Planted bugs that a search without a plan finds within seconds; scripts/mutants names more (S4: src/omnipaxos/deviations.md). */
import { expect, test } from "vitest";
import { MUTANTS } from "../../../scripts/mutants/catalogue.ts";
import { huntByExplore } from "../../../scripts/mutants/plant.ts";
import { repetitions } from "../../repetitions.ts";

const FOUND_SOON = [
  "late AcceptSync sets the place in the stream",
  "questions for an index outlive their process",
  "S4 stale AcceptSync accepted",
  "promise before it is durable",
  "own vote before it is durable",
];

test.each(FOUND_SOON.slice(0, repetitions(2, FOUND_SOON.length)))(
  "%s",
  { timeout: 120_000 },
  async (name) => {
    const mutant = MUTANTS.find((each) => each.name === name)!;
    const { found, check } = await huntByExplore(mutant);
    expect({ found, check }).toEqual({ found: true, check: expect.stringMatching(/./) as string });
  },
);
