/** When a node is short of memory, and when it is no more. */
import { expect, test } from "vitest";
import { HeapGuard } from "../../../src/server/node/heap-guard.ts";
import type { MemoryReading } from "../../../src/machine/ports/memory.ts";

const MB = 2 ** 20;

class Heap {
  reading: MemoryReading = { limitBytes: 200 * MB, liveBytes: null, collections: 0 };
  stateMb = 0;
  readonly guard: HeapGuard;

  constructor(stateMb = 0) {
    this.stateMb = stateMb;
    this.guard = new HeapGuard({ read: () => this.reading }, () => this.stateMb * MB);
  }

  collected(liveMb: number): void {
    const { limitBytes, collections } = this.reading;
    this.reading = { limitBytes, liveBytes: liveMb * MB, collections: collections + 1 };
  }

  level(stateMb: number): string {
    this.stateMb = stateMb;
    return this.guard.sample();
  }
}

test("a state may take two fifths of the heap; below that by a little it may grow again", () => {
  const heap = new Heap();
  expect(heap.level(79)).toBe("enough");
  expect(heap.level(81)).toBe("short");
  expect(heap.level(78)).toBe("short");
  expect(heap.level(75)).toBe("enough");
});

test("what else lives on the heap counts from each full collection on", () => {
  const heap = new Heap();
  heap.level(20);
  heap.collected(130);
  expect(heap.level(20)).toBe("enough");
  // Since then the state has grown: so has what lives.
  expect(heap.level(31)).toBe("short");
  expect(heap.level(41)).toBe("critical");
  // Deletes are seen at once, without waiting for a collection.
  expect(heap.level(5)).toBe("enough");
  heap.collected(175);
  expect(heap.level(5)).toBe("critical");
  heap.collected(145);
  expect(heap.level(5)).toBe("critical");
  heap.collected(141);
  expect(heap.level(5)).toBe("short");
  heap.collected(60);
  expect(heap.level(5)).toBe("enough");
});

test("a node that starts with a state too large for its heap says so before its first collection", () => {
  expect(new Heap(90).guard.sample()).toBe("short");
  expect(new Heap(160).guard.sample()).toBe("critical");
});
