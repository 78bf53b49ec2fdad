import type { ByteString } from "../../src/kv/index.ts";
import type { KeySource } from "../../src/kv/key-source.ts";
import { placeHash } from "../../src/kv/place-hash.ts";

/** A key that is a string already, for tests. */
export function keyOf(key: ByteString): KeySource {
  return {
    keyLength: key.length,
    key: () => key,
    isKey: (other) => other === key,
    keyPlace: (seed) => placeHash(key, seed),
  };
}
