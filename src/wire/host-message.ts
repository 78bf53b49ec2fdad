import type { Ballot } from "../omnipaxos/index.ts";
import type { DurableClaims } from "./peer-hello.ts";

/** Names one snapshot of the decided prefix [0, idx): what travels in a log sync instead of the state itself. */
export interface SnapshotName {
  readonly idx: number;
  readonly bytes: number;
  readonly crc: number;
}

/**
 * What nodes say to each other beside the protocol: linearizable reads (ADR 0002), snapshot streaming, and serving a
 * client through a neighbour. None of it is retransmitted by the link; whoever asks, asks again.
 */
export type HostMessage =
  /** To the leader: "which index must my reads wait for?" `n` is the sender's promise when it sent, so it is also an ack of n. */
  | { readonly type: "readRequest"; readonly id: number; readonly n: Ballot }
  /** From the leader of n: "is n still your promise?" */
  | { readonly type: "readProbe"; readonly id: number; readonly n: Ballot }
  | { readonly type: "readAck"; readonly id: number; readonly n: Ballot }
  | { readonly type: "readIndex"; readonly id: number; readonly idx: number }
  /** Not the leader of n (any more): ask somebody else. */
  | { readonly type: "readRefused"; readonly id: number }
  /** Leaderless read: "how long is your accepted log?" */
  | { readonly type: "quorumRead"; readonly id: number }
  | { readonly type: "quorumReadAck"; readonly id: number; readonly acceptedIdx: number }
  | { readonly type: "snapshotRequest"; readonly snapshot: SnapshotName; readonly offset: number }
  | {
      readonly type: "snapshotChunk";
      readonly snapshot: SnapshotName;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "snapshotGone"; readonly snapshot: SnapshotName }
  /**
   * A client's frame, to be served by a neighbour because this node is not fed by a leader. `id` names the client's
   * connection, `ageTicks` how long the frame has waited, `maybeProposed` that it may be on its way into the log already.
   */
  | ({ readonly type: "relayRequest" } & RelayedFrame)
  /** The neighbour is not fed either and has done nothing with it. */
  | ({ readonly type: "relayReturned" } & RelayedFrame)
  | { readonly type: "relayAnswer"; readonly id: number; readonly frame: Uint8Array }
  /** The first message of each session, and again and again: see ADR 0006. */
  | ({ readonly type: "report" } & NodeReport)
  /**
   * From a disk that is to take the place of a lost one, to the leader of n: "I follow n; bring my log in line." It is no
   * promise: a leader that is still preparing takes no notice.
   */
  | {
      readonly type: "joinRequest";
      readonly n: Ballot;
      readonly acceptedRound: Ballot;
      readonly acceptedIdx: number;
      readonly decidedIdx: number;
    }
  /** What the sender's state was at these indexes. */
  | ({ readonly type: "stateHashes" } & StateHashes);

/** What a node tells its peers of itself, and of the disks that it knows. */
export interface NodeReport {
  /** In memory: at least every promise that has left this node, or will leave it with what is being written. */
  readonly promise: Ballot;
  /** False: it asks to take the place of a lost disk, and votes for nothing. */
  readonly joined: boolean;
  readonly durable: DurableClaims;
  readonly places: readonly DiskPlace[];
}

/** Which data directory stands behind a node's id. */
export interface DiskPlace {
  readonly node: number;
  readonly incarnation: string;
  /** 0 for the first disk under that id, one more for each that took its place. */
  readonly generation: number;
}

export interface StateHashes {
  /** Of the state that the sender applies to: another one in each process, and after each snapshot it took over. */
  readonly life: number;
  /** Ascending. */
  readonly checkpoints: readonly StateCheckpoint[];
}

/** The state for the log prefix [0, idx): both halves of its hash, as unsigned 32-bit integers. */
export interface StateCheckpoint {
  readonly idx: number;
  readonly content: number;
  readonly history: number;
}

/** In one message. */
export const STATE_CHECKPOINTS_MAX = 64;

export interface RelayedFrame {
  readonly id: number;
  readonly frame: Uint8Array;
  readonly ageTicks: number;
  readonly maybeProposed: boolean;
}

export type HostMessageType = HostMessage["type"];
