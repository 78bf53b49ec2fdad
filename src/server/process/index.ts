/** One process that serves, or several of them. */
export { finalError } from "./final-error.ts";
export {
  FLAG_DEFAULTS,
  readServerOptions,
  type ServerFlags,
  type ServerOptions,
} from "./options.ts";
export { type RunningServer, startServer } from "./server.ts";
export { ServingNode } from "./serving-node.ts";
