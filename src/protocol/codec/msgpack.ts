/**
 * msgpack as nodes use it: numbers, strings, booleans, null, byte strings, arrays, and maps with string keys.
 *
 * Invariants:
 *   MSGPACK-1. For any bytes, decoding ends in a value or a DecodeError, in time and memory linear in their number: the
 *       structure is walked before anything is allocated, since a five-byte header may promise four billion elements.
 *   MSGPACK-2. Byte strings in a decoded value are views of the input, not copies.
 *   MSGPACK-3. The decoder is JavaScript: strangers' bytes come here, and the package's main entry would load a native parser,
 *       where a mistake does more harm than an exception. This entry does not.
 */
import { Packr } from "msgpackr/pack";
import { DecodeError } from "./decode-error.ts";

/** Containers inside containers. Our deepest message needs seven. */
const MSGPACK_DEPTH_MAX = 16;

const packr = new Packr({ useRecords: false, mapsAsObjects: true });

/** The bytes returned are the caller's: they are never overwritten. */
export function encodeMsgpack(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** @throws DecodeError */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  checkStructure(bytes);
  try {
    return packr.unpack(bytes) as unknown;
  } catch (cause) {
    throw new DecodeError(`not decodable: ${(cause as Error).message}`, { cause });
  }
}

function checkStructure(bytes: Uint8Array): void {
  const end = bytes.length;
  const outer: number[] = [];
  let remaining = 1;
  let position = 0;
  for (;;) {
    while (remaining === 0) {
      const next = outer.pop();
      if (next === undefined) {
        if (position !== end) throw new DecodeError(`${end - position} bytes too many`);
        return;
      }
      remaining = next;
    }
    remaining -= 1;
    if (position >= end) throw new DecodeError(`truncated at byte ${position}`);
    const token = bytes[position++] ?? 0;
    if (token < 0x80 || token >= 0xe0) continue;
    let children = 0;
    if (token < 0x90) children = 2 * (token & 0x0f);
    else if (token < 0xa0) children = token & 0x0f;
    else if (token < 0xc0) position += token & 0x1f;
    else {
      const layout = LAYOUTS[token - 0xc0];
      if (layout === undefined) throw new DecodeError(`type ${token} at byte ${position - 1}`);
      const count = readLength(bytes, position, layout.lengthBytes);
      position += layout.lengthBytes + layout.fixed;
      if (layout.perCount === 0) position += count;
      else children = layout.perCount * count;
    }
    if (position > end) throw new DecodeError(`truncated at byte ${end}`);
    if (children === 0) continue;
    if (children > end - position) throw new DecodeError(`more elements than bytes at ${position}`);
    if (outer.length >= MSGPACK_DEPTH_MAX) throw new DecodeError("nested too deep");
    outer.push(remaining);
    remaining = children;
  }
}

interface Layout {
  /** Bytes of a length or count behind the token. */
  readonly lengthBytes: number;
  /** Bytes of payload beside those that the length counts. */
  readonly fixed: number;
  /** 0: the length counts bytes. Otherwise: elements per count. */
  readonly perCount: 0 | 1 | 2;
}
const scalar = (fixed: number): Layout => ({ lengthBytes: 0, fixed, perCount: 0 });
const run = (lengthBytes: number): Layout => ({ lengthBytes, fixed: 0, perCount: 0 });

const elements = (lengthBytes: number, perCount: 1 | 2): Layout => ({
  lengthBytes,
  fixed: 0,
  perCount,
});

/** Tokens 0xc0 to 0xdf. The missing ones are extensions: they carry types of other programs, and none of them is ours. */
const LAYOUTS: readonly (Layout | undefined)[] = Array.from({ length: 32 }, (_, index) =>
  new Map<number, Layout>([
    [0xc0, scalar(0)], // null
    [0xc2, scalar(0)], // false
    [0xc3, scalar(0)], // true
    [0xc4, run(1)], // bytes
    [0xc5, run(2)],
    [0xc6, run(4)],
    [0xca, scalar(4)], // floats
    [0xcb, scalar(8)],
    [0xcc, scalar(1)], // unsigned integers
    [0xcd, scalar(2)],
    [0xce, scalar(4)],
    [0xd0, scalar(1)], // signed integers
    [0xd1, scalar(2)],
    [0xd2, scalar(4)],
    [0xd9, run(1)], // strings
    [0xda, run(2)],
    [0xdb, run(4)],
    [0xdc, elements(2, 1)], // arrays
    [0xdd, elements(4, 1)],
    [0xde, elements(2, 2)], // maps
    [0xdf, elements(4, 2)],
  ]).get(0xc0 + index),
);

function readLength(bytes: Uint8Array, position: number, lengthBytes: number): number {
  let length = 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[position + i] ?? 0);
  return length;
}
