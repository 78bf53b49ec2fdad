/** Hands the gathered writes of clients to the core, unless they would be lost there. */
import { assert } from "../../base/index.ts";
import { ballotText, type NodeId, type OmniPaxos } from "../../omnipaxos/index.ts";
import type { SnapshotName } from "../../protocol/messages/index.ts";
import type { Proposals } from "./proposals.ts";
import type { Route } from "../requests/route.ts";
import type { Standing } from "./standing.ts";

/** @param sessionsWith how many sessions with a peer there were so far */
export function propose(
  core: OmniPaxos<Uint8Array, SnapshotName>,
  proposals: Proposals<Route>,
  standing: () => Standing,
  sessionsWith: (peer: NodeId) => number,
  nowMs: number,
): void {
  if (proposals.isEmpty) return proposals.endTurn(nowMs);
  const stands = standing();
  const isNoUse = stands.kind === "cutOff" || core.contradiction !== null;
  if (isNoUse) return proposals.endTurn(nowMs);
  const { promise } = core;
  const follows = stands.kind === "following";
  // A session that ended may have lost what was on its way to the leader; a leader's own proposals cannot get lost.
  const way = follows ? sessionsWith(stands.leader) : 0;
  const leadership = `${ballotText(promise)}/${way}`;
  for (const batch of proposals.nextBatches(nowMs, leadership, follows)) {
    const result = core.append(batch.entry);
    assert(result.ok, "this configuration is never sealed while clients are served");
  }
  proposals.endTurn(nowMs);
}
