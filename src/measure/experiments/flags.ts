/** Flags of scripts, by their defaults. */
import { parseArgs } from "node:util";

/** Null: a text that need not be given. A list is given with commas. */
type Default = number | string | false | null | readonly number[] | readonly string[];

export type Flags<D> = {
  readonly [K in keyof D]: D[K] extends number
    ? number
    : D[K] extends string
      ? string
      : D[K] extends false
        ? boolean
        : D[K] extends null
          ? string | null
          : D[K] extends readonly number[]
            ? readonly number[]
            : readonly string[];
};

/**
 * Flags as `--data-dir` for a default named `dataDir`. Prints `help` and exits when --help is given.
 * @throws Error for what is no flag, and for a number that is none
 */
export function readFlags<const D extends Readonly<Record<string, Default>>>(
  help: string,
  defaults: D,
  args: readonly string[] = process.argv.slice(2),
): Flags<D> {
  const options = Object.entries(defaults).map(([name, standard]) => {
    return [dashed(name), { type: standard === false ? "boolean" : "string" }] as const;
  });
  const known = { ...Object.fromEntries(options), help: { type: "boolean" } as const };
  const values: Readonly<Record<string, unknown>> = parseArgs({
    args: [...args],
    options: known,
  }).values;
  if (values["help"] === true) {
    console.log(help);
    process.exit(0);
  }
  const read = Object.entries(defaults).map(([name, standard]) => {
    const given = values[dashed(name)];
    return [name, typeof given === "string" ? valueOf(name, given, standard) : (given ?? standard)];
  });
  return Object.fromEntries(read) as Flags<D>;
}

function valueOf(name: string, given: string, standard: Default): Default {
  const number = (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0) return value;
    throw new Error(`--${dashed(name)}: expected a number from 0 on, got "${text}"`);
  };
  if (typeof standard === "number") return number(given);
  if (typeof standard !== "object" || standard === null) return given;
  const parts = given.split(",").map((part) => part.trim());
  return typeof standard[0] === "number" ? parts.map(number) : parts;
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
