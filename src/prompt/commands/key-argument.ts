/** A key as it was typed. */
import { KEY_BYTES_MAX } from "../../base/index.ts";
import { type Token, UsageError } from "../terminal/index.ts";

/** @throws UsageError when it is too long, or empty */
export function keyIn(token: Token | undefined): Uint8Array {
  const bytes = token?.bytes ?? new Uint8Array(0);
  if (bytes.length === 0) throw new UsageError("a key is at least one byte long");
  if (bytes.length > KEY_BYTES_MAX) {
    throw new UsageError(`a key is at most ${KEY_BYTES_MAX} bytes long, this one ${bytes.length}`);
  }
  return bytes;
}
