/**
 * Goal: what was kept is found again or something newer, whatever the moment and the manner of a crash. Method: keep, keepNow
 * and note are called by dice on the simulated disk, which is crashed by dice.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlotFile } from "../../src/storage/slot-file.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { World } from "./world.ts";

const SLOT_BYTES = 64;
const damaged = (what: string): Error => new Error(what);
const open = ({ disk }: World): SlotFile => SlotFile.open(disk, "f", SLOT_BYTES, damaged);
const payload = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8, 1, 2, 3);

function read({ disk }: World): number {
  const bytes = SlotFile.read(disk, "f", SLOT_BYTES, damaged);
  expect([...bytes.subarray(2)]).toEqual([1, 2, 3]);
  return bytes[0]! + bytes[1]! * 256;
}

function made(seed = 1, onOperation?: (name: string, path: string) => void): World {
  const world = new World(1024, seed, onOperation);
  SlotFile.create(world.disk, "f", SLOT_BYTES, payload(0));
  return world;
}

describe("a slot file", () => {
  test("each way of writing is read back; a later one of any kind wins", () => {
    const world = made();
    const file = open(world);
    expect(read(world)).toBe(0);
    file.keepNow(payload(1));
    expect(read(world)).toBe(1);
    expect(file.note(payload(2))).toBeNull();
    expect(read(world)).toBe(2);
    file.keep(payload(3), () => {});
    world.settle();
    expect(read(world)).toBe(3);
    file.keepNow(payload(4));
    expect(read(world)).toBe(4);
  });

  test("what is handed over while a write is under way: the newest of it is written", () => {
    const world = made();
    const file = open(world);
    const done: number[] = [];
    for (const value of [1, 2, 3, 4]) file.keep(payload(value), () => done.push(value));
    // Older than the note, although it is written later.
    file.note(payload(5));
    let writes = 0;
    world.clock.runUntil(() => {
      writes = done.length;
      return writes > 0;
    }, 1000);
    expect(done).toEqual([1]);
    world.settle();
    expect(done).toEqual([1, 2, 3, 4]);
    expect(read(world)).toBe(5);
  });

  test("close comes after what is to be kept", () => {
    const world = made();
    const file = open(world);
    const order: string[] = [];
    file.keep(payload(1), () => order.push("first"));
    file.keep(payload(2), () => order.push("second"));
    file.close(() => order.push("closed"));
    world.settle();
    expect(order).toEqual(["first", "second", "closed"]);
    world.crash();
    expect(read(world)).toBe(2);
  });

  test("it takes no room once it is there", () => {
    const world = made();
    world.disk.capacityBytes = 0;
    const file = open(world);
    file.keepNow(payload(1));
    expect(file.note(payload(2))).toBeNull();
    const errors: unknown[] = [];
    file.keep(payload(3), (error) => errors.push(error));
    world.settle();
    expect(errors).toEqual([null]);
    expect(read(world)).toBe(3);
  });

  test("a failed write is told to all who wait for it", () => {
    const world = made();
    const file = open(world);
    world.disk.failSyncs = 1;
    const errors: (string | undefined)[] = [];
    file.keep(payload(1), (error) => errors.push(error?.message));
    world.settle();
    expect(errors).toEqual(["input/output error (simulated)"]);
  });

  test("both slots of a pair damaged: the file is", () => {
    for (const pair of [
      [0, 1],
      [2, 3],
    ]) {
      const world = made();
      const file = open(world);
      file.keepNow(payload(1));
      file.note(payload(2));
      for (const slot of pair) world.disk.corrupt("f", slot * SLOT_BYTES + 4, (byte) => byte ^ 1);
      expect(() => read(world)).toThrow("checksums");
    }
    const world = made();
    world.disk.replace("f", world.disk.read("f", 0, 4 * SLOT_BYTES));
    expect(() => read(world)).toThrow("bytes");
    world.disk.remove("f");
    expect(() => read(world)).toThrow("missing");
  });

  test("a slot that was read is durable before the other one of its pair is written", () => {
    class Stop extends Error {}
    for (let seed = 0; seed < 50; seed++) {
      let armed = false;
      const world = made(seed, (name) => {
        if (armed && name === "syncNow") throw new Stop();
      });
      open(world).keepNow(payload(1));
      const file = open(world);
      armed = true;
      expect(() => file.keepNow(payload(2))).toThrow(Stop);
      world.crash("process");
      armed = false;
      const again = open(world);
      armed = true;
      expect(() => again.keepNow(payload(3))).toThrow(Stop);
      world.crash("power");
      expect(read(world)).toBeGreaterThanOrEqual(1);
    }
  });

  test("any calls, any crash: nothing older than what was kept, nothing that never was", () => {
    class Stop extends Error {}
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 2, max: 40 }), (seed, crashEvery) => {
        const random = seededRandom(seed);
        const dice = (bound: number): number => random.uint32() % bound;
        let operations = 0;
        let armed = false;
        const world = made(seed, () => {
          if (armed && ++operations % crashEvery === 0) throw new Stop();
        });
        world.disk.syncMs = 1;
        let last = 0;
        let durable = 0;
        let noted = 0;
        for (let life = 0; life < 6; life++) {
          armed = true;
          try {
            const file = open(world);
            for (let i = 0; i < 30; i++) {
              const value = ++last;
              const way = dice(4);
              if (way === 0) {
                file.keepNow(payload(value));
                durable = noted = value;
              } else if (way === 1) {
                file.keep(payload(value), (error) => {
                  expect(error).toBeNull();
                  durable = Math.max(durable, value);
                  noted = Math.max(noted, value);
                });
              } else {
                file.note(payload(value));
                noted = value;
              }
              world.clock.run(dice(3));
            }
          } catch (error) {
            if (!(error instanceof Stop)) throw error;
          }
          armed = false;
          const kind = dice(2) === 0 ? "power" : "process";
          world.crash(kind);
          const found = read(world);
          expect(found).toBeLessThanOrEqual(last);
          expect(found).toBeGreaterThanOrEqual(kind === "power" ? durable : noted);
          // As its users do: what is read is made durable before it is relied on.
          open(world).keepNow(payload(found));
          durable = noted = last = found;
        }
      }),
      { numRuns: 300 },
    );
  });
});
