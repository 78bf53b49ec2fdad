/**
 * How the fields of messages and records are written. A kind of field has two forms, bytes and msgpack values, and says
 * which values are allowed, in one place for both. A function that reads a structure also describes it: run once on a source
 * that only notes the requests, it gives the list of the fields, in their order. So each field has its name and its kind in one
 * line, the compiler checks both against the type, and objects are made as fast as by hand.
 *
 *     bytes:   integers are varints; byte strings, texts and lists have their length in front; what may be missing has a
 *              byte 0 or 1 in front; a structure is its fields, one after the other
 *     values:  a structure is an array of its fields; from strangers it may be a map of them, by their names
 *
 * Invariant FIELD-1: for any input, reading ends in a value that is allowed, a DecodeError or a reader that has failed, in time
 * and memory linear in the input.
 */
import { assert } from "../../base/index.ts";
import { DecodeError } from "./decode-error.ts";
import { fieldsOf, type Layout, listOf } from "./layout.ts";
import {
  checkArray,
  checkBoolean,
  checkBytes,
  checkInteger,
  checkObject,
  checkString,
} from "./checks.ts";

/** How structures come from strangers. */
export type Form = "array" | "map";

export interface Kind<T> extends Layout<T> {
  /** As a value for msgpack; structures as arrays. */
  toValue(value: T): unknown;
  /** @param name of the field, for the error @throws DecodeError */
  fromValue(value: unknown, name: string, form: Form): T;
}

/** A structure: of its values, the array of them and the map of them. */
export interface Structure<T> extends Kind<T> {
  toValue(value: T): readonly unknown[];
}

/** Gives the fields of a structure, one after the other. */
export interface Source {
  /** The same as `take(INDEX)`, as most fields are. */
  varint(): number;
  take<T>(kind: Kind<T>): T;
}

/** Describes a structure by reading one. The kinds in it must be made beforehand, once, and not for every structure read. */
export type Shape<T> = (from: Source) => T;

type Values = Readonly<Record<string | number, unknown>>;

const same = <T>(value: T): T => value;

/** An integer from min to max, both included. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  return {
    write: (out, value) => out.varint(value),
    read: (from) => {
      const value = from.varint();
      return value >= min && value <= max ? value : from.fail(`an integer from ${min} to ${max}`);
    },
    toValue: same,
    fromValue: (value, name) => checkInteger(value, name, min, max),
  };
}

/** Any number of a log, or of something counted. */
export const INDEX: Kind<number> = {
  ...integer(),
  write: (out, value) => {
    assert(Number.isSafeInteger(value) && value >= 0, "an index or count is an integer");
    out.varint(value);
  },
  read: (from) => from.varint(),
};

export const POSITIVE = integer(1);

/** 32 bits at random or of a hash: as bytes always four, the lowest first. */
export const UINT32: Kind<number> = {
  ...integer(0, 2 ** 32 - 1),
  write: (out, value) => out.u32le(value),
  read: (from) => from.u32le(),
};

export const BOOLEAN: Kind<boolean> = {
  write: (out, value) => out.u8(value ? 1 : 0),
  read: (from) => {
    const value = from.u8();
    if (value > 1) from.fail("0 or 1");
    return value === 1;
  },
  toValue: same,
  fromValue: checkBoolean,
};

/** What is read is a view of the input. */
export function byteString(lengthMax = Number.MAX_SAFE_INTEGER): Kind<Uint8Array> {
  return {
    write: (out, value) => out.sized(value),
    read: (from) => {
      const length = from.varint();
      if (length > lengthMax) from.fail(`at most ${lengthMax} bytes`);
      return from.bytes(length);
    },
    toValue: same,
    fromValue: (value, name) => checkBytes(value, name, lengthMax),
  };
}

/** @param lengthMax in UTF-16 units */
export function text(lengthMax: number): Kind<string> {
  return {
    write: (out, value) => out.sizedText(value),
    read: (from) => {
      const value = from.text(from.varint());
      return value.length <= lengthMax ? value : String(from.fail(`at most ${lengthMax} letters`));
    },
    toValue: same,
    fromValue: (value, name) => checkString(value, name, lengthMax),
  };
}

export function optional<T>(kind: Kind<T>): Kind<T | null> {
  return {
    write: (out, value) => {
      out.u8(value === null ? 0 : 1);
      if (value !== null) kind.write(out, value);
    },
    read: (from) => (BOOLEAN.read(from) ? kind.read(from) : null),
    toValue: (value) => (value === null ? null : kind.toValue(value)),
    fromValue: (value, name, form) => (value === null ? null : kind.fromValue(value, name, form)),
  };
}

/** A field that was added to a map later: null where a node of the version before leaves it out. */
export function added<T>(kind: Kind<T>): Kind<T | null> {
  const maybe = optional(kind);
  return {
    ...maybe,
    fromValue: (value, name, form) =>
      value === undefined ? null : maybe.fromValue(value, name, form),
  };
}

export function list<T>(item: Kind<T>, min = 0, max = Number.MAX_SAFE_INTEGER): Kind<readonly T[]> {
  return {
    ...listOf(item, min, max),
    toValue: (values) => values.map((each) => item.toValue(each)),
    fromValue: (value, name, form) =>
      checkArray(value, name, min, max).map((each) => item.fromValue(each, name, form)),
  };
}

/** A list of byte strings: a kind of its own, to save a call for each, as there may be very many. The values are the list itself. */
export function byteStrings(lengthMax = Number.MAX_SAFE_INTEGER): Kind<readonly Uint8Array[]> {
  return {
    write: (out, values) => {
      out.varint(values.length);
      for (const value of values) out.sized(value);
    },
    read: (from) => {
      const count = from.varint();
      const values: Uint8Array[] = [];
      for (let i = 0; i < count && !from.failed; i++) {
        const length = from.varint();
        if (length > lengthMax) from.fail(`at most ${lengthMax} bytes`);
        values.push(from.bytes(length));
      }
      return values;
    },
    toValue: same,
    fromValue: (value, name) => {
      const values = checkArray(value, name, 0, Number.MAX_SAFE_INTEGER);
      for (const each of values) checkBytes(each, name, lengthMax);
      return values as readonly Uint8Array[];
    },
  };
}

/** @param quick what follows from the shape, by hand: for what is in nearly every message */
export function structure<T extends object>(
  shape: Shape<T>,
  quick?: Pick<Kind<T>, "read" | "write">,
): Structure<T> {
  const fields = fieldsOf<Kind<unknown>>(shape, INDEX);
  const names = fields.map(({ name }) => name);
  const kinds = fields.map(({ kind }) => kind);
  const count = fields.length;
  return {
    write: (out, value) => {
      for (let i = 0; i < count; i++) kinds[i]?.write(out, (value as Values)[names[i] ?? ""]);
    },
    read: shape,
    ...quick,
    toValue: (value) => kinds.map((kind, i) => kind.toValue((value as Values)[names[i] ?? ""])),
    fromValue: (value, name, form) => {
      const values =
        form === "map" ? checkObject(value, name) : checkArray(value, name, count, count);
      try {
        return shape(new ValueSource(names, values as Values, form));
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        throw new DecodeError(`${name}.${error.message}`, { cause: error });
      }
    },
  };
}

/** Written as a structure that says the same in another way. @param to may throw a DecodeError */
export function mapped<T, F>(
  fields: Structure<F>,
  from: (value: T) => F,
  to: (fields: F) => T,
): Structure<T> {
  return {
    write: (out, value) => fields.write(out, from(value)),
    read: (source) => to(fields.read(source)),
    toValue: (value) => fields.toValue(from(value)),
    fromValue: (value, name, form) => to(fields.fromValue(value, name, form)),
  };
}

/** The fields of an array or a map. */
class ValueSource implements Source {
  readonly #names: readonly string[];
  readonly #values: Values;
  readonly #form: Form;
  #next = 0;

  constructor(names: readonly string[], values: Values, form: Form) {
    this.#names = names;
    this.#values = values;
    this.#form = form;
  }

  varint(): number {
    return this.take(INDEX);
  }

  take<T>(kind: Kind<T>): T {
    const at = this.#next++;
    const name = this.#names[at] ?? "";
    return kind.fromValue(this.#values[this.#form === "map" ? name : at], name, this.#form);
  }
}
