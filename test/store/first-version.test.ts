/**
 * Entries and snapshots of version 1, as the program wrote them that knew no other: replayed here they give the same answers
 * and the same state, whether a node has them in its log or in a snapshot.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KvState } from "../../src/store/index.ts";
import { compact, fromSnapshot, open, RecordingSink, run, snapshotBytes } from "./helpers.ts";

interface Recorded {
  /** Base64. */
  readonly entries: readonly string[];
  /** Entries that the snapshot stands for. */
  readonly snapshotAt: number;
  /** Base64. */
  readonly snapshot: string;
  readonly hash: string;
  readonly revision: number;
  readonly sessions: number;
  /** Of what a RecordingSink was told of each entry, as JSON. */
  readonly answersSha256: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "first-version.json"), "utf8"),
) as Recorded;
const entries = recorded.entries.map((entry) => new Uint8Array(Buffer.from(entry, "base64")));

function replay(state: KvState): unknown[] {
  const answers: unknown[] = [];
  for (const entry of entries.slice(state.appliedIdx)) {
    const sink = new RecordingSink();
    state.apply(entry, state.appliedIdx, sink);
    answers.push([sink.answers, sink.openings]);
  }
  return answers;
}

test("an old log gives the answers and the state that it gave", () => {
  const state = new KvState();
  const answers = replay(state);
  expect(state.hash()).toBe(recorded.hash);
  expect([state.revision, state.sessionCount]).toEqual([recorded.revision, recorded.sessions]);
  expect(createHash("sha256").update(JSON.stringify(answers)).digest("hex")).toBe(
    recorded.answersSha256,
  );
});

test("on top of an old snapshot the rest of an old log gives the same, to the byte", () => {
  const whole = new KvState();
  replay(whole);
  const rest = fromSnapshot(Buffer.from(recorded.snapshot, "base64"));
  expect(rest.appliedIdx).toBe(recorded.snapshotAt);
  const begins = rest.revision;
  replay(rest);
  expect(rest.hash()).toBe(recorded.hash);
  // What the old log had overwritten before the snapshot only the one knows that has the whole log.
  expect([whole, rest].map(({ cells }) => cells.history.oldest)).toEqual([0, begins]);
  for (const state of [whole, rest]) compact(state, state.revision);
  expect(snapshotBytes(rest.clone()).equals(snapshotBytes(whole.clone()))).toBe(true);
});

test("what comes after an upgrade has the same outcome on a node with the old log and one with a snapshot of it", () => {
  const whole = new KvState();
  replay(whole);
  const rest = fromSnapshot(Buffer.from(recorded.snapshot, "base64"));
  replay(rest);
  const outcomes = [whole, rest].map((state) => {
    const session = open(state, 1);
    const answers = [run(state, session, 1, { op: "write", key: "new", value: "1" })];
    // Answers of the old time were kept without what was asked: whatever comes back gets them.
    for (let old = 1; old <= 7; old++) {
      for (let sequence = 0; sequence < 40; sequence++) {
        answers.push(run(state, old, sequence, { op: "write", key: "other", value: "2" }));
      }
    }
    compact(state, state.revision);
    return { answers, session, hash: state.hash(), snapshot: snapshotBytes(state.clone()) };
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
});
