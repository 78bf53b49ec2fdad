/**
 * Every script says how it is used, and refuses what it does not know, before it does anything. They are loaded here, as a process for
 * each would take a minute.
 */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const SCRIPTS = resolve(import.meta.dirname, "../../scripts");
const NAMES = readdirSync(SCRIPTS).filter((name) => name.endsWith(".ts"));

class Exit extends Error {
  readonly status: unknown;

  constructor(status: unknown) {
    super(`exit with status ${String(status)}`);
    this.status = status;
  }
}

const { argv } = process;
let printed = "";
let complained = "";
let loads = 0;

beforeEach(() => {
  [printed, complained] = ["", ""];
  vi.spyOn(console, "log").mockImplementation((text: string) => void (printed += `${text}\n`));
  vi.spyOn(console, "error").mockImplementation((text: string) => void (complained += `${text}\n`));
  vi.spyOn(process, "exit").mockImplementation((status) => {
    throw new Exit(status);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.argv = argv;
});

/** @returns the status */
async function run(name: string, ...args: string[]): Promise<unknown> {
  const file = join(SCRIPTS, name);
  process.argv = [process.execPath, file, ...args];
  process.exitCode = undefined;
  try {
    // Each time another address, so that the script is run again, but not what it imports.
    await import(/* @vite-ignore */ `${file}?${(loads += 1)}`);
  } catch (error) {
    if (error instanceof Exit) return error.status;
    throw error;
  }
  const { exitCode } = process;
  process.exitCode = undefined;
  return exitCode ?? 0;
}

test.each(NAMES)("%s --help", async (name) => {
  expect(await run(name, "--help")).toBe(0);
  expect(printed).toMatch(new RegExp(`^Usage: npx tsx scripts/${name}`));
  expect(complained).toBe("");
});

test.each([
  [
    "growth.ts",
    ["constructor"],
    'COMMAND: expected overwrite, catch-up, serve or restart, got "constructor"',
  ],
  ["bench-store.ts", ["--cells", "batch,none"], 'restart, got "none"'],
  ["bench-watches.ts", ["--systems", "none"], '--systems: expected omnikv, etcd, got "none"'],
  ["bench-vs-etcd.ts", ["--cells", "none:3"], '--cells: expected put, get, local, mix, got "none"'],
])("%s refuses %j in one sentence", async (name, args, sentence) => {
  expect(await run(name, ...args)).toBe(2);
  expect(printed).toBe("");
  expect(complained).toContain(`${sentence} (--help says what there is)`);
  expect(complained.trim().split("\n")).toHaveLength(1);
});

test.each(NAMES)("%s refuses an unknown option", async (name) => {
  expect(await run(name, "--no-such-option")).toBe(2);
  expect(printed).toBe("");
  expect(complained).toContain("--no-such-option");
  expect(complained.split("\n")[0]).not.toMatch(/\. /);
});
