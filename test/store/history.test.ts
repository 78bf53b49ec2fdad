/**
 * The history against a model without any cleverness: the whole content at each revision. Random puts and deletes, compaction by
 * hand and by bounds, snapshots taken and loaded, clones held meanwhile; then every revision that can be read is read.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  KvState,
  readAt,
  readHistory,
  readPage,
  settingOf,
  SnapshotError,
  type FrozenState,
  type RangeRequest,
} from "../../src/store/index.ts";
import { History } from "../../src/store/history/history.ts";
import {
  applySetting,
  applyTo,
  compact,
  fromSnapshot,
  key,
  open,
  run,
  snapshotBytes,
  type Command,
} from "./helpers.ts";

interface Plain {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}
type Content = ReadonlyMap<string, Plain>;

const ALL: RangeRequest = {
  ...{ start: key(""), end: null, reverse: false, keysOnly: false, countOnly: false },
  ...{ limit: 1e9, revision: 0 },
};

class World {
  state = new KvState();
  readonly session = open(this.state, 1);
  /** By revision. */
  readonly contents: Content[] = [new Map()];
  readonly deletions = new Map<string, number[]>();
  #sequence = 0;

  put(name: string, value: string): void {
    const content = new Map(this.contents.at(-1));
    const old = content.get(name);
    const revision = this.contents.length;
    content.set(name, {
      ...{ value, createRevision: old?.createRevision ?? revision, modRevision: revision },
      version: (old?.version ?? 0) + 1,
    });
    this.#run({ op: "write", key: name, value });
    this.contents.push(content);
  }

  delete(name: string): void {
    this.#run({ op: "delete", key: name });
    const content = new Map(this.contents.at(-1));
    if (!content.delete(name)) return;
    this.deletions.set(name, [...(this.deletions.get(name) ?? []), this.contents.length]);
    this.contents.push(content);
  }

  #run(command: Command): void {
    run(this.state, this.session, ++this.#sequence, command, this.#sequence);
  }
}

/** Reads everything at every revision from `oldest` on, of this state. */
function check(world: World, state = world.state): void {
  const { contents } = world;
  const { cells, revision } = state;
  const { oldest, last } = cells.history;
  expect(last).toBe(revision);
  const looked = { cells: 0 };
  for (let r = oldest; r <= revision; r++) {
    const expected = contents[r]!;
    for (const reverse of [false, true]) {
      const page = readPage(cells, r, { ...ALL, reverse }, looked);
      const found = page.keys.map(({ key: name, ...rest }) => [name, rest]);
      const sorted = [...expected].map(([name, rest]) => [key(name), rest] as const);
      sorted.sort(([a], [b]) => (a < b ? -1 : 1));
      expect(found).toEqual(reverse ? sorted.toReversed() : sorted);
    }
    expect(readPage(cells, r, { ...ALL, countOnly: true }, looked).count).toBe(expected.size);
    for (const name of NAMES) {
      const stored = readAt(key(name), cells.newest(key(name)), r, cells.history, looked);
      expect(stored?.value).toBe(expected.get(name)?.value);
    }
  }
  for (const name of NAMES) checkHistory(world, state, name);
}

function checkHistory(world: World, { cells, revision }: KvState, name: string): void {
  const { contents } = world;
  const { oldest } = cells.history;
  const expected: number[] = [];
  for (let r = revision; r >= oldest; r--) {
    const at = contents[r]!.get(name)?.modRevision;
    const isDeletion = world.deletions.get(name)?.includes(r) === true && r > oldest;
    if (at !== undefined && at !== expected.at(-1)) expected.push(at);
    else if (isDeletion) expected.push(r);
  }
  const request = { history: key(name), revision: 0, limit: 1e9 };
  const { versions, resume } = readHistory(cells, revision, request);
  expect(resume).toBeNull();
  expect(versions.map(({ modRevision }) => modRevision)).toEqual(expected);
  for (const { modRevision, version, value } of versions) {
    expect(version === 0 ? undefined : value).toBe(contents[modRevision]?.get(name)?.value);
  }
}

const NAMES = ["a", "b", "c", "ab", "ba"];
const name = fc.constantFrom(...NAMES);
/** Short ones stand among the records, long ones are held beside them. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2046, max: 2050 }).map((n) => "x".repeat(n)) },
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ put: name, value }) },
  { weight: 4, arbitrary: fc.record({ delete: name }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      revisions: fc.integer({ min: 0, max: 20 }),
      bytes: fc.oneof(fc.nat(3000), fc.nat(20_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ release: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant("load" as const) },
  { weight: 1, arbitrary: fc.constant("hold" as const) },
);

describe("history", () => {
  test("every revision that is kept reads as it was, whatever is compacted, loaded and held", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const world = new World();
        const held: [FrozenState, oldest: number, Buffer][] = [];
        for (const each of steps) {
          const { state } = world;
          if (each === "load") world.state = fromSnapshot(snapshotBytes(state.clone()));
          else if (each === "hold") {
            const clone = state.clone();
            held.push([clone, state.cells.history.oldest, snapshotBytes(clone)]);
          } else if ("put" in each) world.put(each.put, each.value);
          else if ("delete" in each) world.delete(each.delete);
          else if ("compact" in each) compact(state, Math.max(1, state.revision - each.compact));
          else if ("release" in each) state.releaseHistory(each.release);
          else {
            const { revisions, bytes } = each;
            applySetting(state, settingOf({ revisions, bytes }));
            const { history } = state.cells;
            if (revisions > 0) expect(history.last - history.oldest).toBeLessThanOrEqual(revisions);
            if (bytes > 0) expect(history.bytes).toBeLessThanOrEqual(bytes);
          }
        }
        check(world);
        for (const [clone, oldest, bytes] of held) {
          expect(snapshotBytes(clone).equals(bytes)).toBe(true);
          const loaded = fromSnapshot(bytes);
          expect(loaded.cells.history.oldest).toBe(oldest);
          check(world, loaded);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a snapshot says the same however the state came about, and whatever was let go of", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const one = new World();
        const other = new World();
        for (const each of steps) {
          for (const world of [one, other]) {
            if (each === "load" || each === "hold" || "release" in each) {
              if (world === one) continue;
              if (each === "load") world.state = fromSnapshot(snapshotBytes(world.state.clone()));
              else world.state.releaseHistory(1000);
            } else if ("put" in each) world.put(each.put, each.value);
            else if ("delete" in each) world.delete(each.delete);
            else if ("compact" in each) {
              compact(world.state, Math.max(1, world.state.revision - each.compact));
            } else applySetting(world.state, settingOf(each));
          }
        }
        const [a, b] = [one.state, other.state];
        expect(b.cells.history.hash).toBe(a.cells.history.hash);
        expect(b.cells.history.bytes).toBe(a.cells.history.bytes);
        expect(snapshotBytes(b.clone()).equals(snapshotBytes(a.clone()))).toBe(true);
      }),
      {
        // The record of the third change says when the key was deleted, although nobody can see that any more.
        examples: [
          [
            [
              { put: "b", value: "" },
              { delete: "b" },
              { put: "b", value: "" },
              { revisions: 0, bytes: 101 },
              "load",
            ],
          ],
        ],
      },
    );
  });

  test("a node that knows no history before a point can read as far as the others once they have left that behind", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(step, { maxLength: 80 }),
        (before, after) => {
          const world = new World();
          const late = new World();
          const apply = (to: World, each: (typeof before)[number]): void => {
            if (each === "load" || each === "hold" || "release" in each) return;
            if ("put" in each) to.put(each.put, each.value);
            else if ("delete" in each) to.delete(each.delete);
            else if ("compact" in each)
              compact(to.state, Math.max(1, to.state.revision - each.compact));
            else applySetting(to.state, settingOf(each));
          };
          for (const each of before) for (const to of [world, late]) apply(to, each);
          late.state = fromSnapshot(snapshotBytes(late.state.clone().asBackup()));
          const start = late.state.revision;
          for (const each of after) {
            for (const to of [world, late]) apply(to, each);
            const { oldest } = world.state.cells.history;
            // Compaction may be asked for by hand below the start: then there is nothing to be done.
            expect(late.state.cells.history.oldest).toBe(Math.max(start, oldest));
            expect(late.state.hash()).toBe(world.state.hash());
            expect(late.state.contentBytes).toBe(world.state.contentBytes);
            if (oldest < start) continue;
            const [a, b] = [world.state.cells.history, late.state.cells.history];
            expect([b.bytes, b.hash]).toEqual([a.bytes, a.hash]);
          }
          check(late);
        },
      ),
    );
  });

  test("what is compacted is let go of a little at a time, and the logical figures at once", () => {
    const world = new World();
    for (let i = 0; i < 3000; i++) world.put(`k${i % 700}`, "value");
    for (let i = 0; i < 700; i++) world.delete(`k${i}`);
    const { state } = world;
    const { bytes } = state.cells.history;
    expect(bytes).toBeGreaterThan(3700 * 100);
    applySetting(state, settingOf({ revisions: 1, bytes: null }));
    expect(state.cells.history.oldest).toBe(state.revision - 1);
    expect(state.cells.history.bytes).toBeLessThan(500);
    expect(state.size).toBe(0);
    const cells = (): number => [...state.cells.order.walkAll(key(""), null, false)].length;
    // The entry that brought the setting has let go of some.
    expect(cells()).toBeGreaterThan(600);
    let steps = 0;
    while (state.releaseHistory(20)) steps += 1;
    expect(steps).toBeGreaterThan(30);
    expect(cells()).toBe(1);
    expect(state.hash()).toMatch(/^0{8}/);
  });

  test("a compaction of what is yet to come has no effect, nor one of what is gone", () => {
    const world = new World();
    for (let i = 0; i < 10; i++) world.put("a", `${i}`);
    compact(world.state, 11);
    expect(world.state.cells.history.oldest).toBe(0);
    compact(world.state, 10);
    compact(world.state, 4);
    expect(world.state.cells.history.oldest).toBe(10);
    check(world);
  });

  test("pages of a past state look at so many cells, those of deleted keys too, and go on; those of the newest pass them", () => {
    const world = new World();
    for (let i = 0; i < 100; i++) world.put(`k${String(i).padStart(3, "0")}`, "v");
    const { revision } = world.state;
    for (let i = 0; i < 99; i++) world.delete(`k${String(i).padStart(3, "0")}`);
    const { cells } = world.state;
    const limits = { keys: 1000, cells: 10 };
    for (const [at, expected, [least, most]] of [
      [world.state.revision, 1, [1, 1]],
      [world.state.revision - 1, 2, [10, 99]],
      [revision, 100, [10, 99]],
    ] as const) {
      let request = ALL;
      let found = 0;
      for (let pages = 1; ; pages++) {
        const looked = { cells: 0 };
        const page = readPage(cells, at, request, looked, limits);
        expect(looked.cells).toBeLessThanOrEqual(12);
        found += page.count;
        if (page.resume === null) {
          expect(pages).toBeGreaterThanOrEqual(least);
          expect(pages).toBeLessThanOrEqual(most);
          break;
        }
        request = { ...request, start: page.resume };
      }
      expect(found).toBe(expected);
    }
  });

  test("the versions of a key come in pages, the last of them the one that the oldest revision shows", () => {
    const world = new World();
    for (let i = 0; i < 25; i++) {
      world.put("a", `${i}`);
      world.put("b", "other");
    }
    compact(world.state, 6);
    const limits = { keys: 10, cells: 10 };
    const seen: string[] = [];
    for (let revision = world.state.revision; ;) {
      const request = { history: key("a"), revision, limit: 1e9 };
      const page = readHistory(world.state.cells, revision, request, { cells: 0 }, limits);
      seen.push(...page.versions.map(({ value }) => value));
      if (page.resume === null) break;
      revision = page.resume;
      expect(revision).toBeGreaterThanOrEqual(6);
    }
    // The third value was written at revision 5, and holds at 6.
    expect(seen).toEqual(Array.from({ length: 23 }, (_, i) => `${24 - i}`));
  });
});

describe("a damaged snapshot", () => {
  test("is refused, or means a state in which every revision can be read", () => {
    const world = new World();
    for (let i = 0; i < 12; i++) world.put(NAMES[i % 5]!, `${i}`);
    for (const each of ["a", "c"]) world.delete(each);
    world.put("a", "again");
    compact(world.state, 3);
    const whole = snapshotBytes(world.state.clone());
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(whole);
        changed[at] = changed[at]! ^ by;
        let state: KvState;
        try {
          state = fromSnapshot(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(SnapshotError);
          return;
        }
        const { cells, revision } = state;
        for (let r = cells.history.oldest; r <= revision; r++) readPage(cells, r, ALL);
        state.clone();
      }),
      { numRuns: 2000 },
    );
  });
});

describe("records", () => {
  const before = (revision: number) => ({
    ...{ key: key("k"), value: key("v"), createRevision: 1, modRevision: revision, version: 1 },
    ...{ keyHash: 5, hash: revision },
  });

  test("sums and bounds are those of the records kept", () => {
    const history = new History(1000);
    for (let r = 1001; r <= 3000; r++) history.append(r, before(r - 1), r % 7 === 0);
    const whole = history.bytes;
    history.compactTo(history.oldestWithin(100, Infinity));
    expect(history.oldest).toBe(2900);
    const left = history.bytes;
    expect(left).toBeLessThan(whole / 10);
    history.compactTo(history.oldestWithin(100, Math.floor(left / 2)));
    expect(history.bytes).toBeLessThanOrEqual(left / 2);
    const { oldest } = history;
    expect(history.modBefore(oldest + 1, key("k"))).toBe(oldest);
    history.compactTo(history.oldestWithin(100, 0));
    expect([history.oldest, history.bytes, history.hash]).toEqual([3000, 0, 0]);
    const released: number[] = [];
    while (history.release(300, (_, revision) => released.push(revision)));
    expect(released).toEqual(
      Array.from({ length: 2000 }, (_, i) => 1001 + i).filter((r) => r % 7 === 0),
    );
    history.append(3001, before(3000), false);
    expect(history.modBefore(3001, key("k"))).toBe(3000);
  });

  test("long values are not copied: a transaction may delete many of them at once", () => {
    const value = key("v".repeat(64 * 1024));
    const history = new History();
    const { arrayBuffers } = process.memoryUsage();
    for (let i = 0; i < 512; i++) {
      history.append(1, { ...before(0), key: key(`k${i}`), value }, true);
    }
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(1024 * 1024);
    expect(history.before(1, key("k300")).value).toBe(value);
    expect(history.versionBefore(1, key("k511"))).toBe(1);
    expect(history.keysAt(1)).toHaveLength(512);
    let bytes = 0;
    for (const piece of history.records()) bytes += piece.length;
    expect(bytes).toBeGreaterThan(512 * value.length);
  });

  test("a clone keeps what is let go of after it", () => {
    const history = new History();
    for (let r = 1; r <= 1500; r++) history.append(r, before(r - 1), false);
    const clone = history.clone();
    history.compactTo(1400);
    history.release(1000, () => {});
    for (let r = 1501; r <= 3000; r++) history.append(r, before(r - 1), false);
    for (let r = 1; r <= 1500; r++) expect(clone.before(r, key("k")).value).toBe("v");
    expect([clone.oldest, clone.last]).toEqual([0, 1500]);
    expect(() => history.before(10, key("k"))).toThrow("not kept");
    expect(() => history.before(1400, key("k"))).toThrow("not kept");
    expect(history.before(1401, key("k")).modRevision).toBe(1400);
  });
});

test("settings and compaction in one entry with writes hold from their place on", () => {
  const state = new KvState();
  const session = open(state, 1);
  applyTo(state, {
    session,
    floor: 0,
    commands: [
      [1, { op: "write", key: "a", value: "1" }],
      [2, { op: "write", key: "a", value: "2" }],
      [3, { op: "delete", key: "a" }],
      [4, { op: "casAbsent", key: "a", value: "3" }],
    ],
  });
  const { cells } = state;
  const at = (revision: number) =>
    readAt(key("a"), cells.newest(key("a")), revision, cells.history, { cells: 0 })?.value;
  expect([0, 1, 2, 3, 4].map(at)).toEqual([undefined, "1", "2", undefined, "3"]);
});
