import type { ByteString } from "../../base/index.ts";
import type { KeySource } from "./key-source.ts";
import { placeHash, type PlaceSeed } from "./place-hash.ts";

/** A key that is a string already. */
export class StringKey implements KeySource {
  readonly #key: ByteString;

  constructor(key: ByteString) {
    this.#key = key;
  }

  get keyLength(): number {
    return this.#key.length;
  }

  key(): ByteString {
    return this.#key;
  }

  isKey(other: ByteString): boolean {
    return other === this.#key;
  }

  keyPlace(seed: PlaceSeed): number {
    return placeHash(this.#key, seed);
  }
}
