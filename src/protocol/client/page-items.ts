import { ByteReader } from "../../base/index.ts";
import { skipTold } from "./client-fields.ts";

/** A key of a page. Byte strings are views of the frame. */
export interface PageItem {
  readonly key: Uint8Array;
  /** Null: only keys were asked for. */
  readonly value: Uint8Array | null;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/**
 * Steps over the keys of a page, and takes each out of the frame when it is asked for. Objects for all of them at once would still wait for
 * their turn when the young generation is collected, and would be copied twice: that cost more than all else about a range.
 * @param hasValues whether they have values
 */
export function readPageItems(
  reader: ByteReader,
  length: number,
  hasValues: boolean,
): Iterable<PageItem> {
  const start = reader.offset;
  for (let i = 0; i < length && !reader.failed; i++) {
    skipTold(reader);
    if (hasValues) skipTold(reader);
    reader.varint();
    reader.varint();
    reader.varint();
  }
  const end = reader.failed ? start : reader.offset;
  const { buffer, byteOffset } = reader.view;
  // A part of it is made much faster than a part of a Buffer.
  return new PageItems(new Uint8Array(buffer, byteOffset + start, end - start), hasValues);
}

/** Of bytes that were stepped over: they are well-formed. */
class PageItems implements Iterable<PageItem> {
  readonly #bytes: Uint8Array;
  readonly #hasValues: boolean;

  constructor(bytes: Uint8Array, hasValues: boolean) {
    this.#bytes = bytes;
    this.#hasValues = hasValues;
  }

  [Symbol.iterator](): Iterator<PageItem, undefined> {
    const reader = new ByteReader().reset(this.#bytes);
    return {
      next: () => {
        if (reader.isAtEnd) return { done: true, value: undefined };
        const value: PageItem = {
          key: reader.bytes(reader.varint()),
          value: this.#hasValues ? reader.bytes(reader.varint()) : null,
          createRevision: reader.varint(),
          modRevision: reader.varint(),
          version: reader.varint(),
        };
        return { done: false, value };
      },
    };
  }
}
