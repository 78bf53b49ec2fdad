import type { Random } from "../ports/index.ts";

/** Loaded with the first use: a program that only imports the client must not wait for it. */
const crypto = () => process.getBuiltinModule("node:crypto");

const POOL_WORDS = 256;

/** Unpredictable. Numbers are drawn from a pool: one call of the system for many of them. */
export function createNodeRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS);
  let next = POOL_WORDS;
  return {
    uint32(): number {
      if (next === POOL_WORDS) {
        crypto().randomFillSync(pool);
        next = 0;
      }
      return pool[next++] ?? 0;
    },
    bytes: (length) => crypto().randomBytes(length),
  };
}
