/** One node put together over the ports. */
export { ENTRY_CHANNEL } from "./entry-channel.ts";
export { ListenError } from "./listen-error.ts";
export { Node } from "./node.ts";
export type { Machine } from "./machine.ts";
export { DEFAULT_TIMING, NODE_DEFAULTS, type NodeOptions } from "./options.ts";
export type { NodeSight } from "./sight.ts";
