/** What every Disk promises (src/machine/ports/disk.ts) as far as it can be seen without a crash. Real and simulated disk alike. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Disk, DiskCallback } from "../../src/machine/ports/disk.ts";

export interface DiskWorld {
  readonly disk: Disk;
  /** Resolves when the condition holds; rejects when it does not within a reasonable time. */
  until(condition: () => boolean): Promise<void>;
  close(): void;
}

export function diskSuite(name: string, makeWorld: () => DiskWorld): void {
  describe(`disk: ${name}`, () => {
    let world: DiskWorld;
    let disk: Disk;
    beforeEach(() => {
      world = makeWorld();
      disk = world.disk;
      disk.makeDirectory("d");
    });
    afterEach(() => world.close());

    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
    const content = (path: string): number[] => [...disk.read(path, 0, disk.size(path))];

    /** Waits for one call, and fails when it calls back from within. */
    async function call(body: (done: DiskCallback) => void): Promise<void> {
      let result: Error | null | undefined;
      let inside = true;
      body((error) => {
        expect(inside, "called back from within the call").toBe(false);
        expect(result, "called back twice").toBeUndefined();
        result = error;
      });
      inside = false;
      await world.until(() => result !== undefined);
      if (result instanceof Error) throw result;
    }

    test("a file is created by open and keeps what is written", async () => {
      expect(disk.exists("d/f")).toBe(false);
      const file = disk.open("d/f");
      expect(disk.exists("d/f")).toBe(true);
      expect(disk.size("d/f")).toBe(0);
      await call((done) => file.write(0, bytes(1, 2, 3), done));
      await call((done) => file.writeDurably(3, bytes(4, 5), done));
      await call((done) => file.write(1, bytes(9), done));
      await call((done) => file.sync(done));
      expect(content("d/f")).toEqual([1, 9, 3, 4, 5]);
      await call((done) => file.close(done));
      expect(content("d/f")).toEqual([1, 9, 3, 4, 5]);
    });

    test("calls on one file are carried out in order", async () => {
      const file = disk.open("d/f");
      const order: number[] = [];
      const mark =
        (i: number): DiskCallback =>
        (error) => {
          expect(error).toBeNull();
          order.push(i);
        };
      for (let i = 0; i < 50; i++) {
        if (i % 3 === 0) file.writeDurably(0, bytes(i, i), mark(i));
        else file.write(0, bytes(i), mark(i));
      }
      file.sync(mark(50));
      file.close(mark(51));
      await world.until(() => order.length === 52);
      expect(order).toEqual(Array.from({ length: 52 }, (_, i) => i));
      expect(content("d/f")).toEqual([49, 48]);
    });

    test("a note is there when the call returns, whatever else is under way", async () => {
      const file = disk.open("d/f");
      await call((done) => file.writeDurably(0, bytes(1, 2, 3, 4), done));
      const order: string[] = [];
      file.writeDurably(0, bytes(9), () => order.push("written"));
      expect(file.note(2, bytes(7, 8))).toBeNull();
      expect(content("d/f").slice(2)).toEqual([7, 8]);
      expect(order).toEqual([]);
      await world.until(() => order.length === 1);
      expect(content("d/f")).toEqual([9, 2, 7, 8]);
      await call((done) => file.close(done));
      expect(content("d/f")).toEqual([9, 2, 7, 8]);
    });

    test("a gap reads as zeros, and truncate cuts and extends", async () => {
      const file = disk.open("d/f");
      await call((done) => file.write(4, bytes(7), done));
      expect(content("d/f")).toEqual([0, 0, 0, 0, 7]);
      await call((done) => file.truncate(2, done));
      await call((done) => file.truncate(4, done));
      expect(content("d/f")).toEqual([0, 0, 0, 0]);
      await call((done) => file.close(done));
    });

    test("read returns what there is", async () => {
      disk.replace("d/f", bytes(1, 2, 3, 4));
      expect([...disk.read("d/f", 1, 2)]).toEqual([2, 3]);
      expect([...disk.read("d/f", 3, 10)]).toEqual([4]);
      expect([...disk.read("d/f", 9, 10)]).toEqual([]);
    });

    test("what was read does not change with the file", () => {
      disk.replace("d/f", bytes(1, 2, 3));
      const before = disk.read("d/f", 0, 3);
      disk.writeNow("d/f", 0, bytes(9));
      expect([...before]).toEqual([1, 2, 3]);
      expect(content("d/f")).toEqual([9, 2, 3]);
    });

    test("replace makes and replaces a file and leaves nothing beside it", () => {
      disk.replace("d/f", bytes(1, 2, 3));
      disk.replace("d/f", bytes(4));
      expect(content("d/f")).toEqual([4]);
      expect(disk.list("d")).toEqual(["f"]);
    });

    test("names: list is sorted, rename replaces, remove is harmless twice", () => {
      for (const file of ["b", "a", "c"]) disk.replace(`d/${file}`, bytes(file.charCodeAt(0)));
      expect(disk.list("d")).toEqual(["a", "b", "c"]);
      disk.rename("d/c", "d/a");
      disk.remove("d/b");
      disk.remove("d/b");
      disk.syncDirectory("d");
      expect(disk.list("d")).toEqual(["a"]);
      expect(content("d/a")).toEqual(["c".charCodeAt(0)]);
      expect(disk.list("nowhere")).toEqual([]);
    });

    test("reading what is not there throws", () => {
      expect(() => disk.read("d/f", 0, 1)).toThrow(/no such file/i);
      expect(() => disk.size("d/f")).toThrow(/no such file/i);
      expect(() => disk.writeNow("d/f", 0, bytes(1))).toThrow(/no such file/i);
    });
  });
}
