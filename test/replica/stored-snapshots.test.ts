/** What is known of the snapshots in the store: where the rounds of their histories begin. */
import { expect, test } from "vitest";
import { KvState, openingEntry } from "../../src/store/index.ts";
import {
  longerHead,
  roundsIn,
  StoredSnapshots,
} from "../../src/replica/snapshots/stored-snapshots.ts";
import { entryOf } from "../store/helpers.ts";

const NOOP = entryOf({ session: 0, floor: 0, commands: [[1, { op: "noop" }]] });

function stateWithRounds(): KvState {
  const state = new KvState();
  for (const n of [3, 5, 9]) {
    const entry = openingEntry(NOOP, { n, pid: 2, salt: 1000 + n });
    if (entry === null) throw new Error("the entry opens a round");
    state.apply(entry, state.appliedIdx);
  }
  return state;
}

function headOf(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.reduce<Uint8Array>(longerHead, new Uint8Array(0));
}

test("however a snapshot comes, in pieces of any size, its beginning tells the rounds of its history", () => {
  const state = stateWithRounds();
  expect(state.rounds.kept).toHaveLength(3);
  for (const bytes of [7, 100, 1 << 20]) {
    expect(roundsIn(headOf([...state.clone().encodeSnapshot(bytes)]))).toEqual(state.rounds);
  }
});

test("what is too short, or no snapshot, tells nothing", () => {
  const [all = new Uint8Array(0)] = [
    ...stateWithRounds()
      .clone()
      .encodeSnapshot(1 << 20),
  ];
  expect(roundsIn(all.subarray(0, 20))).toBeNull();
  expect(roundsIn(new Uint8Array(1000).fill(7))).toBeNull();
});

test("a snapshot is known by all of its name, and as long as it is in the store", () => {
  const stored = new StoredSnapshots();
  const { rounds } = stateWithRounds();
  const name = { idx: 3, bytes: 100, crc: 1 };
  stored.add(name, rounds);
  expect(stored.roundsOf({ ...name })).toBe(rounds);
  for (const other of [{ idx: 4 }, { bytes: 101 }, { crc: 2 }]) {
    expect(stored.has({ ...name, ...other })).toBe(false);
  }
  stored.remove([{ ...name }]);
  expect(stored.has(name)).toBe(false);
  expect(stored.roundsOf(name)).toBeNull();
});
