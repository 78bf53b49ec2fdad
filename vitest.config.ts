import { configDefaults, defineConfig } from "vitest/config";

/** Tests that wait for long, or search at random: whole clusters under faults, full memories, damaged disks. */
const LONG = "test/**/*.long.test.ts";

/** `vitest run` runs the quick ones, `vitest run --mode long` the others. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === "long" ? LONG : "test/**/*.test.ts"],
    exclude: mode === "long" ? configDefaults.exclude : [...configDefaults.exclude, LONG],
    globalSetup: ["test/e2e/global-setup.ts"],
    // Generous: the machine may be busy. What a test waits for has a deadline of its own, with words.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One more than the two cores this is made for: half of the files wait for processes, elections and disks.
    maxWorkers: 3,
  },
}));
