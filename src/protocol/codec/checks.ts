/** Checks of decoded values. Each returns what it was given, typed, or throws a DecodeError that names the field. */
import { DecodeError } from "./decode-error.ts";

function wrong(name: string, expected: string, value: unknown): DecodeError {
  const got =
    value === null
      ? "null"
      : typeof value === "number" || typeof value === "boolean"
        ? String(value)
        : value instanceof Uint8Array
          ? `${value.length} bytes`
          : Array.isArray(value)
            ? `an array of ${value.length}`
            : typeof value;
  return new DecodeError(`${name}: expected ${expected}, got ${got}`);
}

/** An integer from min to max, both included. */
export function checkInteger(
  value: unknown,
  name: string,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    throw wrong(name, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw wrong(name, "a boolean", value);
  return value;
}

/** @param lengthMax in UTF-16 units */
export function checkString(value: unknown, name: string, lengthMax: number): string {
  if (typeof value !== "string" || value.length > lengthMax) {
    throw wrong(name, `a string of at most ${lengthMax}`, value);
  }
  return value;
}

export function checkBytes(value: unknown, name: string, lengthMax: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > lengthMax) {
    throw wrong(name, `at most ${lengthMax} bytes`, value);
  }
  return value;
}

export function checkArray(
  value: unknown,
  name: string,
  lengthMin: number,
  lengthMax: number,
): readonly unknown[] {
  if (!Array.isArray(value) || value.length < lengthMin || value.length > lengthMax) {
    throw wrong(
      name,
      lengthMin === lengthMax
        ? `an array of ${lengthMin}`
        : `an array of ${lengthMin} to ${lengthMax}`,
      value,
    );
  }
  return value as readonly unknown[];
}

export function checkObject(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (
    typeof value !== "object" ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Uint8Array
  ) {
    throw wrong(name, "an object", value);
  }
  return value as Readonly<Record<string, unknown>>;
}
