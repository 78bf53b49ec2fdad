/** This node's links to its peers. */
export { type Direction, DIRECTIONS } from "./drop-table.ts";
export type { LinkStatus } from "./link-status.ts";
export type { PeerLinksLimits, PeerPresence, PeerRefusal } from "./peer-links-options.ts";
export { PeerLinks } from "./peer-links.ts";
