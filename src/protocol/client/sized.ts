import { type ByteReader, VALUE_BYTES_MAX } from "../../base/index.ts";

/** A key or a value behind its length: a view. */
export function readSized(reader: ByteReader): Uint8Array {
  return reader.bytes(sizeIn(reader));
}

/** The same, without looking at it. */
export function skipSized(reader: ByteReader): void {
  reader.skip(sizeIn(reader));
}

function sizeIn(reader: ByteReader): number {
  const length = reader.varint();
  if (length > VALUE_BYTES_MAX) reader.fail(`at most ${VALUE_BYTES_MAX} bytes`);
  return length;
}
