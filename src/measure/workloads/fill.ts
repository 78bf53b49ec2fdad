/** Every key once, so that reads find something. */
import { nodeClock } from "../../machine/runtime/index.ts";
import { startClosedLoop } from "./closed-loop.ts";
import type { Target } from "./target.ts";
import { benchKey, Workload } from "./workload.ts";

const FILL_CONCURRENCY = 256;
/** Under way at once: a node refuses what goes far beyond. */
const FILL_BYTES = 8 * 1024 * 1024;

/** @throws Error with the first refusal, as soon as it comes */
export function fillKeys(target: Target, keys: number, valueBytes: number): Promise<void> {
  const values = new Workload({ operation: "put", keys, valueBytes, seed: 0 });
  const fitting = Math.max(1, Math.floor(FILL_BYTES / Math.max(1, valueBytes)));
  return putAll(target, keys, Math.min(FILL_CONCURRENCY, fitting), (i) => [
    benchKey(i),
    values.nextValue(),
  ]);
}

/**
 * @param concurrency puts under way at once
 * @param entry key and value of each, from 0 to `count` - 1
 * @throws Error with the first refusal, as soon as it comes
 */
export async function putAll(
  target: Target,
  count: number,
  concurrency: number,
  entry: (i: number) => readonly [key: Uint8Array, value: Uint8Array],
): Promise<void> {
  let next = 0;
  await new Promise<void>((resolve, reject) => {
    const loop = startClosedLoop({
      callers: Math.min(concurrency, count),
      clock: nodeClock,
      ask: (caller, done) => {
        if (next >= count) return false;
        const [key, value] = entry(next++);
        target.put(caller, key, value, done);
        return true;
      },
      answered: (_caller, error) => {
        if (error === null) return;
        next = count;
        reject(new Error(`filling the store: ${error}`));
      },
    });
    void loop.ended.then(resolve);
  });
}
