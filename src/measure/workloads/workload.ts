/** The requests of the load generator: the same sequence from the same seed. */
import type { Finished, Target } from "./target.ts";

export const OPERATIONS = ["put", "get", "local", "mix"] as const;
/** put; get, linearizable; local, a get from the node's own state; mix, puts and linearizable gets in equal parts. */
export type BenchOperation = (typeof OPERATIONS)[number];

export interface WorkloadOptions {
  readonly operation: BenchOperation;
  /** How many different keys; each request takes one at random. */
  readonly keys: number;
  /** Bytes of a value. */
  readonly valueBytes: number;
  readonly seed: number;
}

const KEY_PREFIX = "bench/";
const KEY_DIGITS = 10;
/** Enough that no two neighbouring writes carry the same bytes, few enough to stay in the cache. */
const VALUES = 16;

/** 16 bytes. */
export function benchKey(number: number): Uint8Array {
  return Buffer.from(KEY_PREFIX + String(number).padStart(KEY_DIGITS, "0"), "latin1");
}

/** xorshift32: cheap, and good enough to spread keys. */
function createRandom(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #random: () => number;
  readonly #values: readonly Uint8Array[];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#values = Array.from({ length: VALUES }, () => {
      const value = new Uint8Array(options.valueBytes);
      for (let i = 0; i < value.length; i++) value[i] = this.#random() & 0xff;
      return value;
    });
  }

  /** Whether the next request is a put. */
  nextIsPut(): boolean {
    const { operation } = this.#options;
    return operation === "put" || (operation === "mix" && (this.#random() & 0x100) !== 0);
  }

  /** Whether a get may be answered from the node's own state. */
  get readsLocally(): boolean {
    return this.#options.operation === "local";
  }

  nextKey(): Uint8Array {
    return benchKey(this.#random() % this.#options.keys);
  }

  nextValue(): Uint8Array {
    return this.#values[this.#random() % VALUES] ?? new Uint8Array(0);
  }
}

/** Asks the next one. @returns true, for a loop that goes on */
export function askNext(workload: Workload, target: Target, caller: number, done: Finished): true {
  if (workload.nextIsPut()) target.put(caller, workload.nextKey(), workload.nextValue(), done);
  else target.get(caller, workload.nextKey(), workload.readsLocally, done);
  return true;
}
