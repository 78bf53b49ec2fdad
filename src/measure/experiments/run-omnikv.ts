/** `omnikv bench` and `omnikv lab run` as parts of larger experiments. */
import { spawnSync } from "node:child_process";
import { builtModule } from "../../server/launch/index.ts";

const OUTPUT_MAX = 2 ** 28;

export interface RunOptions {
  /** Its progress is shown. */
  readonly show?: boolean;
}

/**
 * @param args of the command line, to which --json is added
 * @returns the object that it prints
 * @throws Error with what it said when it fails
 */
export function runOmnikv(args: readonly string[], options: RunOptions = {}): unknown {
  const { show = false } = options;
  const program = builtModule("bin/omnikv.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, "--json"], {
    encoding: "utf8",
    maxBuffer: OUTPUT_MAX,
    stdio: ["ignore", "pipe", show ? "inherit" : "pipe"],
  });
  if (status !== 0) {
    throw new Error(`omnikv ${args.join(" ")}: status ${status ?? "none"}\n${stderr ?? ""}`);
  }
  return JSON.parse(stdout);
}

/** By name; null: left out. */
export type BenchFlags = Readonly<Record<string, string | number | null>>;

/** As `runOmnikv`. */
export function runBench(flags: BenchFlags, options: RunOptions = {}): unknown {
  const args = Object.entries(flags).flatMap(([name, value]) =>
    value === null ? [] : [`--${name}`, String(value)],
  );
  return runOmnikv(["bench", ...args], options);
}
