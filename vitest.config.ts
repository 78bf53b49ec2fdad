import { configDefaults, defineConfig } from "vitest/config";

/** Tests that wait for long, or search at random: whole clusters under faults, full memories, damaged disks. */
const LONG = "test/**/*.long.test.ts";

/** `vitest run` runs the quick ones, `vitest run --mode long` the others. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === "long" ? LONG : "test/**/*.test.ts"],
    exclude: mode === "long" ? configDefaults.exclude : [...configDefaults.exclude, LONG],
    globalSetup: ["test/e2e/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Integration tests start real server processes: more than two files at once would starve them.
    maxWorkers: 2,
  },
}));
