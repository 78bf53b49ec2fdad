/**
 * A log and a snapshot as the program wrote them that kept no history: they open, and keys have a history from then on.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KvState, readAt, readHistory } from "../../src/store/index.ts";
import { fromSnapshot, key, snapshotBytes } from "./helpers.ts";

interface Recorded {
  /** Base64. */
  readonly entries: readonly string[];
  /** Entries that the snapshot stands for, and its state. */
  readonly snapshotAt: number;
  readonly snapshotRevision: number;
  readonly snapshotHash: string;
  readonly snapshot: string;
  /** After all entries. */
  readonly hash: string;
  readonly revision: number;
  readonly keys: number;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "second-snapshot.json"), "utf8"),
) as Recorded;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

function replayed(state: KvState): KvState {
  for (const entry of recorded.entries.slice(state.appliedIdx)) {
    state.apply(bytesOf(entry), state.appliedIdx);
  }
  return state;
}

test("the log leads to the state that it led to, and all of it can be read as it was", () => {
  const state = replayed(new KvState());
  expect([state.hash(), state.revision, state.size]).toEqual([
    recorded.hash,
    recorded.revision,
    recorded.keys,
  ]);
  const { cells } = state;
  expect(cells.history.oldest).toBe(0);
  const versions = readHistory(cells, state.revision, {
    ...{ history: key("k1"), revision: 0, limit: 100 },
  }).versions.map(({ version, value }) => (version === 0 ? null : value));
  expect(versions).toEqual(["by revision", "later", "again", null, "v8", "v1"]);
});

test("the snapshot is the state that it was, whose history begins with it", () => {
  const state = fromSnapshot(bytesOf(recorded.snapshot));
  expect([state.appliedIdx, state.revision, state.hash()]).toEqual([
    recorded.snapshotAt,
    recorded.snapshotRevision,
    recorded.snapshotHash,
  ]);
  expect(state.quotaBytes).toBe(2 ** 24);
  expect(state.cells.history.oldest).toBe(recorded.snapshotRevision);
  const before = state.read(key("k1"))?.value;
  replayed(state);
  expect(state.hash()).toBe(recorded.hash);
  const { cells } = state;
  const at = (revision: number): string | undefined =>
    readAt(key("k1"), cells.newest(key("k1")), revision, cells.history, { cells: 0 })?.value;
  expect([at(recorded.snapshotRevision), at(state.revision)]).toEqual([before, "by revision"]);
  const again = fromSnapshot(snapshotBytes(state.clone()));
  expect(again.cells.history.oldest).toBe(recorded.snapshotRevision);
});
