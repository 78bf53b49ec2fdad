import type { NodeId } from "../omnipaxos/index.ts";

import { wayOut } from "../storage/way-out.ts";

/** What a node is told that comes back under a known id with another data directory, the ways out included. */
export function lostIdentityText(peer: NodeId): string {
  return (
    `node ${peer} has taken part with another data directory and may have promised or accepted what this one does not ` +
    `hold, so letting it in could lose acknowledged writes. Start it with its old data directory. If that is gone for ` +
    `good: ${wayOut()}`
  );
}
