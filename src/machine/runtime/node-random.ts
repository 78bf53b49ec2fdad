import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../ports/index.ts";

const POOL_WORDS = 256;

/** Unpredictable. Numbers are drawn from a pool: one call of the system for many of them. */
export function createNodeRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS);
  let next = POOL_WORDS;
  return {
    uint32(): number {
      if (next === POOL_WORDS) {
        randomFillSync(pool);
        next = 0;
      }
      return pool[next++] ?? 0;
    },
    bytes: (length) => randomBytes(length),
  };
}
