/** A list of numbers, as bytes: varints, one after the other. */
import { ByteReader, ByteWriter, LEASES_RENEWED_MAX } from "../../base/index.ts";

/** @param numbers integers of 0 or more, of at most 53 bits */
export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const out = new ByteWriter(16 + 2 * numbers.length, Number.POSITIVE_INFINITY);
  for (const number of numbers) out.varint(number);
  return out.copy();
}

/** @returns null when the bytes are no such list, or too many numbers */
export function decodeNumbers(bytes: Uint8Array): number[] | null {
  const reader = new ByteReader().reset(bytes);
  const numbers: number[] = [];
  while (!reader.isAtEnd && numbers.length <= LEASES_RENEWED_MAX) numbers.push(reader.varint());
  return reader.failed || numbers.length > LEASES_RENEWED_MAX ? null : numbers;
}
