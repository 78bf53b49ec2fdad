import { ownBytes } from "./own-bytes.ts";
import type { Bytes } from "./types.ts";

/**
 * The given bytes as the client's own: the caller may write to its buffer again at once, long before the request leaves. A string, which
 * `wrongBytes` has checked, stands for its UTF-8 bytes. Small buffers share a pool: cheaper than TextEncoder's own array for each.
 */
export function bytesOf(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? Buffer.from(bytes, "utf8") : ownBytes(bytes);
}
