import type { ByteString } from "../../base/index.ts";
import type { PlaceSeed } from "./place-hash.ts";

/**
 * A key where it stands in the bytes that it came in. To make a string of it costs more than to find it, and most commands
 * name keys that there are already.
 */
export interface KeySource {
  readonly keyLength: number;
  /** A copy. */
  key(): ByteString;
  isKey(other: ByteString): boolean;
  /** As `placeHash`. */
  keyPlace(seed: PlaceSeed): number;
}
