import { describe, expect, test } from "vitest";
import { CLOCK_STEP_MAX_MS } from "../../src/base/limits.ts";
import {
  buildEntry,
  CommandCursor,
  decodeClock,
  encodeClock,
  GroupWriter,
  NO_SESSION,
  type ClockEntry,
  type KvState,
  type Leases,
} from "../../src/store/index.ts";
import { BALLOT_BOTTOM, type Ballot } from "../../src/omnipaxos/index.ts";
import { Admission } from "../../src/replica/trust/admission.ts";
import {
  CLOCK_STEP_MIN_MS,
  CLOCK_STEP_MS,
  ClusterClock,
} from "../../src/replica/writes/cluster-clock.ts";

const SALT = 7;
const ballot = (n: number): Ballot => ({ ...BALLOT_BOTTOM, n, pid: 1 });

/** A core that takes what it is given, and applies it when it is told to. */
class World {
  readonly entries: ClockEntry[] = [];
  role: "leader" | "follower" = "leader";
  phase: "accept" | "prepare" = "accept";
  promise = ballot(1);
  acceptedIdx = 10;
  contradiction = null;
  appliedIdx = 10;
  leases = { size: 1, hasDue: false, hasWaiting: false, nextEndInMs: Infinity };
  readonly writes: { hostRefusal: unknown } = { hostRefusal: null };
  readonly clock = new ClusterClock(this, this, this.writes, SALT);

  get state(): Pick<KvState, "appliedIdx" | "leases"> {
    // It asks for nothing else.
    const leases = this.leases as unknown as Leases;
    return { appliedIdx: this.appliedIdx, leases };
  }

  append(entry: Uint8Array): void {
    const cursor = new CommandCursor();
    cursor.reset(entry);
    cursor.next();
    const clock = decodeClock(cursor.numbers());
    if (clock !== null) this.entries.push(clock);
    this.acceptedIdx += 1;
  }

  at(...times: number[]): number[] {
    const before = this.entries.length;
    for (const ms of times) this.clock.propose(ms);
    return this.entries.slice(before).map(({ passedMs }) => passedMs);
  }

  apply(): void {
    this.appliedIdx = this.acceptedIdx;
  }
}

describe("the clock of the cluster", () => {
  test("moves by what has passed since this node began to lead, and then since the last entry", () => {
    const world = new World();
    expect(world.at(1000, 1000 + CLOCK_STEP_MS - 1)).toEqual([]);
    expect(world.at(1000 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
    world.apply();
    expect(world.at(1000 + 2 * CLOCK_STEP_MS + 50.5)).toEqual([CLOCK_STEP_MS + 50]);
    world.apply();
    // A renewal that was decided at 1450.25 may be waiting for the entry above: what comes after it is all that counts.
    expect(world.at(1000 + 3 * CLOCK_STEP_MS + 50)).toEqual([]);
    expect(world.at(1000 + 3 * CLOCK_STEP_MS + 51)).toEqual([CLOCK_STEP_MS]);
    expect(world.entries.map(({ round, count }) => [round, count])).toEqual(
      [1, 2, 3].map((count) => [{ n: 1, pid: 1, salt: SALT }, count]),
    );
  });

  test("moves sooner where a lease waits for its time to begin, or comes to its end, and then not too often", () => {
    const world = new World();
    world.at(1000);
    world.leases.hasWaiting = true;
    expect(world.at(1000 + CLOCK_STEP_MIN_MS - 1)).toEqual([]);
    expect(world.at(1000 + CLOCK_STEP_MIN_MS)).toEqual([CLOCK_STEP_MIN_MS]);
    world.apply();
    world.leases = { ...world.leases, hasWaiting: false, nextEndInMs: 120 };
    expect(world.at(1169, 1170)).toEqual([120]);
    world.apply();
    world.leases.nextEndInMs = 3;
    expect(world.at(1170 + CLOCK_STEP_MIN_MS - 1, 1170 + CLOCK_STEP_MIN_MS)).toEqual([50]);
    world.apply();
    world.leases.nextEndInMs = 60_000;
    expect(world.at(1220 + CLOCK_STEP_MS - 1, 1220 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
  });

  test("does not move while what it took over, or its last entry, is not applied", () => {
    const world = new World();
    world.appliedIdx = 9;
    expect(world.at(0, 500, 900)).toEqual([]);
    world.apply();
    expect(world.at(900)).toEqual([900]);
    expect(world.at(1200, 1500)).toEqual([]);
  });

  test("does not move without leases, nor by the time without them", () => {
    const world = new World();
    world.leases.size = 0;
    expect(world.at(0, 5000)).toEqual([]);
    world.leases.size = 1;
    expect(world.at(5000 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
  });

  test("counts anew with each ballot, and not the time before it", () => {
    const world = new World();
    world.at(0, CLOCK_STEP_MS);
    world.apply();
    world.promise = ballot(2);
    expect(world.at(900, 900 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
    expect(world.entries.at(-1)).toMatchObject({ round: { n: 2 }, count: 1 });
    world.apply();
    world.role = "follower";
    expect(world.at(2000)).toEqual([]);
    world.role = "leader";
    world.phase = "prepare";
    expect(world.at(2500)).toEqual([]);
    world.phase = "accept";
    expect(world.at(3000, 3000 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
  });

  test("counts of an interruption no more than a part", () => {
    const world = new World();
    expect(world.at(0, 60_000)).toEqual([CLOCK_STEP_MAX_MS]);
    world.apply();
    expect(world.at(60_000 + CLOCK_STEP_MS)).toEqual([CLOCK_STEP_MS]);
  });

  test("moves at once when more is due than ended, and not while the disk is full", () => {
    const world = new World();
    world.at(0);
    world.leases.hasDue = true;
    expect(world.at(1)).toEqual([1]);
    world.apply();
    world.writes.hostRefusal = "the disk is full";
    expect(world.at(500)).toEqual([]);
  });
});

test("a peer's proposal that moves the clock is refused, and others with it are not", () => {
  const entryWith = (add: (writer: GroupWriter) => void): Uint8Array => {
    const writer = new GroupWriter();
    add(writer);
    return buildEntry({ node: 2, nonce: 9, batch: 1 }, [writer.take(NO_SESSION, 0)]);
  };
  const numbers = encodeClock({ passedMs: 5, round: { n: 1, pid: 1, salt: SALT }, count: 1 });
  const clock = entryWith((writer) => writer.add(0, { kind: "clock", numbers }));
  const noop = entryWith((writer) => writer.add(0, { kind: "noop" }));
  const admitted = new Admission().admit(
    { type: "proposalForward", entries: [clock, noop] },
    ballot(1),
  );
  expect(admitted.message).toEqual({ type: "proposalForward", entries: [noop] });
  expect(admitted.refused).toMatch(/only a leader moves/);
});
