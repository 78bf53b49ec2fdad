import type { Actor } from "../../store/commands/index.ts";
import type { Ballot } from "../../omnipaxos/index.ts";

/** Names one snapshot of the decided prefix [0, idx): what travels in a log sync instead of the state itself. */
export interface SnapshotName {
  readonly idx: number;
  readonly bytes: number;
  readonly crc: number;
}

export function sameSnapshot(a: SnapshotName, b: SnapshotName): boolean {
  return a.idx === b.idx && a.crc === b.crc && a.bytes === b.bytes;
}

/**
 * Names a request, and comes back with its answer. An id alone is no name: it begins at 1 with every process, and an answer may
 * reach another process of the same node than the one that asked.
 */
export interface RequestName {
  /** Drawn at random by the asker when its process started. */
  readonly boot: number;
  /** Unique within that process; of a relayed frame, the client's connection. */
  readonly id: number;
}

/** A client's frame on its way to a neighbour, or back. */
export interface RelayedFrame {
  readonly frame: Uint8Array;
  /** How long it has waited. */
  readonly ageTicks: number;
  /** It may be on its way into the log already. */
  readonly maybeProposed: boolean;
  /** The client's user, as its node knows it: the node that serves the frame checks this user's rights. Null: no sign-in. */
  readonly actor: Actor | null;
}

/** An answer to a named request: only the process in the name may use it. */
export type ReplicaAnswer =
  | ({ readonly type: "readAck"; readonly n: Ballot } & RequestName)
  | ({ readonly type: "readIndex"; readonly idx: number } & RequestName)
  /** The sender is not the leader of n (any more): ask another node. */
  | ({ readonly type: "readRefused" } & RequestName)
  | ({ readonly type: "quorumReadAck"; readonly acceptedIdx: number } & RequestName)
  /** No leader reaches the neighbour either, and it has done nothing with the frame. */
  | ({ readonly type: "relayReturned" } & RequestName & RelayedFrame)
  | ({ readonly type: "relayAnswer"; readonly frame: Uint8Array } & RequestName);

/**
 * The messages of nodes beside the protocol: linearizable reads (ADR 0002), snapshot streaming, and serving a client through a
 * neighbour. The link retransmits none of them; the asking node asks again.
 */
export type ReplicaMessage =
  /** To the leader: "which index must my reads wait for?" `n` is the sender's promise when it sent, so it is also an ack of n. */
  | ({ readonly type: "readRequest"; readonly n: Ballot } & RequestName)
  /** From the leader of n: "is n still your promise?" */
  | ({ readonly type: "readProbe"; readonly n: Ballot } & RequestName)
  /** Leaderless read: "how long is your accepted log?" */
  | ({ readonly type: "quorumRead" } & RequestName)
  /** A client's frame, to be served by a neighbour because no leader reaches this node. */
  | ({ readonly type: "relayRequest" } & RequestName & RelayedFrame)
  | ReplicaAnswer
  /** A snapshot's name stands for its content on every node: these messages need no other name. */
  | { readonly type: "snapshotRequest"; readonly snapshot: SnapshotName; readonly offset: number }
  | {
      readonly type: "snapshotChunk";
      readonly snapshot: SnapshotName;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "snapshotGone"; readonly snapshot: SnapshotName }
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
  /**
   * What the sender's state was at these indexes, and the newest rules of entries that it knows. Null: said by a node of a version that
   * did not tell.
   */
  | ({ readonly type: "stateHashes"; readonly rules: number | null } & StateHashes);

/** The state that a node surely has on its disk: it may tell others, and must never have less afterwards. */
export interface DurableClaims {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

/** A node's report to its peers: of itself, and of the disks that it knows. */
export interface NodeReport {
  /** In memory: at least every promise that has left this node, or will leave it with what is being written. */
  readonly promise: Ballot;
  /** False: it asks to take the place of a lost disk, and votes for nothing. */
  readonly joined: boolean;
  readonly durable: DurableClaims;
  /** The last mark told to this very peer, durable before it was told; 0: none. */
  readonly mark: number;
  readonly places: readonly DiskPlace[];
}

/** Which data directory stands behind a node's id. */
export interface DiskPlace {
  readonly node: number;
  readonly incarnation: string;
  /** 0 for the first disk under that id. Each later one has claimed a higher number than the peers it was let in by had recorded. */
  readonly generation: number;
  /** It had claimed the number when this was recorded, and perhaps not got its place yet. */
  readonly waits: boolean;
}

export interface StateHashes {
  /** Of the state that the sender applies to: another one in each process, and after each snapshot it took over. */
  readonly life: number;
  /** In ascending order of their indexes. */
  readonly checkpoints: readonly StateCheckpoint[];
}

/** The state for the log prefix [0, idx): both halves of its hash, as unsigned 32-bit integers. */
export interface StateCheckpoint {
  readonly idx: number;
  readonly content: number;
  readonly history: number;
  /** Null: said by a node of a version that did not tell. */
  readonly kept: KeptVersions | null;
}

/** The history of a state, as a hash: comparable with that of another state that goes back as far. */
export interface KeptVersions {
  /** The oldest revision that can be read. */
  readonly oldest: number;
  /** Unsigned, of 32 bits. */
  readonly hash: number;
}

/** In one message. */
export const STATE_CHECKPOINTS_MAX = 64;

const ANSWERS: { readonly [K in ReplicaAnswer["type"]]: true } = {
  readAck: true,
  readIndex: true,
  readRefused: true,
  quorumReadAck: true,
  relayReturned: true,
  relayAnswer: true,
};

export function isReplicaAnswer(message: ReplicaMessage): message is ReplicaAnswer {
  return Object.hasOwn(ANSWERS, message.type);
}
