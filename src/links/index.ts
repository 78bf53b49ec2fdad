/** This node's links to its peers. */
export { BROKEN, type Direction, DIRECTIONS, type LinkFault, NO_FAULT } from "./drop-table.ts";
export type { LinkStatus } from "./link-status.ts";
export type { PeerLinksLimits, PeerPresence, PeerRefusal } from "./peer-links-options.ts";
export { PeerLinks } from "./peer-links.ts";
