import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { NodeMemory } from "../../src/machine/host/node-memory.ts";

test("what lives on the heap is known after a full collection", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const memory = new NodeMemory();
  const { limitBytes, collections } = memory.read();
  expect(limitBytes).toBeGreaterThan(50 * 2 ** 20);
  const kept = Array.from({ length: 200_000 }, (_, i) => `kept ${i}`);
  collect();
  const deadline = Date.now() + 10_000;
  while (memory.read().collections === collections && Date.now() < deadline) {
    await new Promise((wake) => setTimeout(wake, 10));
  }
  const { liveBytes } = memory.read();
  expect(memory.read().collections).toBeGreaterThan(collections);
  expect(liveBytes).toBeGreaterThan(5 * 2 ** 20);
  expect(liveBytes).toBeLessThan(limitBytes);
  expect(kept.length).toBe(200_000);
});
