import { describe, expect, test } from "vitest";
import { nodeClock } from "../../src/machine/runtime/index.ts";

/** Timers that keep this process alive. */
const alive = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

describe("a timer of the machine", () => {
  test.each([
    [undefined, 1],
    [false, 1],
    [true, 0],
  ])("that is idle: %s keeps the process alive as often as %i", (isIdle, count) => {
    const before = alive();
    const cancel = nodeClock.after(60_000, () => {}, isIdle);
    expect(alive() - before).toBe(count);
    cancel();
    expect(alive()).toBe(before);
  });

  test("that is idle fires where something else keeps the process alive", async () => {
    await new Promise<void>((resolve) => nodeClock.after(5, resolve, true));
  });
});
