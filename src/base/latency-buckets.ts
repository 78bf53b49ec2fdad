/** A latency histogram has so many buckets: they are coarse, so that recording costs nothing and a status stays small. */
export const LATENCY_BUCKETS = 40;

/** Upper bound of bucket i, from 0.1 ms on by steps of √2. */
export function latencyBoundMs(bucket: number): number {
  return 0.1 * 2 ** (bucket / 2);
}

/** @returns 0 to LATENCY_BUCKETS - 1 */
export function latencyBucket(ms: number): number {
  const bucket = Math.floor(2 * Math.log2(ms / 0.1)) + 1;
  // Not below 0 for no time at all, and not NaN.
  return bucket > 0 ? Math.min(bucket, LATENCY_BUCKETS - 1) : 0;
}
