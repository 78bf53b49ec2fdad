/** How a newcomer comes by its leader's log (joining.ts): by a message of its own, as a promise would be counted. */
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

/** JOIN-4. What the leader takes it for while accepting: a late promise is answered with all that its sender lacks. */
export function lateJoiner(core: Core, request: JoinRequest): NodePaxosMessage | null {
  const { n, acceptedRound, acceptedIdx, decidedIdx } = request;
  if (core.adoptedIdx === null || !ballotsEqual(core.promise, n)) return null;
  return { type: "promise", n, acceptedRound, acceptedIdx, decidedIdx, logSync: null };
}
