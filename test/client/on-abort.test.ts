/** Signals that many requests share. */
import { expect, test } from "vitest";
import { onAbort } from "../../src/client/terms/on-abort.ts";

/** What Node.js warns of while `run` runs. */
async function warningsOf(run: () => Promise<void> | void): Promise<string[]> {
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", note);
  await run();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  return warnings;
}

test("a hundred requests on one signal are all told, in order, and nobody warns of a leak", async () => {
  const abort = new AbortController();
  const told: number[] = [];
  const warnings = await warningsOf(() => {
    const stops = Array.from({ length: 100 }, (_, i) =>
      onAbort(abort.signal, () => void told.push(i)),
    );
    for (const stop of stops.slice(50)) stop();
    stops[7]?.();
    stops[7]?.();
    abort.abort();
  });
  expect(warnings).toEqual([]);
  expect(told).toEqual(Array.from({ length: 50 }, (_, i) => i).filter((i) => i !== 7));
});

test("one that is removed while others are told is not, and nothing stays with a signal that nobody listens to", () => {
  const abort = new AbortController();
  let removed = 0;
  const told: string[] = [];
  const { signal } = abort;
  signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
    removed += 1;
    AbortSignal.prototype.removeEventListener.apply(signal, args);
  };
  onAbort(signal, () => told.push("lonely"))();
  expect(removed).toBe(1);
  let stop = (): void => {};
  onAbort(signal, () => {
    told.push("first");
    stop();
  });
  stop = onAbort(signal, () => told.push("second"));
  abort.abort();
  expect(told).toEqual(["first"]);
});

test("a foreign signal that throws when it is let go of does no harm", () => {
  const abort = new AbortController();
  const { signal } = abort;
  signal.removeEventListener = () => {
    throw new Error("no");
  };
  let told = 0;
  const stop = onAbort(signal, () => (told += 1));
  expect(stop).not.toThrow();
  abort.abort();
  expect(told).toBe(0);
});
