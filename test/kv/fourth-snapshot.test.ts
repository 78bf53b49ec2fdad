/** A snapshot as the program wrote them that knew no leases: it opens, and leases begin on top of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromSnapshot, open, run, snapshotBytes } from "./helpers.ts";

interface Recorded {
  /** Base64. */
  readonly snapshot: string;
  readonly revision: number;
  readonly hash: string;
  readonly contentBytes: number;
  readonly keys: readonly string[];
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "fourth-snapshot.json"), "utf8"),
) as Recorded;
const snapshot = new Uint8Array(Buffer.from(recorded.snapshot, "base64"));

test.each(["as it is", "written and read once more"])("it has no leases: %s", (how) => {
  expect(snapshot[4]).toBe(4);
  const first = fromSnapshot(snapshot);
  const state = how === "as it is" ? first : fromSnapshot(snapshotBytes(first.clone()));
  const { revision, contentBytes } = state;
  const hash = state.hash();
  expect({ revision, contentBytes, hash }).toEqual({
    revision: recorded.revision,
    contentBytes: recorded.contentBytes,
    hash: recorded.hash,
  });
  expect(state.readRange({ limit: 9 }).map(({ key }) => key)).toEqual(recorded.keys);
  expect(state.leases.size).toBe(0);
  const granted = run(state, open(state, 2), 1, { op: "leaseGrant", lease: 0, ttl: 1000 });
  expect(granted.revision).toBe(1);
});
