import type { Agreement } from "./trust/agreement.ts";
import type { Refusal } from "./writes/client-writes.ts";
import { nodesText } from "./requests/nodes-text.ts";

/** What node `pid` tells its clients while it is not known to be in the right (Replica, REPLICA-4). Null: it may serve. */
export function divergedRefusal(pid: number, agreement: Agreement): Refusal | null {
  if (agreement.mayServe) return null;
  const peers = agreement.alarms.map(({ peer }) => peer);
  const reason = `the state of node ${pid} differs from that of ${nodesText(peers)}, and no majority says yet which is right; nothing was done`;
  return { code: "DIVERGED", reason };
}
