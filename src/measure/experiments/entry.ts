/** What the scripts of experiments have in common: numbers and lists of the command line, files of results, signals. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** @throws Error that says what was expected */
export function positive(text: string | undefined): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`expected a number above 0, got "${text}"`);
  return value;
}

/** A list with commas, each of what is known. @throws Error that says what was expected */
export function choices<const C extends string>(text: string, known: readonly C[]): readonly C[] {
  return text.split(",").map((part) => {
    const found = known.find((choice) => choice === part.trim());
    if (found === undefined) throw new Error(`expected ${known.join(", ")}, got "${part}"`);
    return found;
  });
}

/** @param file undefined: none was named. @returns null when there is none */
export function readJson(file: string | undefined): unknown {
  if (file === undefined || !existsSync(file)) return null;
  return JSON.parse(readFileSync(file, "utf8"));
}

/** @param file undefined: none was asked for */
export function writeJson(file: string | undefined, value: unknown): void {
  if (file !== undefined) writeText(file, `${JSON.stringify(value)}\n`);
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
