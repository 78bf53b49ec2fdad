/**
 * Goal: whatever the moment and the manner of a crash, what recovery finds is a state the node went through, no older than
 * what was last reported durable. Method: a random schedule of groups runs on a simulated disk that is crashed before its
 * k-th operation, for every k, by power or process, with bytes torn by dice; then it goes on, several times over. After one
 * crash in three the last batches are damaged: then the log is refused, or holds all the same what was reported durable (after
 * a loss of power: within the last second at the latest).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DurableState } from "../../src/omnipaxos/index.ts";
import {
  advance,
  INITIAL_SCALARS,
  type LogScalars,
  type LogWrite,
} from "../../src/storage/log-scalars.ts";
import { FILE_HEADER_BYTES, readFrame } from "../../src/storage/frame.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import type { SnapshotName } from "../../src/protocol/messages/replica-message.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { append, compact, decided, group, promise, texts, World, type Group } from "./world.ts";

/** What the node believes, and every state it went through. Written without looking at the replay under test. */
class Model {
  scalars: LogScalars = INITIAL_SCALARS;
  /** By absolute index; what lies below the compacted index is not compared. */
  log: string[] = [];
  readonly states = new Map<number, string>([[0, this.text()]]);

  apply({ seq, writes }: Group): void {
    for (const write of writes) {
      if (write.kind === "append") {
        this.log = [...this.log.slice(0, write.fromIdx), ...texts(write.entries)];
      } else if (write.kind === "compact") {
        while (this.log.length < write.idx) this.log.push("below a snapshot");
      }
      this.scalars = advance(this.scalars, write);
    }
    this.states.set(seq, this.text());
  }

  text(): string {
    const { promise: p, decidedIdx, compactedIdx, snapshot } = this.scalars;
    const log = this.log.slice(compactedIdx);
    return JSON.stringify([p.n, decidedIdx, compactedIdx, snapshot?.idx ?? null, log]);
  }
}

function stateText(state: DurableState<Uint8Array, SnapshotName> | undefined): string {
  if (state === undefined) return new Model().text();
  const { promise: p, decidedIdx, compactedIdx, snapshot, entries } = state;
  return JSON.stringify([p.n, decidedIdx, compactedIdx, snapshot?.idx ?? null, texts(entries)]);
}

type Dice = (bound: number) => number;

/** One group that keeps the core's invariants: nothing decided is overwritten or compacted too far. */
function drawGroup(seq: number, model: Model, dice: Dice): Group {
  const { compactedIdx, decidedIdx, endIdx, promise: held } = model.scalars;
  const writes: LogWrite[] = [];
  if (dice(5) === 0) writes.push(promise(held.n + 1));
  if (dice(4) !== 0) {
    const from = dice(4) === 0 ? decidedIdx + dice(endIdx - decidedIdx + 1) : endIdx;
    const fill = "#".repeat(dice(6) === 0 ? 700 : dice(60));
    writes.push(append(from, ...Array.from({ length: dice(4) }, (_, i) => `${seq}.${i}${fill}`)));
  }
  const end = writes.reduce((idx, write) => {
    return write.kind === "append" ? write.fromIdx + write.entries.length : idx;
  }, endIdx);
  const nowDecided = decidedIdx + dice(end - decidedIdx + 1);
  if (nowDecided > decidedIdx) writes.push(decided(nowDecided));
  if (dice(6) === 0 && nowDecided > 0) {
    const idx = compactedIdx + dice(nowDecided - compactedIdx + 1);
    const atLeast = Math.max(idx, model.scalars.snapshot?.idx ?? 0);
    writes.push(compact(idx, atLeast + dice(nowDecided - atLeast + 1)));
  }
  if (dice(25) === 0) {
    const jump = Math.max(end, nowDecided) + 1 + dice(10);
    writes.push(compact(jump, jump), decided(jump));
  }
  return group(seq, ...(writes.length === 0 ? [promise(held.n + 1)] : writes));
}

class Stop extends Error {}

/** Damages one of the last batches of the newest segment. @returns false when there is none */
function damageEnd({ disk }: World, dice: Dice): boolean {
  let newest: { path: string; segment: number } | null = null;
  for (const name of disk.list("log").filter((each) => each.endsWith(".log"))) {
    const path = `log/${name}`;
    const first = readFrame(disk.read(path, 0, disk.size(path)), FILE_HEADER_BYTES);
    if (first === null || first.segment <= (newest?.segment ?? 0)) continue;
    newest = { path, segment: first.segment };
  }
  if (newest === null) return false;
  const { path, segment } = newest;
  const bytes = disk.read(path, 0, disk.size(path));
  const ends = [FILE_HEADER_BYTES];
  for (;;) {
    const frame = readFrame(bytes, ends.at(-1)!);
    if (frame?.segment !== segment) break;
    ends.push(frame.bodyEnd);
  }
  const last = ends.length - 1;
  const victim = Math.max(1, last - dice(3));
  const from = victim === 1 && dice(2) === 0 ? 0 : ends[victim - 1]!;
  const to = ends[victim]!;
  const within = from + dice(to - from);
  switch (dice(4)) {
    case 0:
      bytes[within]! ^= 1 << dice(8);
      break;
    case 1:
      bytes.fill(0, within, ends[last]);
      break;
    case 2:
      bytes.fill(0xa5, within, ends[last]);
      break;
    default:
      disk.replace(path, bytes.subarray(0, within));
      return true;
  }
  disk.replace(path, bytes);
  return true;
}

/** Opens a damaged copy of what is on the disk. */
function checkDamaged(world: World, model: Model, shielded: number, dice: Dice): boolean {
  const names = world.disk.list("log");
  const before = names.map((name) => {
    const path = `log/${name}`;
    return { path, bytes: world.disk.read(path, 0, world.disk.size(path)) };
  });
  if (!damageEnd(world, dice)) return false;
  try {
    const found = stateText(world.open().recovered);
    const at = [...model.states].filter(([, text]) => text === found).map(([seq]) => seq);
    expect(Math.max(...at), "damage took what was reported").toBeGreaterThanOrEqual(shielded);
    return false;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    // A changed byte may be that of the version.
    expect(["LOG_DAMAGED", "UNKNOWN_FORMAT"]).toContain(error.code);
    return true;
  } finally {
    world.crash("process");
    for (const name of world.disk.list("log")) {
      if (!names.includes(name)) world.disk.remove(`log/${name}`);
    }
    for (const { path, bytes } of before) world.disk.replace(path, bytes);
  }
}

interface Run {
  readonly seed: number;
  readonly segmentBytes: number;
  /** Crash before the disk operation with this number, again and again. */
  readonly crashEvery: number;
  readonly groups: number;
}

interface Outcome {
  readonly crashes: number;
  /** How often damage to the end was noticed. */
  readonly noticed: number;
}

function crashRun({ seed, segmentBytes, crashEvery, groups }: Run): Outcome {
  const random = seededRandom(seed);
  const dice: Dice = (bound) => random.uint32() % bound;
  let operations = 0;
  let stopped = false;
  let armed = true;
  let crashes = 0;
  let noticed = 0;
  /** What may not be lost by damage after the process died, and after a loss of power. */
  let noted = 0;
  let kept = 0;
  const world = new World(segmentBytes, seed, (name) => {
    if (!armed) return;
    operations += 1;
    stopped ||= crashes < 100 && operations % crashEvery === 0;
    // Whatever the process still tries on its way out does not reach the disk.
    if (stopped) throw new Stop();
    if (name === "note") noted = world.durable.at(-1) ?? 0;
  });
  world.disk.syncMs = 1;
  world.disk.jitter = dice(2) * 8;
  let model = new Model();
  let reported = 0;
  for (let total = 0, completed = false; !completed;) {
    try {
      const { storage, recovered } = world.open();
      model = checkRecovered(model, reported, recovered);
      reported = 0;
      noted = 0;
      kept = 0;
      world.durable.length = 0;
      let staged = 0;
      for (; total < groups; total++) {
        if (stopped) break;
        staged += 1;
        const next = drawGroup(staged, model, dice);
        model.apply(next);
        storage.stage([next]);
        storage.flush();
        if (dice(3) === 0) world.clock.run(dice(4));
        if (dice(30) === 0) {
          world.clock.run(1500);
          kept = world.durable.at(-1) ?? 0;
        }
      }
      world.settle();
      if (!stopped) {
        expect(world.durable.at(-1) ?? 0).toBe(staged);
        completed = true;
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    reported = Math.max(reported, world.durable.at(-1) ?? 0);
    if (stopped) {
      crashes += 1;
      stopped = false;
      // The dice of the disk are its own; these are not drawn while an operation is under way.
      operations += dice(3);
      const kind = dice(2) === 0 ? "power" : "process";
      if (kind === "power") noted = kept;
      world.crash(kind);
      armed = false;
      if (dice(3) === 0 && checkDamaged(world, model, noted, dice)) noticed += 1;
      armed = true;
    }
  }
  armed = false;
  world.crash("power");
  expect(stateText(world.open().recovered)).toBe(model.text());
  return { crashes, noticed };
}

/** @returns the model of the node that goes on from here */
function checkRecovered(
  model: Model,
  reported: number,
  recovered: DurableState<Uint8Array, SnapshotName> | undefined,
): Model {
  const found = stateText(recovered);
  const at = [...model.states].filter(([, text]) => text === found).map(([seq]) => seq);
  expect(at.length, `a state the node never was in: ${found}`).toBeGreaterThan(0);
  expect(Math.max(...at), "something reported durable is gone").toBeGreaterThanOrEqual(reported);
  return rebuilt(found, recovered);
}

/** The model of a node that has just recovered. */
function rebuilt(found: string, state: DurableState<Uint8Array, SnapshotName> | undefined): Model {
  const model = new Model();
  if (state === undefined) return model;
  model.log = [
    ...Array.from({ length: state.compactedIdx }, () => "compacted"),
    ...texts(state.entries),
  ];
  model.scalars = {
    ...state,
    snapshot: state.snapshot?.value ?? null,
    endIdx: model.log.length,
  };
  expect(model.text()).toBe(found);
  model.states.clear();
  model.states.set(0, found);
  return model;
}

test("a crash before every single operation, in small segments", () => {
  let crashes = 0;
  let noticed = 0;
  for (let crashEvery = 2; crashEvery <= 60; crashEvery++) {
    for (const segmentBytes of [512, 2048]) {
      const seed = crashEvery * 7919 + segmentBytes;
      const outcome = crashRun({ seed, segmentBytes, crashEvery, groups: 60 });
      crashes += outcome.crashes;
      noticed += outcome.noticed;
    }
  }
  expect(crashes).toBeGreaterThan(300);
  expect(noticed).toBeGreaterThan(50);
});

test("any schedule, any crash", () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.nat(2 ** 31),
        segmentBytes: fc.constantFrom(512, 1024, 4096, 65536),
        crashEvery: fc.integer({ min: 3, max: 200 }),
        groups: fc.integer({ min: 1, max: 150 }),
      }),
      (run) => {
        expect(crashRun(run).crashes).toBeLessThanOrEqual(100);
      },
    ),
    { numRuns: 200 },
  );
});
