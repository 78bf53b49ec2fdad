import type { ByteString } from "../../base/index.ts";
import { KEY_OVERHEAD_BYTES } from "../history/state-size.ts";

/** The characters with which people separate the parts of a key. */
const SEPARATORS = "/:.-_|# ";
/** Of a key without a separator. */
const PREFIX_BYTES = 4;
const PREFIX_BYTES_MAX = 32;
const PREFIXES_MAX = 3;
/** A prefix with a smaller share is not worth naming. */
const SHARE_MIN = 0.05;

export interface PrefixShare {
  readonly prefix: ByteString;
  /** Of the bytes of all keys and values, from 0 to 1. */
  readonly share: number;
}

/** Where most of the bytes are, judged by a sample of the keys. */
export function largestPrefixes(
  sample: Iterable<{ readonly key: ByteString; readonly value: ByteString }>,
): PrefixShare[] {
  const bytes = new Map<ByteString, number>();
  let all = 0;
  for (const { key, value } of sample) {
    const size = key.length + value.length + KEY_OVERHEAD_BYTES;
    const prefix = prefixOf(key);
    bytes.set(prefix, (bytes.get(prefix) ?? 0) + size);
    all += size;
  }
  return [...bytes]
    .map(([prefix, size]) => ({ prefix, share: size / all }))
    .filter(({ share }) => share >= SHARE_MIN)
    .sort((a, b) => b.share - a.share)
    .slice(0, PREFIXES_MAX);
}

function prefixOf(key: ByteString): ByteString {
  for (let i = 1; i < Math.min(key.length, PREFIX_BYTES_MAX); i++) {
    if (SEPARATORS.includes(key.charAt(i))) return key.slice(0, i + 1) as ByteString;
  }
  return key.slice(0, PREFIX_BYTES) as ByteString;
}
