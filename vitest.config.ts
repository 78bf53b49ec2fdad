import { configDefaults, defineConfig } from "vitest/config";

/** Tests that wait for long, or search at random: whole clusters under faults, full memories, damaged disks. */
const LONG = "**/*.long.test.ts";

/**
 * Rooms whose tests leave nothing behind in their process: those files share processes and what these have loaded, which
 * saves half a second of work each.
 */
const PURE = ["base", "client", "omnipaxos", "protocol", "replica", "store"];

/** `vitest run` runs the quick ones, `vitest run --mode long` the others. */
export default defineConfig(({ mode }) => {
  const isLong = mode === "long";
  const of = (folder: string): string => `test/${folder}${isLong ? LONG : "**/*.test.ts"}`;
  const pure = PURE.map((room) => of(`${room}/`));
  const without = isLong ? configDefaults.exclude : [...configDefaults.exclude, LONG];
  return {
    test: {
      globalSetup: ["test/e2e/global-setup.ts"],
      // Generous: the machine may be busy. What a test waits for has a deadline of its own, with words.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // One more than the two cores this is made for: half of the files wait for processes, elections and disks.
      maxWorkers: 3,
      projects: [
        {
          extends: true,
          test: { name: "pure", isolate: false, include: pure, exclude: without },
        },
        {
          extends: true,
          test: { name: "apart", include: [of("")], exclude: [...without, ...pure] },
        },
      ],
    },
  };
});
