/**
 * A log and a snapshot as the program wrote them to which all leases were alike, with ids as those of writes have them now. Replayed here
 * they give the same answers and the same state, and what is written of it is the same to the byte: such a lease goes on without keys.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KvState, validateEntry } from "../../src/store/index.ts";
import { fromSnapshot, RecordingSink, snapshotBytes } from "./helpers.ts";

interface Recorded {
  /** Base64. */
  readonly entries: readonly string[];
  /** Entries that the snapshot stands for. */
  readonly snapshotAt: number;
  /** Base64. */
  readonly snapshot: string;
  /** At the end, as all that follows. */
  readonly hash: string;
  readonly revision: number;
  readonly leases: readonly number[];
  /** Of what a RecordingSink was told of each entry, as JSON. */
  readonly answersSha256: string;
  readonly lastSnapshotSha256: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "before-write-leases.json"), "utf8"),
) as Recorded;
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const entries = recorded.entries.map(bytesOf);
const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

function replay(state: KvState, end = entries.length): unknown[] {
  return entries.slice(state.appliedIdx, end).map((entry) => {
    expect(validateEntry(entry)).toBeNull();
    const sink = new RecordingSink();
    state.apply(entry, state.appliedIdx, sink);
    return [sink.answers, sink.openings];
  });
}

function expectTheEnd(state: KvState): void {
  const { hash, revision, leases, lastSnapshotSha256 } = recorded;
  expect([state.hash(), state.revision]).toEqual([hash, revision]);
  expect(state.leases.sortedIds()).toEqual(leases);
  expect(sha256(snapshotBytes(state.clone()))).toBe(lastSnapshotSha256);
  expect(state.rules.met).toBe(8);
}

test("such a log gives the answers and the state that it gave", () => {
  const state = new KvState();
  expect(sha256(JSON.stringify(replay(state)))).toBe(recorded.answersSha256);
  expectTheEnd(state);
});

test("such a snapshot is read, written alike, and goes on with the rest of the log", () => {
  const state = new KvState();
  replay(state, recorded.snapshotAt);
  const snapshot = bytesOf(recorded.snapshot);
  expect(snapshot[4]).toBe(5);
  expect(Buffer.from(snapshotBytes(state.clone())).equals(snapshot)).toBe(true);
  const loaded = fromSnapshot(snapshot);
  replay(loaded);
  expectTheEnd(loaded);
});
