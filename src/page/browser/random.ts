import type { Random } from "../../machine/ports/index.ts";

/** Unpredictable numbers, from the browser's own source. */
export const browserRandom: Random = {
  uint32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  },
  bytes(length: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(length));
  },
};
