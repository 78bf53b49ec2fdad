/** The entries that are measured do what they are taken for. */
import { expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import { EntryMaker } from "../../src/measure/workloads/entries.ts";

test("every write of an entry takes effect, also those of a second round", () => {
  const state = new KvState();
  const maker = new EntryMaker(state);
  const value = new Uint8Array(8);
  for (const round of [1, 2]) {
    const key = (i: number): Uint8Array => Buffer.from(`${round}/${i}`);
    for (const entry of maker.writes(1000, key, value)) state.apply(entry, state.appliedIdx);
    expect(state.size).toBe(round * 1000);
  }
});
