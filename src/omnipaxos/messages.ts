import type { Ballot, NodeId } from "./ballot.ts";

/** Position of a message in the leader's stream to one follower; a new session starts with each AcceptSync. */
export interface SequenceNumber {
  readonly session: number;
  readonly counter: number;
}

/** Which configuration follows, and what the application wants to tell it. The last entry of a sealed log. */
export interface StopSign {
  readonly nextConfig: ClusterConfig;
  readonly metadata: Uint8Array | null;
}

/** The nodes of one configuration and its quorums: fixed for the life of a log. */
export interface ClusterConfig {
  /** Positive; grows with each reconfiguration. */
  readonly configurationId: number;
  readonly nodes: readonly NodeId[];
  /** Default: majorities. read + write must exceed the number of nodes, read >= write. */
  readonly flexibleQuorum?: { readonly read: number; readonly write: number };
}

/**
 * The decided prefix [0, idx) of a log as a value of the application's.
 * `delta` snapshots hold [baseIdx, idx) only and are merged onto a base of exactly baseIdx.
 */
export type Snapshot<S> = CompleteSnapshot<S> | DeltaSnapshot<S>;
/** A snapshot of all that was decided before `idx`. */
export interface CompleteSnapshot<S> {
  readonly kind: "complete";
  readonly idx: number;
  readonly value: S;
}
/** A snapshot of what was decided from `baseIdx` on and before `idx`. */
export interface DeltaSnapshot<S> {
  readonly kind: "delta";
  readonly baseIdx: number;
  readonly idx: number;
  readonly value: S;
}

/** What brings a log in line with the sender's: snapshot first, then cut at syncIdx, then append suffix. */
export interface LogSync<T, S> {
  readonly snapshot: Snapshot<S> | null;
  /** Counts entries only, never the stop-sign (S1, deviations.md). */
  readonly syncIdx: number;
  readonly suffix: readonly T[];
  readonly stopSign: StopSign | null;
}

/** The question of a heartbeat round, to every peer. */
export interface HeartbeatRequest {
  readonly type: "heartbeatRequest";
  readonly round: number;
  /** Random per process start, so that a reply to an earlier incarnation is not counted (S24). */
  readonly incarnation: number;
}
/** The answer to it: the replying node's ballot, the leader that it follows, and whether that leader reaches a quorum. */
export interface HeartbeatReply {
  readonly type: "heartbeatReply";
  readonly round: number;
  readonly incarnation: number;
  readonly ballot: Ballot;
  readonly leader: Ballot;
  readonly happy: boolean;
}
/** The sender asks the leader of `n` to prepare it anew: it has lost messages of the leader's. */
export interface PrepareReq {
  readonly type: "prepareReq";
  readonly n: Ballot;
}
/** The leader of `n` opens its round at a follower, and says how far its own log goes. */
export interface Prepare {
  readonly type: "prepare";
  readonly n: Ballot;
  readonly decidedIdx: number;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
}
/** The follower takes part in no round below `n` any more, and hands over what the leader lacks. */
export interface PromiseMessage<T, S> {
  readonly type: "promise";
  readonly n: Ballot;
  readonly acceptedRound: Ballot;
  readonly decidedIdx: number;
  readonly acceptedIdx: number;
  /** Present only when the follower is ahead of what the Prepare named. */
  readonly logSync: LogSync<T, S> | null;
}
/** The first message of a stream session: brings the follower's log in line with the leader's. */
export interface AcceptSync<T, S> {
  readonly type: "acceptSync";
  readonly n: Ballot;
  readonly seq: SequenceNumber;
  readonly decidedIdx: number;
  readonly logSync: LogSync<T, S>;
}
/** Entries to be accepted, and how far the log is decided. */
export interface AcceptDecide<T> {
  readonly type: "acceptDecide";
  readonly n: Ballot;
  readonly seq: SequenceNumber;
  readonly decidedIdx: number;
  readonly entries: readonly T[];
}
/** The sender's log is on its disk below `acceptedIdx`, under the round `n`. */
export interface Accepted {
  readonly type: "accepted";
  readonly n: Ballot;
  readonly acceptedIdx: number;
  /** What the sender has decided and has on disk: a trim may rely on it, even if the sender restarts (S6). */
  readonly decidedIdx: number;
}
/** The log is decided below `decidedIdx`. */
export interface Decide {
  readonly type: "decide";
  readonly n: Ballot;
  readonly seq: SequenceNumber;
  readonly decidedIdx: number;
}
/** The stop-sign is to be accepted behind the entries. */
export interface AcceptStopSign {
  readonly type: "acceptStopSign";
  readonly n: Ballot;
  readonly seq: SequenceNumber;
  readonly stopSign: StopSign;
}
/** The sender has promised the higher ballot `n`: the receiver's round is over. */
export interface NotAccepted {
  readonly type: "notAccepted";
  readonly n: Ballot;
}
/** A follower hands its clients' entries on to the leader. */
export interface ProposalForward<T> {
  readonly type: "proposalForward";
  readonly entries: readonly T[];
}
/** A follower hands a stop-sign on to the leader. */
export interface ForwardStopSign {
  readonly type: "forwardStopSign";
  readonly stopSign: StopSign;
}
/** The leader tells its followers to forget a prefix of the log. */
export interface CompactionMessage {
  readonly type: "compaction";
  readonly compaction:
    | { readonly kind: "trim"; readonly idx: number }
    | { readonly kind: "snapshot"; readonly idx: number | null };
}
/**
 * Not in the reference: the leader's periodic "this is where your stream stands", sent by the resend timer. A follower
 * behind `seq` has lost something and asks for a resync; one that is level takes decidedIdx and repeats its Accepted (S5).
 */
export interface Progress {
  readonly type: "progress";
  readonly n: Ballot;
  readonly seq: SequenceNumber;
  readonly decidedIdx: number;
}

/** Not in the reference: the leader of n is about to end and asks this follower to lead in its place (hand-over.ts). */
export interface TakeOver {
  readonly type: "takeOver";
  readonly n: Ballot;
}

/** Every message that nodes send each other; `type` tells them apart. */
export type PaxosMessage<T, S> =
  | HeartbeatRequest
  | HeartbeatReply
  | PrepareReq
  | Prepare
  | PromiseMessage<T, S>
  | AcceptSync<T, S>
  | AcceptDecide<T>
  | Accepted
  | Decide
  | AcceptStopSign
  | NotAccepted
  | ProposalForward<T>
  | ForwardStopSign
  | CompactionMessage
  | Progress
  | TakeOver;

/** A message on its way from one node to another. */
export interface Envelope<T, S> {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PaxosMessage<T, S>;
}
