/**
 * What proofs are made of. A file of its own, because browsers have no such functions that answer at once: the page's bundle has
 * src/page/browser/proof-hash.ts in its place, which gives the same (scripts/build-page.mjs).
 */

/** Loaded with the first proof: a program that only imports the client must not wait for it. */
const crypto = () => process.getBuiltinModule("node:crypto");

/** HMAC-SHA-256 of all parts, one after the other. @param key text stands for its UTF-8 bytes, here and in the parts */
export function hmacSha256(key: string, parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hmac = crypto().createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/**
 * Takes as long wherever they differ.
 * @throws RangeError when the lengths differ
 */
export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return crypto().timingSafeEqual(a, b);
}
