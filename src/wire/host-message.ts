import type { Ballot } from "../omnipaxos/index.ts";

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
  /** What the sender's state was at these indexes. */
  | ({ readonly type: "stateHashes" } & StateHashes);

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
