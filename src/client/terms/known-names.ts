/**
 * Names of options. An unknown option would do nothing, and a program without types would never hear of it: `{ leaseId: 7 }` would
 * write a key that stays for good. So every method refuses it, here; the lists of names stand beside the types.
 */
import { KvError, printableJson } from "../../base/index.ts";

const SHOWN_LENGTH_MAX = 60;

/** The names that a call knows. */
export type KnownNames = ReadonlySet<string>;

/** Every name of a type, of a union each name of any of its members: one that is missing, or is none, does not compile. */
type NamesOf<T> = { readonly [N in T extends unknown ? keyof T : never]: true };

/** The names of a type, as `unknownName` wants them. */
export function namesOf<T>(names: NamesOf<T>): KnownNames {
  return new Set(Object.keys(names));
}

/**
 * Allocates nothing where all is well.
 * @param path stands before the name in what is said; "" for options
 * @returns what is wrong: the first name that is not known
 */
export function unknownName(given: object, known: KnownNames, path = ""): KvError | null {
  for (const name in given) {
    // A name that every object inherits, because somebody has extended the prototype of all objects, was not handed in.
    if (known.has(name) || (!Object.hasOwn(given, name) && name in Object.prototype)) continue;
    const [before, what] = path === "" ? ["", "option"] : [`${path}.`, "field"];
    const text = `there is no such ${what}, there are ${[...known].join(", ")}`;
    return new KvError("BAD_REQUEST", `${before}${shownName(name)}: ${text}`);
  }
  return null;
}

/** Of a property, as messages have it: never long, and nothing that a terminal would take for a command. */
export function shownName(name: string): string {
  return printableJson(name.slice(0, SHOWN_LENGTH_MAX)).slice(1, -1);
}
