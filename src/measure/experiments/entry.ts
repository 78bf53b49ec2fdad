/** What the scripts of experiments have in common: files of results, signals. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { builtModule } from "../../server/launch/index.ts";
import { refuse } from "./flags.ts";

/** Each of what is known; ends the script, and says what was expected, for anything else. @param flag as it is typed */
export function choices<const C extends string>(
  flag: string,
  given: readonly string[],
  known: readonly C[],
): readonly C[] {
  return given.map((part) => {
    const found = known.find((choice) => choice === part);
    return found ?? refuse(`${flag}: expected ${known.join(", ")}, got "${part}"`);
  });
}

/** @param file null: none was named. @returns null when there is none */
export function readJson(file: string | null): unknown {
  if (file === null || !existsSync(file)) return null;
  return JSON.parse(readFileSync(file, "utf8"));
}

/** @param file null: none was asked for */
export function writeJson(file: string | null, value: unknown): void {
  if (file !== null) writeText(file, `${JSON.stringify(value)}\n`);
}

/** Makes the directory it is to be in. */
export function writeText(file: string, text: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, text);
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Interrupted, the process exits: servers and generators notice that, and etcd is ended on the way out. */
export function exitOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
}

/**
 * An experiment that makes its load in this process, as it was built: from source, what runs TypeScript adds work to every
 * closure, and so to each request of a client.
 * @param path below the experiments
 */
export async function builtExperiment<M>(path: string): Promise<M> {
  return (await import(builtModule(`measure/experiments/${path}`))) as M;
}
