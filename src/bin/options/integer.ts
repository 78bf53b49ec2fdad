import { KvError } from "../../base/index.ts";

/**
 * The number that was given to an option.
 * @throws KvError BAD_REQUEST that names the flag
 */
export function integerFrom(text: string, flag: string, min: number): number {
  const value = Number(text);
  if (text !== "" && Number.isSafeInteger(value) && value >= min) return value;
  throw new KvError("BAD_REQUEST", `${flag}: expected an integer from ${min}, got "${text}"`);
}

/**
 * The same with a greatest one, digits only.
 * @throws KvError BAD_REQUEST that names the flag
 */
export function integerBetween(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const expected = `expected an integer from ${min} to ${max}`;
  throw new KvError("BAD_REQUEST", `${flag}: ${expected}, got "${text}"`);
}
