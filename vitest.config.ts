import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { GATE, LONGEST } from "./test/order.ts";

/**
 * Tests that wait for long, or search at random: whole clusters under faults, full memories, damaged disks (`long`); and those that start
 * many real processes, one after the other (`slow`).
 */
const LONG = "**/*.{long,slow}.test.ts";

/** The quick ones, and those of the gate. */
const QUICK_AND_GATE = `**/{${GATE.join(",")},!(*.long|*.slow)}.test.ts`;

const place = ({ moduleId }: TestSpecification): number => {
  const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return found < 0 ? LONGEST.length : found;
};

class LongestFirst extends BaseSequencer {
  /** Within their project: its files share processes when they come one after the other. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((each) =>
      sorted.filter(({ project }) => project === each).toSorted((a, b) => place(a) - place(b)),
    );
  }
}

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
  "test/machine/network/ping-rounds.test.ts",
  "test/machine/network/request-input.test.ts",
  "test/machine/node-file.test.ts",
  "test/machine/node-memory.test.ts",
  "test/page/browser-network.test.ts",
];

/**
 * `vitest run` runs the quick ones, `vitest run --mode long` the others, `vitest run --mode gate` the quick ones and those of the gate,
 * and `vitest run --mode all NAME` those of that name.
 */
export default defineConfig(({ mode }) => {
  const files = mode === "long" ? LONG : mode === "gate" ? QUICK_AND_GATE : "**/*.test.ts";
  const without = ["long", "gate", "all"].includes(mode) ? [] : [LONG];
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
      sequence: { sequencer: LongestFirst },
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
