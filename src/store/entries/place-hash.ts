/**
 * Where a key stands in the index: HalfSipHash-1-3 over its bytes, with a seed of this process. Clients choose the keys: if they
 * knew the hash, they could have all keys fall into one place, and slow down the look-ups of every client.
 *
 * Nothing of it may leave the process: other nodes have other seeds, and their states must be the same nevertheless.
 */
import type { ByteString } from "../../base/index.ts";

/** Two times 32 bits. */
export interface PlaceSeed {
  readonly low: number;
  readonly high: number;
}

/** For tests and measurements. */
export const FIXED_SEED: PlaceSeed = { low: 0x2545_f491, high: 0x4f6c_dd1d };

/** 32 bits, signed. The rounds are written out, here and below: this runs for every key that is looked for. */
export function placeHash(key: ByteString, { low, high }: PlaceSeed): number {
  const length = key.length;
  const whole = length & ~3;
  let a = low | 0;
  let b = high | 0;
  let c = low ^ 0x6c79_6765;
  let d = high ^ 0x7465_6462;
  for (let i = 0; i < whole; i += 4) {
    const block =
      key.charCodeAt(i) |
      (key.charCodeAt(i + 1) << 8) |
      (key.charCodeAt(i + 2) << 16) |
      (key.charCodeAt(i + 3) << 24);
    d ^= block;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= block;
  }
  // The last bytes and the length, and then three rounds without a block.
  let block = length << 24;
  for (let i = whole; i < length; i++) block |= key.charCodeAt(i) << (8 * (i - whole));
  for (let round = 0; round < 4; round++) {
    d ^= block;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= block;
    if (round === 0) c ^= 0xff;
    block = 0;
  }
  return b ^ d;
}

/** The same of view[start, end). */
export function placeHashOfBytes(
  view: DataView,
  start: number,
  end: number,
  { low, high }: PlaceSeed,
): number {
  const length = end - start;
  const whole = end - (length & 3);
  let a = low | 0;
  let b = high | 0;
  let c = low ^ 0x6c79_6765;
  let d = high ^ 0x7465_6462;
  for (let i = start; i < whole; i += 4) {
    const block = view.getInt32(i, true);
    d ^= block;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= block;
  }
  // The last bytes and the length, and then three rounds without a block.
  let block = length << 24;
  for (let i = whole; i < end; i++) block |= view.getUint8(i) << (8 * (i - whole));
  for (let round = 0; round < 4; round++) {
    d ^= block;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= block;
    if (round === 0) c ^= 0xff;
    block = 0;
  }
  return b ^ d;
}
