/** What the machine itself takes for one durable write, at the time of the comparison. */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LatencyHistogram } from "../reports/histogram.ts";

export interface SyncLatency {
  readonly p50Us: number;
  readonly p99Us: number;
}

const BLOCK_BYTES = 4096;
const ROUNDS = 500;

/** Write and fdatasync of 4 KiB, one after the other, in a file whose space was written before. */
export function measureSync(directory: string): SyncLatency {
  const file = join(directory, "sync-latency");
  const handle = openSync(file, "w");
  const histogram = new LatencyHistogram();
  try {
    ftruncateSync(handle, 0);
    writeSync(handle, Buffer.alloc(BLOCK_BYTES * ROUNDS), 0, BLOCK_BYTES * ROUNDS, 0);
    fdatasyncSync(handle);
    const block = Buffer.alloc(BLOCK_BYTES, 1);
    for (let i = 0; i < ROUNDS; i++) {
      const started = performance.now();
      writeSync(handle, block, 0, BLOCK_BYTES, i * BLOCK_BYTES);
      fdatasyncSync(handle);
      histogram.record((performance.now() - started) * 1000);
    }
  } finally {
    closeSync(handle);
    rmSync(file, { force: true });
  }
  return { p50Us: histogram.quantileUs(0.5), p99Us: histogram.quantileUs(0.99) };
}
