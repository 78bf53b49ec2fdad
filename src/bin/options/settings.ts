/**
 * Where each setting of `omnikv server` comes from: a flag, the environment, a file, or its default, in that order. Pure: the
 * caller has read the environment and the file.
 */
import { dirname, resolve } from "node:path";
import { KvError, unreachable } from "../../base/index.ts";
import { kindOf, parseJsonText } from "../../server/config/index.ts";
import { nearest } from "../../prompt/terminal/index.ts";
import { OTHER_VARIABLES } from "./variables.ts";

/** One that can be set, as its flag says. */
export interface Setting {
  /** The name of the flag and, in capitals, of the variable: "data-dir", OMNIKV_DATA_DIR. */
  readonly name: string;
  /** In a file: "dataDir". */
  readonly key: string;
  /** A switch is given or not: "true" or "false" in the environment, true or false in a file. */
  readonly isSwitch: boolean;
  /** A path in a file is relative to the file. */
  readonly isPath: boolean;
  /** A user may have given the secret instead of its file: errors do not repeat the value. */
  readonly isSecret: boolean;
}

/** `derived`: no source sets it, so it follows from other settings. */
type Source = "flag" | "environment" | "file" | "default" | "derived";

export interface Resolved {
  readonly setting: Setting;
  /** A switch is true or undefined. Undefined: not set, and there is no default that could be told beforehand. */
  readonly value: string | true | undefined;
  readonly source: Source;
}

export interface Sources {
  /** By key, as given on the command line. */
  readonly flags: Readonly<Record<string, string | true>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: SettingsFile | null;
  readonly defaults: Readonly<Record<string, string | true>>;
}

export interface SettingsFile {
  readonly path: string;
  readonly text: string;
}

const PREFIX = "OMNIKV_";
/** Mostly a variable of a script that was not set: the user did not mean it as a value. */
const EMPTY = "expected a value, got an empty text: give one, or leave it out";
/** Each of them says which nodes there are: the one from the nearer source holds. */
const RIVALS = ["peers", "cluster"];
const NEARER: readonly Source[] = ["flag", "environment", "file", "default", "derived"];

export function variableOf({ name }: Pick<Setting, "name">): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

/** @throws KvError BAD_REQUEST for an unknown variable or key, or a value of the wrong kind */
export function resolveSettings(
  settings: readonly Setting[],
  sources: Sources,
): readonly Resolved[] {
  checkVariables(settings, sources.environment);
  const file = sources.file === null ? {} : parseSettings(settings, sources.file);
  const resolved = settings.map((setting): Resolved => {
    const { key } = setting;
    const flag = sources.flags[key];
    if (flag === "") throw bad(`--${setting.name}: ${EMPTY}`);
    if (typeof flag === "string") checkFileName(setting, flag, `--${setting.name}`);
    if (flag !== undefined) return { setting, value: flag, source: "flag" };
    const variable = sources.environment[variableOf(setting)];
    if (variable !== undefined) {
      return { setting, value: fromVariable(setting, variable), source: "environment" };
    }
    if (Object.hasOwn(file, key)) return { setting, value: file[key], source: "file" };
    return { setting, value: sources.defaults[key], source: "default" };
  });
  return withoutRival(resolved);
}

function withoutRival(resolved: readonly Resolved[]): readonly Resolved[] {
  const given = resolved.filter(
    ({ setting, value }) => RIVALS.includes(setting.key) && value !== undefined,
  );
  const nearness = ({ source }: Resolved): number => NEARER.indexOf(source);
  const best = Math.min(...given.map(nearness));
  return resolved.map((each) =>
    given.includes(each) && nearness(each) > best
      ? { ...each, value: undefined, source: "default" }
      : each,
  );
}

function checkVariables(settings: readonly Setting[], environment: Sources["environment"]): void {
  const known = settings.map(variableOf);
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || OTHER_VARIABLES.has(name) || known.includes(name)) continue;
    const variables = known.map((variable) => variable.toLowerCase());
    throw bad(
      `${name}: no such variable of omnikv server${meant(nearest(name.toLowerCase(), variables)?.toUpperCase())}`,
    );
  }
}

function fromVariable(setting: Setting, text: string): string | true | undefined {
  if (text === "") throw bad(`${variableOf(setting)}: ${EMPTY}`);
  if (!setting.isSwitch) {
    checkFileName(setting, text, variableOf(setting));
    return text;
  }
  if (text === "true") return true;
  if (text === "false") return undefined;
  throw bad(`${variableOf(setting)}: expected true or false, got "${text}"`);
}

/** The text of a key has lines, or says what it is. */
function checkFileName({ isSecret }: Setting, value: string, where: string): void {
  if (!isSecret || !/[\n\r]|-----BEGIN/.test(value)) return;
  throw bad(`${where}: expected the name of a file, got what belongs into one`);
}

function parseSettings(
  settings: readonly Setting[],
  { path, text }: SettingsFile,
): Readonly<Record<string, string | true | undefined>> {
  let parsed: unknown;
  try {
    parsed = parseJsonText(text);
  } catch (cause) {
    throw bad(`--config: ${path} ${(cause as Error).message}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw bad(`--config: ${path}: expected an object with settings`);
  }
  const keys = settings.map(({ key }) => key);
  return Object.fromEntries(
    Object.entries(parsed).map(([key, value]) => {
      const setting = settings.find((each) => each.key === key);
      if (setting === undefined) {
        throw bad(`--config: ${path}: ${key}: no such setting${meant(nearestKey(key, keys))}`);
      }
      return [key, fromFile(setting, value, path)];
    }),
  );
}

/** A user who writes the flag's name means the flag. */
function nearestKey(word: string, keys: readonly string[]): string | undefined {
  const plain = (text: string): string => text.replaceAll("-", "").toLowerCase();
  const found = nearest(plain(word), keys.map(plain));
  return keys.find((key) => plain(key) === found);
}

function fromFile(setting: Setting, value: unknown, path: string): string | true | undefined {
  const where = `--config: ${path}: ${setting.key}`;
  const got = `, got ${setting.isSecret ? kindOf(value) : JSON.stringify(value)}`;
  if (setting.isSwitch) {
    if (typeof value !== "boolean") throw bad(`${where}: expected true or false${got}`);
    return value || undefined;
  }
  if (typeof value === "number") return String(value);
  if (value === "") throw bad(`${where}: ${EMPTY}`);
  if (typeof value !== "string") throw bad(`${where}: expected a text or a number${got}`);
  checkFileName(setting, value, where);
  return setting.isPath ? resolve(dirname(path), value) : value;
}

function meant(guess: string | null | undefined): string {
  return guess === null || guess === undefined ? "" : `; did you mean ${guess}?`;
}

function bad(text: string): KvError {
  return new KvError("BAD_REQUEST", text);
}

/** @returns what is not set, where it follows from other settings */
export function withDerived(
  resolved: readonly Resolved[],
  derived: Readonly<Record<string, string>>,
): readonly Resolved[] {
  return resolved.map((each) => {
    const value = each.value ?? derived[each.setting.key];
    return value === each.value ? each : { ...each, value, source: "derived" };
  });
}

/** @returns the error of a flag that was not given as one, with what was given instead */
export function namingSource(
  error: unknown,
  resolved: readonly Resolved[],
  file: SettingsFile | null,
): unknown {
  if (!(error instanceof KvError)) return error;
  const found = resolved.find(
    ({ setting, source }) =>
      error.message.startsWith(`--${setting.name}: `) &&
      (source === "environment" || source === "file"),
  );
  if (found === undefined) return error;
  const text = `${error.message} (${origin(found.setting, found.source, file)})`;
  return new KvError(error.code, text, { cause: error });
}

/** For people: each setting, what holds, and where it comes from. */
export function settingsText(resolved: readonly Resolved[], file: SettingsFile | null): string {
  const rows = resolved.map(({ setting, value, source }) => [
    setting.name,
    value === undefined ? (setting.isSwitch ? "false" : "-") : String(value),
    origin(setting, source, file),
  ]);
  const width = (column: number): number =>
    Math.max(...rows.map((row) => (row[column] ?? "").length));
  const [first, second] = [width(0), width(1)];
  return rows
    .map(([name = "", value = "", from = ""]) =>
      `${name.padEnd(first)}  ${value.padEnd(second)}  ${from}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function origin(setting: Setting, source: Source, file: SettingsFile | null): string {
  switch (source) {
    case "flag":
      return `flag --${setting.name}`;
    case "environment":
      return `environment ${variableOf(setting)}`;
    case "file":
      return `file ${file?.path ?? ""}`;
    case "default":
      return "default";
    case "derived":
      return "follows from the others";
    default:
      return unreachable(source, "source of a setting");
  }
}
