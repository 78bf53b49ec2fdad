import { execFileSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { heapLimitBytes } from "../../src/machine/host/heap-limit.ts";
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

const MIB = 2 ** 20;

test.each([
  ["--max-old-space-size=100", 148, 20, 100],
  ["--max-old-space-size=100 --max-semi-space-size=4", 112, 20, 100],
  ["--max_old_space_size=100", 292, 24, 100],
  ["--max-old-space-size=300 --max-old-space-size=200", 248, 22, 200],
  ["--max-old-space-size 200", 248, 22, 200],
  ["--max-semi-space-size=4", 4108, 20, 4096],
  ["", 4144, 20, 4096],
  ["", 4288, 24, 4096],
  ["--max-heap-size=60", 60, 20, 30],
])("what may live with %s on %i MiB of Node.js %i: %i MiB", (flags, size, major, expected) => {
  const heap = { flags: flags.split(" "), heapSizeLimit: size * MIB, major };
  expect(heapLimitBytes(heap) / MIB).toBe(expected);
});

test("flags are seen from the command line, and from NODE_OPTIONS before it", () => {
  const file = new URL("../../src/machine/host/heap-limit.ts", import.meta.url).href;
  const script = `import { heapLimitBytes } from ${JSON.stringify(file)}; console.log(heapLimitBytes() / 2 ** 20)`;
  const seen = (options: string, ...flags: string[]): number =>
    Number(
      execFileSync(
        process.execPath,
        [...flags, "--import", "tsx", "--input-type=module", "-e", script],
        { env: { ...process.env, NODE_OPTIONS: options }, encoding: "utf8" },
      ),
    );
  expect(seen("--max-old-space-size=150")).toBe(150);
  expect(seen("--max-old-space-size=150", "--max-old-space-size=250")).toBe(250);
});
