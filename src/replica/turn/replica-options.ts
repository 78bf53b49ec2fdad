/** What a replica is made of, and what a turn of it asks of its host. */
import type { FrozenState, PageLimits } from "../../store/index.ts";
import type { Effects, NodeId, OmniPaxosConfig } from "../../omnipaxos/index.ts";
import type { ReplicaMessage, SnapshotName } from "../../protocol/messages/index.ts";
import type { Outvoted } from "../trust/agreement.ts";
import type { Answer } from "./answer-outbox.ts";
import type { ReceivedPiece } from "../snapshots/catch-up.ts";
import type { CompactionPolicy } from "../snapshots/compaction.ts";
import type { Told } from "../watches/watch.ts";
import type { WatchHubOptions } from "../watches/watch-limits.ts";

/** In ticks. */
interface ReplicaTiming {
  /** A request that can be neither proposed, confirmed nor relayed for so long is refused: NO_QUORUM. */
  readonly waitTicks: number;
  /** A message that may have been lost is sent again after so long. */
  readonly retryTicks: number;
  /** Cut off for so long, a node asks its neighbours to serve its clients. */
  readonly relayAfterTicks: number;
  /** A proposal that is not applied after so long is given up. */
  readonly abandonTicks: number;
  /** Nodes tell each other the hashes of their states so often. */
  readonly agreeTicks: number;
  /** Reads that took so long are reported. Default: none are. */
  readonly slowTicks?: number;
}

export interface ReplicaOptions {
  /**
   * False: an empty disk that is to take the place of a lost one. It votes for nothing until `placeTaken`. Default: true.
   */
  readonly joined?: boolean;
  /** The greatest number that its disk has claimed while it waits for its place. Default: 0, none. */
  readonly generation?: number;
  /** Whether clients must have proved a secret while access control is off. Default: there is none. */
  readonly needsSecret?: () => boolean;
  /** How entries are compared, marked and compacted is the replica's own business. */
  readonly core: Omit<
    OmniPaxosConfig<Uint8Array, SnapshotName>,
    "sameEntry" | "openRound" | "snapshots"
  >;
  readonly timing: ReplicaTiming;
  readonly compaction: CompactionPolicy;
  /** Bytes of client writes that may wait or be under way before more are refused: OVERLOADED. */
  readonly proposalBytesMax: number;
  /** Commands in them, likewise. */
  readonly proposalCommandsMax: number;
  /** Keys asked for that may wait before more reads are refused: OVERLOADED. */
  readonly readsMax: number;
  /** Bytes of their frames, likewise. */
  readonly readBytesMax: number;
  /** Default: DEFAULT_WATCHES. */
  readonly watches?: WatchHubOptions;
  /** Of ranges. Default: RANGE_PAGE. */
  readonly rangePage?: PageLimits | undefined;
}

/** A piece of a snapshot, from this byte on: as much of it as goes at once. */
export interface WantedPiece {
  readonly to: NodeId;
  readonly snapshot: SnapshotName;
  readonly offset: number;
}

/** A copy of the state, which stays as it is, after the entries [0, idx). */
export interface DueSnapshot {
  readonly idx: number;
  readonly state: FrozenState;
}

/**
 * All that a turn of the replica wants done. The host reports results as inputs (`onPersisted`, `install`, `placeTaken`, and
 * those of `snapshots`). Nothing else leaves the replica.
 */
export interface TurnEffects extends Omit<Effects<Uint8Array, SnapshotName>, "rejected"> {
  readonly replicaMessages: readonly { readonly to: NodeId; readonly message: ReplicaMessage }[];
  /** Peers that fetch a snapshot go on here: the host, which has the files, is to send each the next piece. */
  readonly pieces: readonly WantedPiece[];
  /**
   * Pieces of a snapshot that this node fetches: the host is to write them down in this order, to call `snapshots.piecesKept` as
   * they become durable, at the latest when `SNAPSHOT_SYNC_BYTES` wait, and at the end `snapshots.kept`, or else `notKept`, once. A
   * piece that begins at 0 begins an attempt and ends any other. One that does not go on where its attempt is was made before the
   * replica was told, in this very turn, that the attempt had failed.
   */
  readonly received: readonly ReceivedPiece[];
  /** For clients of this node: `route.deliver(frame)`, as long as the route is open. */
  readonly answers: readonly Answer[];
  /** For their watches: `route.tell(frame)`, likewise. */
  readonly told: readonly Told[];
  /**
   * The entries to be applied next are gone: the host must make a state of this snapshot, which is in its store, and give it to
   * `install` in some later turn. Null: none is needed (any more). Each turn names the same one until it is installed.
   */
  readonly load: SnapshotName | null;
  /** The host must write this as a snapshot and call `snapshots.end` in some later turn. Null: none is due. */
  readonly snapshot: DueSnapshot | null;
  /** There is more to do than one turn takes: another turn is wanted at once. */
  readonly again: boolean;
  /** This disk is to claim this number in the place of the lost one: the host must make that durable and call `joining.onClaimed`. */
  readonly claim: number | null;
  /**
   * This node may take the place of the lost disk, as the disk of this generation: the host must make that durable and call
   * `placeTaken`. Null: not yet, or not needed.
   */
  readonly mayTakePlace: { readonly generation: number } | null;
  /**
   * Not null: most nodes have another state than this one, which must stop. Its last messages to them are in replicaMessages;
   * the host must write, send and answer nothing else.
   */
  readonly outvoted: Outvoted | null;
}

/** Nothing is to be done. */
export const NO_EFFECTS: TurnEffects = {
  writes: [],
  messages: [],
  contradiction: null,
  replicaMessages: [],
  pieces: [],
  received: [],
  answers: [],
  told: [],
  load: null,
  snapshot: null,
  again: false,
  claim: null,
  mayTakePlace: null,
  outvoted: null,
};

/** What became of requests between nodes since the process started. Counts only grow. */
export interface RequestCounters {
  /** Answers to an earlier process of this node, dropped (REPLICA-5). */
  strayAnswers: number;
  /** Questions for an index that ended with their asker's session (REPLICA-6). */
  endedReads: number;
  /** Relayed clients, likewise. */
  endedGuests: number;
}
