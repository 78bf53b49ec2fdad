import type { LinkFault } from "../../base/index.ts";
import type { AdminLink } from "./admin.ts";

/** What the node that tells of this link does to messages of one direction, as seen from it. */
export function toldFault(link: AdminLink, direction: "in" | "out"): LinkFault {
  return direction === "in"
    ? { dropPermille: link.dropPermilleIn, delayMs: link.delayMsIn }
    : { dropPermille: link.dropPermilleOut, delayMs: link.delayMsOut };
}
