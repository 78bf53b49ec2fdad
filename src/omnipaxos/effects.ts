import type { Ballot } from "./ballot.ts";
import type { Contradiction } from "./contradiction.ts";
import type { CompleteSnapshot, Envelope, StopSign } from "./messages.ts";

/** Counts write groups of one process run: 1, 2, … A group is durable only when all earlier ones are. 0: nothing to wait for. */
export type WriteSeq = number;

/** One change of what must survive a crash. Indexes are absolute. */
export type Write<T, S> =
  | { readonly kind: "promise"; readonly promise: Ballot }
  | { readonly kind: "acceptedRound"; readonly acceptedRound: Ballot }
  /**
   * Entries at [fromIdx, fromIdx + entries.length); all entries that stood at fromIdx or after are gone (with no
   * entries: a cut). fromIdx lies in [compacted index, end of log]. The stop-sign is changed by `stopSign` alone.
   */
  | { readonly kind: "append"; readonly fromIdx: number; readonly entries: readonly T[] }
  | { readonly kind: "decided"; readonly decidedIdx: number }
  | { readonly kind: "stopSign"; readonly stopSign: StopSign | null }
  /**
   * idx is the new compacted index: entries below it may be forgotten. A snapshot (snapshot.idx >= idx) replaces the
   * stored one and stands for [0, snapshot.idx); null leaves the stored one alone. When the log ended before idx it is
   * now empty and starts at idx. Entries at or above idx stay.
   */
  | {
      readonly kind: "compact";
      readonly idx: number;
      readonly snapshot: CompleteSnapshot<S> | null;
    };

/** All or nothing: a crash leaves either none or all of `writes` (deviations.md, S21). Groups are durable in order of `seq`. */
export interface WriteGroup<T, S> {
  readonly seq: WriteSeq;
  readonly writes: readonly Write<T, S>[];
}

/** A message that may leave once every write group up to and including `after` is durable. */
export interface Outgoing<T, S> extends Envelope<T, S> {
  readonly after: WriteSeq;
}

/** What a step asks of its host, in this order: stage the writes; release each message once its `after` is durable. */
export interface Effects<T, S> {
  readonly writes: readonly WriteGroup<T, S>[];
  readonly messages: readonly Outgoing<T, S>[];
  /**
   * Proposals that this node held or received and will never propose, because a stop-sign stands in its log (S20,
   * deviations.md) or it takes no part any more. This node certainly did not put them into the log.
   */
  readonly rejected: readonly T[];
  /** Not null: this node takes no part in the protocol any more, from now on; the host has to act. */
  readonly contradiction: Contradiction | null;
}

/** What a node had on disk when it stopped: the sum of its durable writes. */
export interface DurableState<T, S> {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  /** Counts the stop-sign; at most the end of `entries`, plus one for the stop-sign. */
  readonly decidedIdx: number;
  readonly compactedIdx: number;
  /** Entries from compactedIdx on. */
  readonly entries: readonly T[];
  /** Stands for [0, snapshot.idx); snapshot.idx >= compactedIdx, and at most decidedIdx. */
  readonly snapshot: CompleteSnapshot<S> | null;
  readonly stopSign: StopSign | null;
}
