/** A transaction changes up to 10,000 keys at one revision: to find one of its records is not to pass over all of them. */
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { ByteReader, type ByteString } from "../../src/base/index.ts";
import {
  buildEntry,
  changesAt,
  changesIn,
  encodeTxn,
  GroupWriter,
  KvState,
  NextChanges,
  readPage,
} from "../../src/store/index.ts";
import { HistoryChunk } from "../../src/store/history/history-chunk.ts";
import { applyTo, key, open, type TestGroup } from "./helpers.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const KEYS = 4000;
const nameOf = (i: number): string => `k${String(i).padStart(6, "0")}`;

/** A state in which one transaction has deleted all keys, and the revision before it. */
function allDeleted(): { state: KvState; full: number } {
  const state = new KvState();
  const session = open(state, 1);
  const commands: TestGroup["commands"] = Array.from({ length: KEYS }, (_, i) => {
    // In no order, as the keys of a deletion stand in theirs.
    return [i + 1, { op: "write", key: nameOf((i * 1237) % KEYS), value: `${i}` }] as const;
  });
  for (let from = 0; from < KEYS; from += 1000) {
    applyTo(state, { session, floor: from + 1, commands: commands.slice(from, from + 1000) });
  }
  const full = state.revision;
  const where = { start: key("k"), end: key("l") };
  const txn = encodeTxn({
    ...{ compare: [], failure: [] },
    success: [{ op: "delete", where, previous: false }],
  });
  const writer = new GroupWriter();
  writer.add(KEYS + 1, { kind: "txn", txn });
  const group = writer.take(session, KEYS + 1);
  state.apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group]), state.appliedIdx);
  expect([state.size, state.revision]).toEqual([0, full + 1]);
  return { state, full };
}

test("reads of the past and watches pass over a few records for each key that they find", () => {
  const { state, full } = allDeleted();
  const { cells } = state;
  const skip = vi.spyOn(ByteReader.prototype, "skip");
  const range = { start: key(nameOf(3000)), end: null, reverse: false, keysOnly: false };
  const page = readPage(cells, full, { ...range, countOnly: false, limit: 500, revision: full });
  expect(page.count).toBe(500);
  expect(page.keys[0]?.value).toBe(`${(3000 * inverse(1237, KEYS)) % KEYS}`);
  const ofPage = skip.mock.calls.length;
  // Once over all of them, to put them in order, and then some dozen for each of three searches.
  expect(ofPage).toBeLessThan(3 * KEYS + 3 * 20 * 500);

  const named = Array.from({ length: 500 }, (_, i) => key(nameOf(3000 + i)));
  changesAt(cells, full + 1, named);
  expect(skip.mock.calls.length - ofPage).toBeLessThan(3 * 20 * 500);

  skip.mockClear();
  expect(changesIn(cells, full + 1, full + 1, () => true)).toHaveLength(KEYS);
  expect(skip.mock.calls.length).toBeLessThan(3 * 20 * KEYS);

  skip.mockClear();
  const next = new NextChanges(cells.history, 1);
  next.extend(Infinity);
  expect(next.after(1, key(nameOf(0)))).toBe(full + 1);
  expect(skip.mock.calls.length).toBeLessThan(3 * 20 * KEYS);
});

function inverse(a: number, modulus: number): number {
  for (let i = 1; i < modulus; i++) if ((a * i) % modulus === 1) return i;
  throw new Error("none");
}

test("each record of a revision is found, in whichever order they came, also while more of them come", () => {
  const text = fc.string({ maxLength: 6, unit: fc.constantFrom("a", "b", "\u00ff") });
  const names = fc.uniqueArray(text, { minLength: 30, maxLength: 60 });
  fc.assert(
    fc.property(names, fc.nat(60), (all, pause) => {
      const chunk = new HistoryChunk(7, null);
      const append = (revision: number, name: string, i: number): void => {
        const value = (i % 9 === 0 ? "v".repeat(3000) + i : `${i}`) as ByteString;
        const before = { value, createRevision: 1, modRevision: 0, version: i + 1 };
        chunk.append(revision, name as ByteString, before, i, false);
      };
      append(7, "before", 99);
      const check = (count: number): void => {
        all.slice(0, count).forEach((name, i) => {
          const found = chunk.before(8, name as ByteString);
          expect([found.modRevision, found.version]).toEqual([i, i + 1]);
          expect(found.value).toBe(i % 9 === 0 ? "v".repeat(3000) + i : `${i}`);
        });
        expect(() => chunk.modBefore(8, key("none"))).toThrow("has no record at revision 8");
      };
      all.forEach((name, i) => {
        append(8, name, i);
        if (i === pause) check(i + 1);
      });
      append(9, "after", 99);
      check(all.length);
      expect(chunk.modBefore(9, key("after"))).toBe(99);
    }),
  );
});
