/**
 * In the bundle this stands for node's crypto module, of which handshake and sessions use three functions. Why not the browser's
 * own: it is asynchronous, and absent on pages that came over plain HTTP from another machine.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

export interface Hmac {
  update(data: string | Uint8Array): Hmac;
  digest(): Uint8Array;
}

/** @param key text stands for its UTF-8 bytes, here and in `update` */
export function createHmac(algorithm: "sha256", key: string): Hmac {
  if (algorithm !== "sha256") throw new Error(`no such algorithm here: ${String(algorithm)}`);
  const encoder = new TextEncoder();
  const state = hmac.create(sha256, encoder.encode(key));
  const self: Hmac = {
    update(data) {
      state.update(typeof data === "string" ? encoder.encode(data) : data);
      return self;
    },
    digest: () => state.digest(),
  };
  return self;
}

export interface Hash {
  update(data: Uint8Array): Hash;
  digest(): Uint8Array;
}

export function createHash(algorithm: "sha256"): Hash {
  if (algorithm !== "sha256") throw new Error(`no such algorithm here: ${String(algorithm)}`);
  const state = sha256.create();
  const self: Hash = {
    update(data) {
      state.update(data);
      return self;
    },
    digest: () => state.digest(),
  };
  return self;
}

/** @throws RangeError when the lengths differ */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new RangeError("inputs of different lengths");
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
