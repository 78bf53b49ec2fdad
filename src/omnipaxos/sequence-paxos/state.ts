import type { NodeId } from "../ballot.ts";
import type { ResolvedConfig } from "../config.ts";
import type { Contradiction } from "../contradiction.ts";
import { LeaderState } from "../leader-state.ts";
import type { Accepted, PromiseMessage, SequenceNumber, StopSign } from "../messages.ts";
import type { Outbox, Unsent } from "../outbox.ts";
import { BALLOT_BOTTOM, ballotsEqual } from "../ballot.ts";
import type { Store } from "../store.ts";

/** The role of a node in its round: it owns the round, or it has promised another node's. */
export type Role = "leader" | "follower";
/** How far a node is in its round: outside of any, preparing it, accepting entries in it, or catching up after a restart. */
export type Phase = "none" | "prepare" | "accept" | "recover";

/** Things that should be rare; for metrics and tests. */
export interface PaxosCounters {
  /** Messages from or to a node outside the configuration, or not for this node. */
  misdirected: number;
  /**
   * Late by a whole promise: AcceptSyncs that did not fit this log or ended below what it has accepted of the same round,
   * and Prepares and Promises from before a trim, to which no sync can be made.
   */
  staleSyncs: number;
  /** Claims of a peer that no state of an honest one explains, such as an acknowledgement beyond the leader's log. */
  misbehaved: number;
  /** Gaps found in the leader's stream. */
  sequenceGaps: number;
  /** Own ballots raised to win back a peer stuck on a higher promise (S7, deviations.md). */
  strandedBumps: number;
}

/**
 * What leader.ts, follower.ts, proposals.ts and compaction.ts share: the state of one Sequence Paxos node. Everything
 * that must survive a crash is in `store`; the rest is here and is lost.
 */
export class PaxosState<T, S> {
  readonly config: ResolvedConfig<T, S>;
  readonly store: Store<T, S>;
  readonly outbox: Outbox<T, S>;
  readonly counters: PaxosCounters = {
    misdirected: 0,
    staleSyncs: 0,
    misbehaved: 0,
    sequenceGaps: 0,
    strandedBumps: 0,
  };
  role: Role = "follower";
  phase: Phase = "none";
  /** The round this node last led; the bottom ballot when it never did. */
  leading: LeaderState<T, S>;
  /** Where this follower stands in its leader's stream. */
  seq: SequenceNumber = SEQUENCE_START;
  cachedPromise: PromiseMessage<T, S> | null = null;
  bufferedProposals: T[] = [];
  bufferedStopSign: StopSign | null = null;
  unsentAccepted: UnsentAccepted<T, S> | null = null;
  /** Once set, the node is inert (JUDGE-3). */
  contradiction: Contradiction | null = null;

  constructor(config: ResolvedConfig<T, S>, store: Store<T, S>, outbox: Outbox<T, S>) {
    this.config = config;
    this.store = store;
    this.outbox = outbox;
    this.leading = new LeaderState(BALLOT_BOTTOM, config.pid, config.clusterConfig.nodes);
  }

  /** The node that gets the proposals: the owner of the promise. 0 when there is none yet. */
  get leaderPid(): NodeId {
    return this.store.promise.pid;
  }

  is(role: Role, phase: Phase): boolean {
    return this.role === role && this.phase === phase;
  }

  become(role: Role, phase: Phase): void {
    this.role = role;
    this.phase = phase;
  }

  leads(): boolean {
    return this.role === "leader" && ballotsEqual(this.leading.ballot, this.store.promise);
  }
}

interface UnsentAccepted<T, S> {
  readonly generation: number;
  readonly unsent: Unsent<T, S>;
  readonly message: { -readonly [K in keyof Accepted]: Accepted[K] };
}

export const SEQUENCE_START: SequenceNumber = { session: 0, counter: 0 };
