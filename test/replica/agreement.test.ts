/** Who is told to be wrong when nodes differ in their states, in any order of things. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Agreement, type Verdict } from "../../src/replica/trust/agreement.ts";
import {
  HashHistory,
  RECENT,
  SPACING,
  type HashedState,
} from "../../src/replica/trust/hash-history.ts";
import {
  STATE_CHECKPOINTS_MAX,
  type StateCheckpoint,
} from "../../src/protocol/messages/replica-message.ts";

/** Of the state for [0, idx) on nodes that went another way at the entry before `from`; nobody did for flavour 0. */
function checkpointOf(idx: number, from: number, flavour: number): StateCheckpoint {
  const way = idx >= from ? flavour : 0;
  const kept = { oldest: idx >> 3, hash: Math.imul(idx, 31) >>> 0 };
  return { idx, content: Math.imul(idx, 0x9e3779b1) >>> 0, history: (idx * 7 + way) >>> 0, kept };
}

/** A node whose state is another one from index `from` on; all with the same flavour share it. */
interface Bend {
  readonly from: number;
  readonly flavour: number;
}

const SOUND: Bend = { from: 0, flavour: 0 };

class Group {
  readonly nodes: readonly Agreement[];
  readonly applied: number[];
  readonly #bends: readonly Bend[];

  constructor(bends: readonly Bend[]) {
    this.#bends = bends;
    this.nodes = bends.map((_, i) => {
      const peers = bends.map((__, j) => j + 1).filter((id) => id !== i + 1);
      return new Agreement({ peers, life: 100 + i, everyTicks: 10 });
    });
    this.applied = bends.map(() => 0);
    this.nodes.forEach((_, i) => this.begin(i, 0));
  }

  begin(i: number, idx: number): void {
    this.applied[i] = idx;
    this.nodes[i]!.begin(idx, stateOf(this.#at(i, idx)));
  }

  apply(i: number, entries: number): void {
    const node = this.nodes[i]!;
    for (let k = 0; k < entries; k++) {
      const idx = ++this.applied[i]!;
      node.applied(idx, stateOf(this.#at(i, idx)));
    }
  }

  tell(i: number, j: number, full: boolean): void {
    if (i === j) return;
    this.nodes[j]!.receive(i + 1, this.nodes[i]!.announcement(full));
  }

  tellAll(): void {
    this.nodes.forEach((_, i) => this.nodes.forEach((__, j) => this.tell(i, j, false)));
  }

  verdicts(): readonly Verdict["kind"][] {
    return this.nodes.map(({ verdict }) => verdict.kind);
  }

  #at(i: number, idx: number): StateCheckpoint {
    const { from, flavour } = this.#bends[i]!;
    return checkpointOf(idx, from, flavour);
  }
}

type Step =
  | { readonly kind: "apply"; readonly node: number; readonly entries: number }
  | { readonly kind: "tell"; readonly from: number; readonly to: number; readonly full: boolean };

const LONG = 12_000;
const at = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("apply" as const),
    node: at,
    entries: fc.oneof(fc.nat(5), fc.nat(500), fc.nat(6000)),
  }),
  fc.record({ kind: fc.constant("tell" as const), from: at, to: at, full: fc.boolean() }),
);
const steps = fc.array(step, { maxLength: 60 });
const from = fc.integer({ min: 1, max: LONG });

/** Carries out the steps, then brings all nodes level, and lets each tell the others twice. */
function play(bends: readonly Bend[], all: readonly Step[], check: (group: Group) => void): Group {
  const group = new Group(bends);
  const size = bends.length;
  for (const each of all) {
    if (each.kind === "apply") {
      const node = each.node % size;
      group.apply(node, Math.min(each.entries, LONG - group.applied[node]!));
    } else {
      group.tell(each.from % size, each.to % size, each.full);
    }
    check(group);
  }
  group.nodes.forEach((_, i) => group.apply(i, LONG - group.applied[i]!));
  group.tellAll();
  group.tellAll();
  check(group);
  return group;
}

describe("nodes that differ", () => {
  test("are never said to when none does", () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 3, 5), steps, (size, all) => {
        play(
          Array.from({ length: size }, () => SOUND),
          all,
          ({ nodes }) => {
            for (const { verdict, alarms } of nodes) {
              expect(verdict.kind).toBe("agrees");
              expect(alarms).toEqual([]);
            }
          },
        );
      }),
      { numRuns: 60 },
    );
  });

  test("are outvoted by the rest, which goes on, whatever the order and the lags", () => {
    const bends = fc.oneof(
      fc.tuple(from).map(([a]): Bend[] => [SOUND, { from: a, flavour: 1 }, SOUND]),
      fc.tuple(from).map(([a]): Bend[] => [SOUND, SOUND, { from: a, flavour: 1 }, SOUND, SOUND]),
      fc
        .tuple(from, from, fc.constantFrom(1, 2))
        .map(([a, b, flavour]): Bend[] => [
          { from: a, flavour: 1 },
          ...[SOUND, SOUND, SOUND],
          { from: b, flavour },
        ]),
    );
    fc.assert(
      fc.property(bends, steps, (those, all) => {
        const isSound = those.map(({ flavour }) => flavour === 0);
        const bent = those.flatMap(({ flavour }, i) => (flavour === 0 ? [] : [i + 1]));
        const { nodes } = play(those, all, (group) => {
          group.verdicts().forEach((kind, i) => {
            if (isSound[i] === true) expect(kind).not.toBe("outvoted");
            else expect(kind).not.toBe("prevails");
          });
          for (const [i, { alarms }] of group.nodes.entries()) {
            for (const { peer, agreedIdx, differsIdx } of alarms) {
              if (isSound[i] === true) expect(bent).toContain(peer);
              const lowest = Math.min(...[i, peer - 1].map((n) => those[n]!.from || LONG));
              expect(differsIdx).toBeGreaterThanOrEqual(lowest);
              // Two that went the same way, one after the other, are the same again from the second on.
              if (isSound[i] === true) expect(agreedIdx ?? 0).toBeLessThan(those[peer - 1]!.from);
            }
          }
        });
        nodes.forEach(({ verdict, alarms }, i) => {
          expect(verdict.kind).toBe(isSound[i] === true ? "prevails" : "outvoted");
          if (isSound[i] === true) expect(alarms.map(({ peer }) => peer)).toEqual(bent);
        });
      }),
      { numRuns: 80 },
    );
  });

  test("without a majority on any side refuse until a third one decides it", () => {
    const group = new Group([SOUND, { from: 50, flavour: 1 }, SOUND]);
    group.apply(0, 70);
    group.apply(1, 70);
    group.apply(2, 40);
    group.tell(0, 1, false);
    group.tell(1, 0, false);
    expect(group.verdicts()).toEqual(["undecided", "undecided", "agrees"]);
    expect(group.nodes[0]!.alarms[0]).toMatchObject({ peer: 2, differsIdx: 64 });
    // What it says before it comes by the difference decides nothing.
    group.tell(2, 0, false);
    group.tell(2, 1, false);
    expect(group.verdicts().slice(0, 2)).toEqual(["undecided", "undecided"]);
    group.apply(2, 30);
    group.tellAll();
    expect(group.verdicts()).toEqual(["prevails", "outvoted", "prevails"]);
    expect(group.nodes[1]!.verdict).toMatchObject({ by: [1, 3], agreedIdx: 40, differsIdx: 64 });
  });

  test("are noticed by one that is behind as soon as it gets there", () => {
    const group = new Group([SOUND, { from: 50, flavour: 1 }, SOUND]);
    group.apply(1, 70);
    group.apply(2, 70);
    group.tell(1, 0, false);
    group.tell(2, 0, false);
    group.apply(0, 63);
    expect(group.verdicts()[0]).toBe("agrees");
    group.apply(0, 1);
    expect(group.verdicts()[0]).toBe("prevails");
    expect(group.nodes[0]!.alarms).toMatchObject([{ peer: 2, differsIdx: 64 }]);
  });

  test("two against two, or all from each other, refuse all", () => {
    const other = { from: 5, flavour: 1 };
    for (const bends of [
      [SOUND, other, other, SOUND],
      [SOUND, other],
      [SOUND, other, { from: 5, flavour: 2 }],
    ]) {
      const group = new Group(bends);
      bends.forEach((_, i) => group.apply(i, 100));
      group.tellAll();
      group.tellAll();
      expect(new Set(group.verdicts())).toEqual(new Set(["undecided"]));
    }
  });

  test("of five are not stopped by two that agree: the others may be with them", () => {
    const other = { from: 5, flavour: 1 };
    const group = new Group([SOUND, SOUND, SOUND, other, other]);
    group.nodes.forEach((_, i) => group.apply(i, 100));
    for (const bad of [3, 4]) group.tell(bad, 0, false);
    expect(group.nodes[0]!.verdict.kind).toBe("undecided");
    for (const good of [1, 2]) group.tell(good, 0, false);
    expect(group.nodes[0]!.verdict.kind).toBe("prevails");
  });
});

describe("an alarm", () => {
  const bent = (): Group => {
    const group = new Group([SOUND, SOUND, { from: 50, flavour: 1 }]);
    group.nodes.forEach((_, i) => group.apply(i, 100));
    group.tellAll();
    return group;
  };
  const says = (group: Group, life: number, idx: number): void =>
    group.nodes[0]!.receive(3, { life, checkpoints: [checkpointOf(idx, 0, 0)] });

  test("is not ended by what looks alike again in the same life", () => {
    const group = bent();
    says(group, 102, 90);
    expect(group.nodes[0]!.alarms).toMatchObject([{ peer: 3, differsIdx: 64 }]);
  });

  test("is ended by another life, once it is the same where it was not, or later", () => {
    const group = bent();
    says(group, 555, 30);
    expect(group.nodes[0]!.alarms).toHaveLength(1);
    says(group, 555, 64);
    expect(group.nodes[0]!.alarms).toEqual([]);
    expect(group.nodes[0]!.verdict.kind).toBe("agrees");
  });

  test("lasts, and is no news for who serves, when the peer comes back as wrong as it was", () => {
    const group = bent();
    group.nodes[0]!.takeNews();
    group.nodes[0]!.receive(3, { life: 555, checkpoints: [checkpointOf(80, 50, 1)] });
    expect(group.nodes[0]!.alarms).toMatchObject([{ peer: 3, differsIdx: 80 }]);
    expect(group.nodes[0]!.verdict.kind).toBe("prevails");
    expect(group.nodes[0]!.takeNews()).toBe(true);
  });

  test("is ended by a snapshot that takes the place of the own state", () => {
    const group = new Group([SOUND, { from: 50, flavour: 1 }]);
    group.nodes.forEach((_, i) => group.apply(i, 100));
    group.tellAll();
    expect(group.verdicts()).toEqual(["undecided", "undecided"]);
    group.nodes[1]!.begin(120, stateAt(120));
    expect(group.verdicts()[1]).toBe("undecided");
    group.apply(0, 20);
    group.tellAll();
    group.tellAll();
    expect(group.verdicts()).toEqual(["agrees", "agrees"]);
  });

  test("becomes narrower with what is heard of indexes between", () => {
    const group = bent();
    group.tell(2, 0, true);
    expect(group.nodes[0]!.alarms).toMatchObject([{ agreedIdx: 36, differsIdx: 64 }]);
  });
});

describe("the versions that are kept", () => {
  const said = checkpointOf(1, 0, 0);
  /** Node 1 of three, as far as index 1; then what the others say of it. */
  function heard(...others: StateCheckpoint["kept"][]): Agreement {
    const node = new Agreement({ peers: [2, 3], life: 1, everyTicks: 10 });
    node.begin(0, stateAt(0));
    node.applied(1, stateAt(1));
    others.forEach((kept, i) => node.receive(2 + i, { life: 7, checkpoints: [{ ...said, kept }] }));
    return node;
  }

  test("of states that go back equally far are the same, or one of them is wrong", () => {
    expect(heard(said.kept, said.kept).verdict).toEqual({ kind: "agrees" });
    const other = { oldest: 0, hash: 1 };
    expect(heard(other).verdict).toEqual({ kind: "undecided" });
    expect(heard(other, said.kept).verdict).toEqual({ kind: "prevails" });
    expect(heard(other, other).verdict).toMatchObject({ kind: "outvoted", by: [2, 3] });
  });

  test("of a state that goes back less far say nothing: not that it is wrong, nor who is right", () => {
    const less = { oldest: 1, hash: 1 };
    expect(heard(less, less).verdict).toEqual({ kind: "agrees" });
    expect(heard({ oldest: 0, hash: 1 }, less).verdict).toEqual({ kind: "undecided" });
  });

  test("are not asked of a node of the version before", () => {
    expect(heard({ oldest: 0, hash: 1 }, null).verdict).toEqual({ kind: "prevails" });
  });
});

function stateOf({ content, history, kept }: StateCheckpoint): HashedState {
  return { contentHash: content, historyHash: history, kept: kept ?? { oldest: 0, hash: 0 } };
}

function stateAt(idx: number): HashedState {
  return stateOf(checkpointOf(idx, 0, 0));
}

describe("what is said", () => {
  test("fits a message, is in order, and is true", () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(20_000), (start, more) => {
        const node = new Agreement({ peers: [2], life: 1, everyTicks: 10 });
        node.begin(start, stateAt(start));
        for (let idx = start + 1; idx <= start + more; idx++) node.applied(idx, stateAt(idx));
        const { checkpoints } = node.announcement(true);
        expect(checkpoints.length).toBeLessThanOrEqual(STATE_CHECKPOINTS_MAX);
        expect(checkpoints.at(-1)?.idx).toBe(start + more);
        const indexes = checkpoints.map(({ idx }) => idx);
        expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
        for (const each of checkpoints) expect(each).toEqual(checkpointOf(each.idx, 0, 0));
      }),
      { numRuns: 50 },
    );
  });

  test("is soon compared, however much a peer says", () => {
    const node = new Agreement({ peers: [2], life: 1, everyTicks: 10 });
    node.begin(0, stateAt(0));
    for (let i = 0; i < 10_000; i++) {
      node.receive(2, { life: 7, checkpoints: [checkpointOf((i * 7919) % 100_000, 1, 3)] });
      node.receive(9, { life: 7, checkpoints: [checkpointOf(5, 1, 3)] });
    }
    const started = performance.now();
    for (let idx = 1; idx <= 100_000; idx++) node.applied(idx, stateAt(idx));
    expect(performance.now() - started).toBeLessThan(1000);
    expect(node.alarms).toMatchObject([{ peer: 2, agreedIdx: 0 }]);
  });
});

test("hashes are known of the last few thousand indexes, and of some before", () => {
  const history = new HashHistory();
  history.begin(100, stateAt(100));
  const last = 3 * RECENT + 17;
  for (let idx = 101; idx <= last; idx++) history.put(idx, stateAt(idx));
  for (let idx = 0; idx <= last + 300; idx++) {
    const isKnown = idx >= 100 && idx <= last && (idx > last - RECENT || idx % SPACING === 0);
    expect(history.at(idx)).toEqual(isKnown ? checkpointOf(idx, 0, 0) : undefined);
  }
  // Far beyond 32 bits.
  const far = 2 ** 45 - (2 ** 45 % SPACING);
  history.begin(far, stateAt(far));
  for (let idx = far + 1; idx <= far + 5000; idx++) history.put(idx, stateAt(idx));
  for (const idx of [far, far + SPACING, far + 4999]) {
    expect(history.at(idx)).toEqual(checkpointOf(idx, 0, 0));
  }
  expect(history.has(far + 1)).toBe(false);
  history.begin(5000, stateAt(5000));
  expect(history.has(4864)).toBe(false);
  expect(history.has(5000)).toBe(true);
});
