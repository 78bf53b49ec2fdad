/** One client that works on a key of its own and notices when anything goes wrong with it. */
import type { KvClient } from "../../src/client/kv-client.ts";

export interface Load {
  /** Milliseconds that the slowest request took. */
  readonly slowestMs: number;
  readonly requests: number;
  readonly failures: readonly string[];
}

export interface RunningLoad {
  stop(): Promise<Load>;
  /** Requests so far. */
  count(): number;
}

/** Writes a key and reads it back, again and again. */
export function startLoad(client: KvClient, key: string): RunningLoad {
  const failures: string[] = [];
  let [slowestMs, requests, isStopping] = [0, 0, false];
  const timed = async (request: () => Promise<unknown>): Promise<void> => {
    const begin = performance.now();
    try {
      await request();
    } catch (error) {
      failures.push(String(error));
    }
    slowestMs = Math.max(slowestMs, performance.now() - begin);
    requests += 1;
  };
  const loop = (async (): Promise<void> => {
    for (let i = 0; !isStopping; i += 1) {
      await timed(() => client.write(key, String(i)));
      await timed(async () => {
        const read = await client.read(key);
        if (read.text() !== String(i)) throw new Error(`read ${read.text()} after ${i}`);
      });
    }
  })();
  return {
    stop: async () => {
      isStopping = true;
      await loop;
      return { slowestMs, requests, failures };
    },
    count: () => requests,
  };
}
