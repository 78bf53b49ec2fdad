/** Where leaders' rounds begin: in entries, in the state, in snapshots, and what that tells of two histories. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../../src/base/byte-reader.ts";
import {
  isEntryOrItsOpening,
  KvState,
  NO_SESSION,
  openingEntry,
  partingIdx,
  OwnEntries,
  readSnapshotHeader,
  roundOpenedBy,
  SNAPSHOT_HEADER_BYTES_MAX,
  SnapshotDecoder,
  validateEntry,
  withRound,
  type Rounds,
} from "../../src/store/index.ts";
import type { RoundName } from "../../src/store/entries/rounds.ts";
import { NO_ROUNDS, ROUNDS_MAX } from "../../src/store/entries/rounds.ts";
import {
  entryOf,
  firstVersionEntryOf,
  groupBytes,
  snapshotBytes,
  type TestGroup,
} from "./helpers.ts";

const opening: TestGroup = {
  ...{ session: NO_SESSION, floor: 0 },
  commands: [[0, { op: "openSession", nonce: 1 }]],
};
const ROUND = { n: 300, pid: 2, salt: 0xffff_fffe };

function opens(entry: Uint8Array, round: RoundName): Uint8Array {
  const opening = openingEntry(entry, round);
  if (opening === null) throw new Error("it can open a round");
  return opening;
}

function applied(state: KvState, entry: Uint8Array): KvState {
  state.apply(entry, state.appliedIdx);
  return state;
}

describe("an entry that opens a round", () => {
  const bare = entryOf(opening);
  const opened = opens(bare, ROUND);

  test("says so, and is carried out like any other", () => {
    expect(roundOpenedBy(bare)).toBeNull();
    expect(roundOpenedBy(opened)).toEqual(ROUND);
    expect(validateEntry(opened)).toBeNull();
    expect(new OwnEntries({ node: 1, nonce: 7 }).batchOf(opened)).toBe(1);
    const [one, other] = [applied(new KvState(), bare), applied(new KvState(), opened)];
    expect(other.sessionCount).toBe(1);
    expect(other.contentHash).toBe(one.contentHash);
    expect(other.historyHash).not.toBe(one.historyHash);
    expect(other.rounds).toEqual({ forgotten: 0, kept: [{ ...ROUND, idx: 0 }] });
  });

  test("is known by who made it without", () => {
    expect(isEntryOrItsOpening(opened, bare)).toBe(true);
    expect(isEntryOrItsOpening(bare, bare.slice())).toBe(true);
    expect(isEntryOrItsOpening(bare, opened)).toBe(false);
    const other = opened.slice();
    other[other.length - 1] = 99;
    expect(isEntryOrItsOpening(other, bare)).toBe(false);
  });

  test("opens no second one; and what is no entry, or an old one, opens none", () => {
    for (const entry of [opened, firstVersionEntryOf(opening), new Uint8Array([1, 2, 3])]) {
      expect(openingEntry(entry, { ...ROUND, n: 7 })).toBeNull();
    }
  });

  test("cut short in its header is no entry, and opens nothing", () => {
    const header = opened.length - groupBytes(opening).length;
    for (let end = 0; end < header; end++) {
      expect(validateEntry(opened.subarray(0, end)), `${end} bytes`).not.toBeNull();
      expect(applied(new KvState(), opened.slice(0, end)).rounds).toBe(NO_ROUNDS);
    }
  });
});

describe("the rounds of a state", () => {
  const withRounds = (count: number): KvState => {
    const state = new KvState();
    for (let n = 1; n <= count; n++) {
      const nothing: TestGroup = { ...opening, commands: [[0, { op: "noop" }]] };
      applied(state, opens(entryOf(nothing), { ...ROUND, n: 2 ** 48 - n }));
      applied(state, entryOf(nothing));
    }
    return state;
  };

  test.each([0, 1, 3, ROUNDS_MAX + 5])(
    "%i of them are in its snapshot, the latest ones",
    (count) => {
      const state = withRounds(count);
      const snapshot = snapshotBytes(state.clone());
      const decoder = new SnapshotDecoder();
      decoder.push(snapshot);
      while (decoder.step(Infinity));
      expect(decoder.finish().rounds).toEqual(state.rounds);
      const head = snapshot.subarray(0, SNAPSHOT_HEADER_BYTES_MAX);
      expect(readSnapshotHeader(new ByteReader().reset(head))?.state.rounds).toEqual(state.rounds);
      expect(state.rounds.kept.length).toBe(Math.min(count, ROUNDS_MAX));
      expect(state.rounds.forgotten).toBe(count - state.rounds.kept.length);
    },
  );
});

describe("two histories", () => {
  const rounds = (...kept: readonly (readonly [idx: number, n: number])[]): Rounds =>
    kept.reduce((all, [idx, n]) => withRound(all, { n, pid: 1, salt: n, idx }), NO_ROUNDS);

  test.each<[string, Rounds, number, Rounds, number | null]>([
    ["nothing is decided", NO_ROUNDS, 0, rounds([0, 1]), null],
    ["the same round goes on", rounds([0, 1]), 20, rounds([0, 1]), null],
    ["another one begins behind", rounds([0, 1]), 20, rounds([0, 1], [20, 2]), null],
    ["another one begins before", rounds([0, 1]), 20, rounds([0, 1], [19, 2]), 19],
    ["each has its own", rounds([0, 1], [7, 2]), 20, rounds([0, 1], [5, 3]), 5],
    ["the last one is not there", rounds([0, 1], [7, 2]), 20, rounds([0, 1]), 7],
    ["it is somewhere else", rounds([0, 1], [7, 2]), 20, rounds([0, 1], [8, 2]), 7],
    ["what is not decided does not count", rounds([0, 1], [7, 2]), 7, rounds([0, 1], [7, 3]), null],
    ["a first version's log, no round in it", NO_ROUNDS, 20, rounds([20, 1]), null],
    ["a first version's log, parted", NO_ROUNDS, 20, rounds([19, 1]), 19],
    ["too much is forgotten", rounds([3, 1]), 20, { ...rounds([30, 2]), forgotten: 1 }, null],
    ["some is forgotten", rounds([3, 1], [9, 2]), 20, { ...rounds([8, 3]), forgotten: 1 }, 3],
  ])("%s", (_, own, end, other, expected) => {
    expect(partingIdx(own, end, other)).toBe(expected);
  });

  /** A log is a list of the rounds that its entries were proposed in; the first entry of each opens it. */
  const branch = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(3)), { maxLength: 6 });
  const logOf = (
    start: readonly RoundName[],
    more: readonly (readonly [count: number, pid: number])[],
    salt: number,
  ): readonly RoundName[] => {
    const log = [...start];
    for (const [count, pid] of more) {
      const name = { n: log.length + 1, pid, salt };
      for (let i = 0; i < count; i++) log.push(name);
    }
    return log;
  };
  const roundsOf = (log: readonly RoundName[], end: number): Rounds => {
    let all = NO_ROUNDS;
    log.slice(0, end).forEach((name, idx) => {
      if (log[idx - 1] !== name) all = withRound(all, { ...name, idx });
    });
    return all;
  };

  test("part where their logs do", () => {
    fc.assert(
      fc.property(branch, branch, branch, fc.nat(30), (common, one, two, cut) => {
        const start = logOf([], common, 1).slice(0, cut);
        const a = logOf(start, one, 2);
        const b = logOf(start, two, 3);
        const parted = a.findIndex((name, idx) => name !== b[idx]);
        // Where `b` ends is known otherwise: a snapshot that ends below is not taken.
        for (let end = 0; end <= Math.min(a.length, b.length); end++) {
          const isPrefix = parted < 0 || parted >= end;
          const found = partingIdx(roundsOf(a, end), end, roundsOf(b, b.length));
          expect(found).toBe(isPrefix ? null : parted);
        }
      }),
    );
  });
});
