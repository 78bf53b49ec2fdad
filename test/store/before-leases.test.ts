/**
 * A log and a snapshot as the program wrote them that knew users and no leases: replayed here they give the same answers and the
 * same state, and what is written of it is the same to the byte. Whoever uses no leases has nothing of them anywhere.
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
  /** Of what a RecordingSink was told of each entry, as JSON. */
  readonly answersSha256: string;
  readonly lastSnapshotSha256: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "before-leases.json"), "utf8"),
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

test("such a log gives the answers and the state that it gave", () => {
  const state = new KvState();
  const answers = replay(state);
  expect([state.hash(), state.revision]).toEqual([recorded.hash, recorded.revision]);
  expect(sha256(JSON.stringify(answers))).toBe(recorded.answersSha256);
  expect(sha256(snapshotBytes(state.clone()))).toBe(recorded.lastSnapshotSha256);
  expect(state.leases).toMatchObject({ size: 0, boundKeys: 0, bytes: 0, clockMs: 0 });
});

test("such a snapshot is read, written alike, and goes on with the rest of the log", () => {
  const state = new KvState();
  replay(state, recorded.snapshotAt);
  const snapshot = bytesOf(recorded.snapshot);
  expect(Buffer.from(snapshotBytes(state.clone())).equals(snapshot)).toBe(true);
  const loaded = fromSnapshot(snapshot);
  replay(loaded);
  expect([loaded.hash(), loaded.revision]).toEqual([recorded.hash, recorded.revision]);
});
