/** A snapshot becomes a state in slices: other work comes in between, and what comes out is all of it or nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../../src/base/assert.ts";
import { KvState } from "../../../src/store/index.ts";
import { DEFAULT_LOAD_PACE, type LoadPace } from "../../../src/server/node/options.ts";
import { SnapshotLoader } from "../../../src/server/node/snapshot-loader.ts";
import type { Clock } from "../../../src/machine/ports/clock.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";
import { SimClock } from "../../../src/proof/simulator/sim-clock.ts";
import { SimDisk } from "../../../src/proof/simulator/sim-disk.ts";
import { SnapshotStore } from "../../../src/storage/snapshot-store.ts";
import { StorageError } from "../../../src/storage/storage-error.ts";
import type { SnapshotName } from "../../../src/protocol/messages/replica-message.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { open, run } from "../../store/helpers.ts";

const VALUE = "v".repeat(100);

function stateOf(keys: number): KvState {
  const state = new KvState();
  const session = open(state, 1);
  for (let i = 0; i < keys; i++) {
    run(state, session, i, { op: "write", key: `key ${i}`, value: VALUE });
  }
  return state;
}

class Machine {
  readonly clock = new SimClock();
  readonly disk = new SimDisk({
    random: seededRandom(1),
    schedule: (ms, callback) => void this.clock.after(ms, callback),
  });
  readonly store = SnapshotStore.open(this.disk, "snapshots", silentLogger);
  readonly loaded: KvState[] = [];
  readonly errors: Error[] = [];

  loader(pace: Partial<LoadPace>, clock: Clock = this.clock): SnapshotLoader {
    return new SnapshotLoader({
      snapshots: this.store,
      placeSeed: { low: 1, high: 2 },
      pace: { ...DEFAULT_LOAD_PACE, ...pace },
      clock,
      logger: silentLogger,
      onLoaded: (state) => this.loaded.push(state),
      onError: (error) => this.errors.push(error),
    });
  }

  write(state: KvState, idx = state.appliedIdx): SnapshotName {
    return this.writeBytes(idx, [...state.clone().encodeSnapshot(1000)]);
  }

  writeBytes(idx: number, pieces: readonly Uint8Array[]): SnapshotName {
    let written: SnapshotName | undefined;
    this.store.write(idx, pieces.values(), (_, name) => (written = name));
    this.clock.run(100);
    return written!;
  }

  file(name: SnapshotName): string {
    const files = this.disk.list("snapshots");
    return `snapshots/${files.find((file) => Number(file.split("-")[0]) === name.idx)}`;
  }

  hashes(): string[] {
    return this.loaded.map((state) => state.hash());
  }
}

const STATE = stateOf(100);

describe("loading a snapshot", () => {
  test("other work comes in between the slices, and the state only when it is complete", () => {
    const machine = new Machine();
    const name = machine.write(STATE);
    machine.loader({ sliceBytes: 500, pauseMs: 0 }).want(name);
    expect(machine.loaded).toEqual([]);
    // As a node's turn and its ticks do, each in an event of its own.
    let others = 0;
    const other = (): void => {
      if (machine.loaded.length > 0) return;
      others += 1;
      machine.clock.after(0, other);
    };
    machine.clock.after(0, other);
    machine.clock.run(1);
    expect(machine.hashes()).toEqual([STATE.hash()]);
    expect(others).toBeGreaterThanOrEqual(name.bytes / 700);
  });

  test("a slice ends when its time is over", () => {
    const machine = new Machine();
    const name = machine.write(stateOf(3000));
    // Each look at the clock takes a millisecond.
    let now = 0;
    let turns = 0;
    const clock: Clock = {
      now: () => (now += 1),
      after: (ms, callback) =>
        machine.clock.after(ms, () => {
          turns += 1;
          const begun = now;
          callback();
          expect(now - begun).toBeLessThanOrEqual(5);
        }),
      endOfTurn: (callback) => machine.clock.endOfTurn(callback),
    };
    machine.loader({ sliceMs: 3 }, clock).want(name);
    machine.clock.run(1);
    expect(machine.loaded.length).toBe(1);
    // 16 KiB a look.
    expect(turns).toBeGreaterThanOrEqual(name.bytes / (3 * 17 * 1024));
  });

  test("whatever the slices are, the state is the same", () => {
    const machine = new Machine();
    const name = machine.write(STATE);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 * name.bytes }), fc.nat(3), (sliceBytes, pauseMs) => {
        machine.loaded.length = 0;
        machine.loader({ sliceBytes, pauseMs }).want(name);
        machine.clock.run(4 * name.bytes);
        expect(machine.hashes()).toEqual([STATE.hash()]);
      }),
    );
  });

  test("asked for the same again it goes on; for another it drops the first; for none it ends", () => {
    const machine = new Machine();
    const newer = stateOf(101);
    const [first, second] = [machine.write(STATE), machine.write(newer)];
    const loader = machine.loader({ sliceBytes: 1000, pauseMs: 1 });
    const stepsToBuildIt = 4;
    const slices = Math.ceil(first.bytes / 900) + stepsToBuildIt;
    loader.want(first);
    for (let ms = 0; ms < slices; ms++) {
      loader.want(first);
      machine.clock.run(1);
    }
    expect(machine.hashes()).toEqual([STATE.hash()]);
    loader.want(first);
    machine.clock.run(3);
    loader.want(second);
    expect(loader.loading).toEqual(second);
    machine.clock.run(100);
    expect(machine.hashes()).toEqual([STATE.hash(), newer.hash()]);
    loader.want(first);
    machine.clock.run(3);
    loader.want(null);
    expect(loader.loading).toBeNull();
    machine.clock.run(100);
    expect(machine.loaded.length).toBe(2);
    expect(machine.clock.pending).toBe(0);
    expect(machine.errors).toEqual([]);
  });
});

describe("a snapshot that cannot be loaded gives an error that names the file, and no state", () => {
  const cases: readonly {
    readonly what: string;
    readonly code: string;
    readonly text: RegExp;
    readonly spoil: (machine: Machine) => SnapshotName;
    readonly later?: (machine: Machine, name: SnapshotName) => void;
  }[] = [
    {
      what: "damaged",
      code: "SNAPSHOT_DAMAGED",
      text: /content hash differs|checksum is wrong/,
      spoil: (machine) => {
        const name = machine.write(STATE);
        machine.disk.corrupt(machine.file(name), name.bytes - 300, (byte) => byte ^ 1);
        return name;
      },
    },
    {
      what: "damaged where only the checksum of the file tells",
      code: "SNAPSHOT_DAMAGED",
      text: /checksum is wrong/,
      spoil: (machine) => {
        const name = machine.write(STATE);
        // The history hash, behind the magic, the version, and index and revision of one byte each.
        machine.disk.corrupt(machine.file(name), 9, (byte) => byte ^ 1);
        return name;
      },
    },
    {
      what: "deleted while it is read",
      code: "SNAPSHOT_DAMAGED",
      text: /missing|cut short/,
      spoil: (machine) => machine.write(stateOf(3000)),
      later: (machine, name) => machine.disk.remove(machine.file(name)),
    },
    {
      what: "of another index than its name says",
      code: "SNAPSHOT_DAMAGED",
      text: /state is that at index 101/,
      spoil: (machine) => machine.write(STATE, 500),
    },
    {
      what: "of another version",
      code: "UNKNOWN_FORMAT",
      text: /version 200; this program reads versions 1 to .*Start this node with the version/,
      spoil: (machine) => {
        const pieces = [...STATE.clone().encodeSnapshot(1 << 20)];
        pieces[0]![4] = 200;
        return machine.writeBytes(STATE.appliedIdx, pieces);
      },
    },
  ];

  test.each(cases)("$what", ({ code, text, spoil, later }) => {
    const machine = new Machine();
    const name = spoil(machine);
    const file = machine.file(name);
    const loader = machine.loader({ sliceBytes: 1000, pauseMs: 1 });
    loader.want(name);
    machine.clock.run(3);
    later?.(machine, name);
    machine.clock.run(1000);
    expect(machine.loaded).toEqual([]);
    expect(machine.errors.length).toBe(1);
    const [error] = machine.errors as [StorageError];
    expect(error).toBeInstanceOf(StorageError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
    expect(error.message).toContain(file);
    expect(loader.loading).toBeNull();
  });

  test("a bug is no damage: it is thrown", () => {
    const machine = new Machine();
    const name = machine.write(STATE);
    machine.disk.read = () => {
      throw new InvariantError("a bug");
    };
    machine.loader({}).want(name);
    expect(() => machine.clock.run(1)).toThrow("a bug");
    expect(machine.errors).toEqual([]);
  });
});
