/** Bugs in ranges: pages of two states, keys missed or told twice, states too old. */
import { patch, type Mutant } from "./mutant.ts";

const STATES = "src/replica/range-states.ts";
const RANGE = "src/kv/range.ts";

export const RANGES: readonly Mutant[] = [
  {
    name: "later pages of a range from the newest state",
    breaks: "a range mixes two states of the store",
    patches: [
      patch(
        STATES,
        "const page = readPage(kept.keys, kept.revision, request, this.#limits.pageKeys);",
        "const page = { ...this.#state().readPage(request, this.#limits.pageKeys), revision: kept.revision };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a state kept for a range is not frozen",
    breaks: "what is written while a client pages through a range shows up in it",
    patches: [patch("src/kv/kv-state.ts", "return this.#cells.clone();", "return this.#cells;")],
    by: "sim",
  },
  {
    name: "a frozen state without the cells of before",
    breaks: "a key changed after a state was kept is changed in that state too",
    patches: [
      patch(
        "src/kv/ordered-cells.ts",
        "const cell = old.generation === this.#generation ? old : this.#renew(old, place);",
        "const cell = old;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page begins after its first key",
    breaks: "a range misses a key between two pages",
    patches: [
      patch(
        RANGE,
        "return { revision, count, keys, resume: reverse ? last : key };",
        "return { revision, count, keys, resume: reverse ? last : ((key + '\\0') as ByteString) };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page in reverse goes back one too far",
    breaks: "a range in reverse misses a key between two pages",
    patches: [
      patch(
        RANGE,
        "return { revision, count, keys, resume: reverse ? last : key };",
        "return { revision, count, keys, resume: key };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a range to its end, the end included",
    breaks: "a range holds the key that it should end before",
    patches: [
      patch(
        "src/kv/ordered-cells.ts",
        ": end !== undefined && key >= end;",
        ": end !== undefined && key > end;",
      ),
    ],
    by: "sim",
  },
  {
    name: "the first page of a kept state is told with the revision after",
    breaks: "a linearizable range claims a state that it is not from",
    patches: [
      patch(
        RANGE,
        "return { revision, count, keys, resume: null };",
        "return { revision: revision + 1, count, keys, resume: null };",
      ),
    ],
    by: "sim",
  },
];
