/** How a newcomer gets its leader's log (joining.ts): it sends a message of its own kind, as a leader would count a promise. */
import { ballotsEqual, type Ballot, type OmniPaxos } from "../../omnipaxos/index.ts";
import type {
  ReplicaMessage,
  NodePaxosMessage,
  SnapshotName,
} from "../../protocol/messages/index.ts";

type Core = OmniPaxos<Uint8Array, SnapshotName>;
type JoinRequest = Extract<ReplicaMessage, { type: "joinRequest" }>;

/** The core has promised what the leader prepares; the promise itself stays here (JOIN-4). Null: it has not. */
export function joinRequestFor(core: Core, n: Ballot): JoinRequest | null {
  const { promise, phase, acceptedRound, acceptedIdx, decidedIdx } = core;
  if (!ballotsEqual(promise, n) || phase !== "prepare") return null;
  return { type: "joinRequest", n, acceptedRound, acceptedIdx, decidedIdx };
}

/** JOIN-4. The leader takes it for a late promise while accepting, and answers that with all that its sender lacks. */
export function lateJoiner(core: Core, request: JoinRequest): NodePaxosMessage | null {
  const { n, acceptedRound, acceptedIdx, decidedIdx } = request;
  if (core.adoptedIdx === null || !ballotsEqual(core.promise, n)) return null;
  return { type: "promise", n, acceptedRound, acceptedIdx, decidedIdx, logSync: null };
}
