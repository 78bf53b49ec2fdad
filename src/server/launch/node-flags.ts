/**
 * Flags of Node.js for a server. scripts/omnikv.sh says the same.
 *
 * Young objects get 4 MiB instead of 16: nearly all of them die at once with either size, a collection takes a third of the time,
 * and a server takes 25 MiB less (docs/performance.md, "Memory").
 */
export const NODE_FLAGS: readonly string[] = ["--enable-source-maps", "--max-semi-space-size=4"];
