/**
 * In the bundle this stands for src/links/handshake/proof-hash.ts. Why not the browser's own functions: they are asynchronous, and
 * absent on pages that came over plain HTTP from another machine.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** As of the file that it stands for. */
export function hmacSha256(key: string, parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoder = new TextEncoder();
  const state = hmac.create(sha256, encoder.encode(key));
  for (const part of parts) state.update(typeof part === "string" ? encoder.encode(part) : part);
  return state.digest();
}

/** As of the file that it stands for. */
export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new RangeError("inputs of different lengths");
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
