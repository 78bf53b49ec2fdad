import { configDefaults, defineConfig } from "vitest/config";

/**
 * Tests that wait for long, or search at random: whole clusters under faults, full memories, damaged disks (`long`); and those that start
 * many real processes, one after the other (`slow`).
 */
const LONG = "**/*.{long,slow}.test.ts";

/**
 * Rooms whose tests leave nothing behind in their process: those files share processes and what these have loaded, which
 * saves half a second of work each. What needs a process of its own there is named in APART.
 */
const SHARED = [
  ...["adapters", "base", "bin", "client", "embed", "links", "machine", "measure", "omnipaxos"],
  ...["page", "prompt", "proof", "protocol", "replica", "server", "storage", "store"],
];

/** They put others in the place of modules and globals, or change the flags of their process. */
const APART = [
  "test/machine/audit-file.test.ts",
  "test/machine/network/request-input.test.ts",
  "test/machine/node-file.test.ts",
  "test/machine/node-memory.test.ts",
  "test/page/browser-network.test.ts",
];

/** `vitest run` runs the quick ones, `vitest run --mode long` the others, and `vitest run --mode all NAME` those of that name. */
export default defineConfig(({ mode }) => {
  const files = mode === "long" ? LONG : "**/*.test.ts";
  const without = mode === "long" || mode === "all" ? [] : [LONG];
  const others = mode === "long" ? [] : ["test/*.test.ts", ...APART];
  const rooms = SHARED.join("|");
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
          test: {
            ...{ name: "shared", isolate: false, include: [`test/@(${rooms})/${files}`] },
            exclude: [...configDefaults.exclude, ...without, ...APART],
          },
        },
        {
          extends: true,
          test: {
            ...{
              name: "apart",
              include: [`test/!(${rooms})/${files}`, ...others],
            },
            exclude: [...configDefaults.exclude, ...without],
          },
        },
      ],
    },
  };
});
