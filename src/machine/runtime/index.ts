/** Clock, randomness and diagnostics of Node.js. */
export { diagnosticsChannel } from "./diagnostics.ts";
export { nodeClock } from "./node-clock.ts";
export { createNodeRandom } from "./node-random.ts";
export { timeLimit } from "./time-limit.ts";
