/** A snapshot as the program wrote them that kept the versions of a key together: it opens with its whole history. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SnapshotError } from "../../src/store/index.ts";
import { expectHistories, type Histories } from "./expect-histories.ts";
import { fromSnapshot, key, open, run, snapshotBytes } from "./helpers.ts";

interface Recorded {
  /** Base64. */
  readonly snapshot: string;
  readonly revision: number;
  readonly oldest: number;
  readonly hash: string;
  readonly historyBytes: number;
  readonly historyHash: number;
  readonly histories: Histories;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "third-snapshot.json"), "utf8"),
) as Recorded;
const snapshot = new Uint8Array(Buffer.from(recorded.snapshot, "base64"));

test.each(["as it is", "written and read once more"])("every version is there: %s", (how) => {
  const first = fromSnapshot(snapshot);
  const state = how === "as it is" ? first : fromSnapshot(snapshotBytes(first.clone()));
  const { cells, revision } = state;
  const { oldest, bytes, hash } = cells.history;
  expect({ revision, oldest, hash: state.hash(), bytes, historyHash: hash }).toEqual({
    ...{ revision: recorded.revision, oldest: recorded.oldest, hash: recorded.hash },
    ...{ bytes: recorded.historyBytes, historyHash: recorded.historyHash },
  });
  expectHistories(state, recorded.histories);
  run(state, open(state, 2), 1, { op: "write", key: "a", value: "later" }, 0);
  expect(cells.history.modBefore(recorded.revision + 1, key("a"))).toBe(
    recorded.histories["a"]?.[0]?.[1],
  );
});

test("it is refused when it is not whole, or damaged", () => {
  for (let length = 5; length < snapshot.length; length++) {
    expect(() => fromSnapshot(snapshot.subarray(0, length))).toThrow(SnapshotError);
  }
});
