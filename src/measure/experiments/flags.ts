/** Flags and words of scripts, by their defaults. */
import { parseArgs } from "node:util";

/**
 * Null: a text that need not be given. A list is given with commas; one that is empty by default takes one text, as it is, each time
 * that the flag is given.
 */
type Default = number | string | false | null | readonly number[] | readonly string[];

type Defaults = Readonly<Record<string, Default>>;

export type Flags<D> = {
  readonly [K in keyof D]: D[K] extends number
    ? number
    : D[K] extends string
      ? string
      : D[K] extends false
        ? boolean
        : D[K] extends null
          ? string | null
          : D[K] extends readonly []
            ? readonly string[]
            : D[K] extends readonly number[]
              ? readonly number[]
              : readonly string[];
};

/**
 * Flags as `--data-dir` for a default named `dataDir`. Prints `help` and exits when --help is given; what is no flag, and a number
 * that is none, is refused in one sentence, with status 2.
 */
export function readFlags<const D extends Defaults>(
  help: string,
  defaults: D,
  args: readonly string[] = process.argv.slice(2),
): Flags<D> {
  return orRefused(help, args, () => parseFlags(defaults, args));
}

/** Words in the order of their defaults, for a script that has no flags but --help. Otherwise as `readFlags`. */
export function readWords<const D extends Defaults>(
  help: string,
  defaults: D,
  args: readonly string[] = process.argv.slice(2),
): Flags<D> {
  return orRefused(help, args, () => parseWords(defaults, args));
}

/** Says what is wrong with the arguments of this script, and ends it. */
export function refuse(sentence: string): never {
  console.error(`${sentence} (--help says what there is)`);
  process.exit(2);
}

/** @throws Error for what is no flag, and for a number that is none */
export function parseFlags<const D extends Defaults>(
  defaults: D,
  args: readonly string[],
): Flags<D> {
  const options = Object.entries(defaults).map(([name, standard]) => {
    const type = standard === false ? "boolean" : "string";
    return [dashed(name), { type, multiple: isRepeated(standard) }] as const;
  });
  const values: Readonly<Record<string, unknown>> = parseArgs({
    args: [...args],
    options: Object.fromEntries(options),
  }).values;
  const read = Object.entries(defaults).map(([name, standard]) => {
    const given = values[dashed(name)];
    const value = typeof given === "string" ? valueOf(`--${dashed(name)}`, given, standard) : given;
    return [name, value ?? standard];
  });
  return Object.fromEntries(read) as Flags<D>;
}

/** @throws Error for a flag, for too many words, and for a number that is none */
export function parseWords<const D extends Defaults>(
  defaults: D,
  args: readonly string[],
): Flags<D> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
  const rest = [...positionals];
  const read = Object.entries(defaults).map(([name, standard]) => {
    if (isRepeated(standard)) return [name, rest.splice(0)];
    const given = rest.shift();
    return [name, given === undefined ? standard : valueOf(dashed(name), given, standard)];
  });
  if (rest.length > 0) throw new Error(`Unexpected argument '${rest[0]}'`);
  return Object.fromEntries(read) as Flags<D>;
}

function orRefused<T>(help: string, args: readonly string[], parse: () => T): T {
  if (args.includes("--help")) {
    console.log(help);
    process.exit(0);
  }
  try {
    return parse();
  } catch (error) {
    // Node.js adds a sentence on how to give a word that begins with "-": no script takes one.
    return refuse((error instanceof Error ? error.message : String(error)).replace(/\.\s.*/s, ""));
  }
}

function isRepeated(standard: Default): boolean {
  return Array.isArray(standard) && standard.length === 0;
}

function valueOf(name: string, given: string, standard: Default): Default {
  const number = (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0) return value;
    throw new Error(`${name}: expected a number from 0 on, got "${text}"`);
  };
  if (typeof standard === "number") return number(given);
  if (typeof standard !== "object" || standard === null) return given;
  const parts = given.split(",").map((part) => part.trim());
  return typeof standard[0] === "number" ? parts.map(number) : parts;
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
