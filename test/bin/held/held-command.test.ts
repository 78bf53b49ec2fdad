import { afterEach, describe, expect, test } from "vitest";
import type { Guard } from "../../../src/client/api/index.ts";
import { type HeldRun, withHeld } from "../../../src/bin/held/held-command.ts";

afterEach(() => (process.exitCode = undefined));

/** Runs a program that takes a while to end, and takes its lock away. @returns whether the run goes on with another one */
async function goesOn(script: string, signals: (lost: AbortController) => void): Promise<boolean> {
  const lost = new AbortController();
  const guard: Guard = { key: "k", token: 1, signal: lost.signal };
  let isToEnd = false;
  const carryOut = async (held: HeldRun): Promise<number> => {
    const end = held.run(guard);
    signals(lost);
    expect(await end).toMatchObject({ kind: "lost" });
    isToEnd = held.signal.aborted;
    return 0;
  };
  const what = { name: "elect", of: "n", words: ["sh", "-c", script] } as const;
  await withHeld(what, { nodes: "1=127.0.0.1:1", timeout: "1s", ttl: "10s" }, carryOut);
  return !isToEnd;
}

const told = (signal: NodeJS.Signals): boolean => process.emit(signal, signal);

describe("after a lost term", () => {
  test("another one begins", async () => {
    expect(await goesOn("sleep 60", (lost) => lost.abort())).toBe(true);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "none begins when %s came while its program was being ended",
    async (signal) => {
      const signals = (lost: AbortController): void => {
        lost.abort();
        told(signal);
      };
      expect(await goesOn("sleep 60", signals)).toBe(false);
    },
  );

  test("none begins when the program was told to end before the term was lost", async () => {
    const signals = (lost: AbortController): void => {
      told("SIGTERM");
      lost.abort();
    };
    expect(await goesOn("sleep 60", signals)).toBe(false);
  });

  test("another one begins though a program was told to read its files again", async () => {
    const signals = (lost: AbortController): void => {
      told("SIGHUP");
      lost.abort();
    };
    expect(await goesOn("sleep 60", signals)).toBe(true);
  });
});
