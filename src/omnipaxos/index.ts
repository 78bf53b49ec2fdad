/**
 * The protocol core, OmniPaxos, by itself: it decides on a log and does no input or output. README.md beside this file shows how to host it.
 *
 * @module omnikv/omnipaxos
 */
export { BALLOT_BOTTOM, ballotsEqual, ballotText, compareBallots } from "./ballot.ts";
export type { Ballot, NodeId } from "./ballot.ts";
export type { PeerView } from "./ballot-leader-election.ts";
export { quorumOf, resolveConfig, validateClusterConfig } from "./config.ts";
export type { Contradiction } from "./contradiction.ts";
export type { OmniPaxosConfig, Quorum, ResolvedConfig, SnapshotPolicy } from "./config.ts";
export type { DurableState, Effects, Outgoing, Write, WriteGroup, WriteSeq } from "./effects.ts";
export { ConfigError, InvariantError } from "./errors.ts";
export type {
  CompactionError,
  CompactionResult,
  Failure,
  HandOverError,
  HandOverResult,
  ProposeError,
  ProposeResult,
  ReconfigureError,
  ReconfigureResult,
  Result,
  Success,
} from "./errors.ts";
export type { Input } from "./inputs.ts";
export type {
  Accepted,
  AcceptDecide,
  AcceptStopSign,
  AcceptSync,
  ClusterConfig,
  CompactionMessage,
  CompleteSnapshot,
  Decide,
  DeltaSnapshot,
  Envelope,
  ForwardStopSign,
  HeartbeatReply,
  HeartbeatRequest,
  LogSync,
  NotAccepted,
  PaxosMessage,
  Prepare,
  PrepareReq,
  Progress,
  PromiseMessage,
  ProposalForward,
  SequenceNumber,
  Snapshot,
  StopSign,
  TakeOver,
} from "./messages.ts";
export { OmniPaxos } from "./omni-paxos.ts";
export type { LeaderView, NodeState } from "./omni-paxos.ts";
export type { DurableMark } from "./outbox.ts";
export type { LogRead } from "./reads.ts";
export type { PaxosCounters, Phase, Role } from "./sequence-paxos/state.ts";
