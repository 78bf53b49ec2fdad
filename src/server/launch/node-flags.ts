/**
 * What Node.js is started with for a server. scripts/omnikv.sh says the same.
 *
 * Young objects get 4 MiB instead of 16: nearly all die at once whatever the size, a collection takes a third of the time,
 * and a server 25 MiB less (docs/performance.md, "Memory").
 */
export const NODE_FLAGS: readonly string[] = ["--enable-source-maps", "--max-semi-space-size=4"];
