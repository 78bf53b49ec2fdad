/** Whether a peer's snapshot may take the place of what a node has decided. */
import { expect, test } from "vitest";
import { snapshotPartsAt } from "../../src/replica/snapshots/snapshot-judge.ts";
import { StoredSnapshots } from "../../src/replica/snapshots/stored-snapshots.ts";
import { KvState, openingEntry } from "../../src/store/index.ts";
import { entryOf } from "../store/helpers.ts";

const NOOP = entryOf({ session: 0, floor: 0, commands: [[1, { op: "noop" }]] });

/** A log: at each index the round that opens there, or null. */
type Log = readonly (number | null)[];

function entryAt(log: Log, idx: number): Uint8Array {
  const n = log[idx] ?? null;
  const entry = n === null ? NOOP : openingEntry(NOOP, { n, pid: 1, salt: n });
  if (entry === null) throw new Error("the entry opens a round");
  return entry;
}

function stateAt(log: Log, end: number): KvState {
  const state = new KvState();
  for (let idx = 0; idx < end; idx++) state.apply(entryAt(log, idx), idx);
  return state;
}

/**
 * A node has decided all of `own`, and applied so much of it. A peer's snapshot is of `other`, up to an index.
 * @returns where they part
 */
function judged(own: Log, applied: number, other: Log, upTo: number): number | null {
  const stored = new StoredSnapshots();
  const name = { idx: upTo, bytes: 100, crc: 1 };
  stored.add(name, stateAt(other, upTo).rounds);
  const core = {
    storedSnapshot: null,
    decidedIdx: own.length,
    entryAt: (idx: number) => entryAt(own, idx),
  };
  return snapshotPartsAt(core, stateAt(own, applied), stored, name);
}

test.each<[string, Log, number, Log, number, number | null]>([
  ["of the same history, longer", [1, null], 1, [1, null, 2, null], 4, null],
  ["of the same history, as long", [1, null, 2], 1, [1, null, 2], 3, null],
  // The sync was asked for before this node decided what comes behind.
  [
    "of the same history, shorter, with a round behind",
    [1, null, 2, null, 3],
    1,
    [1, null, 2, null, 3],
    3,
    null,
  ],
  ["of the same history, shorter, and all is applied", [1, null, 2], 3, [1, null, 2], 1, null],
  ["of another history, longer", [1, null, 2], 1, [1, null, 3, null], 4, 2],
  ["of another history, shorter", [1, 2, null, 3, null], 1, [1, 4, null, 5, null], 3, 1],
  ["that lacks a round of this one", [1, null, 2], 1, [1, null, null, null], 4, 2],
])("a snapshot %s", (_, own, applied, other, upTo, parts) => {
  expect(judged(own, applied, other, upTo)).toBe(parts);
});
