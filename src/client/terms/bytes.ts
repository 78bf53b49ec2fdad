import { ownBytes } from "./own-bytes.ts";
import type { Bytes } from "./types.ts";

/**
 * What was given as bytes of the client's own: the caller may write to a buffer again at once, long before the request leaves.
 * A string, which `wrongBytes` has looked at, stands for its UTF-8 bytes. Small buffers share a pool: cheaper than TextEncoder's own array for each.
 */
export function bytesOf(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? Buffer.from(bytes, "utf8") : ownBytes(bytes);
}
