import { BALLOT_BOTTOM, compareBallots } from "./ballot.ts";
import type { Ballot, NodeId } from "./ballot.ts";
import type { LogSync, SequenceNumber } from "./messages.ts";

/** What a promise says of the log behind it. */
export interface PromiseMeta {
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

type PromiseState =
  | { readonly kind: "notPromised" }
  | { readonly kind: "promised"; readonly meta: PromiseMeta }
  | { readonly kind: "promisedHigher" };

const NOT_PROMISED: PromiseState = { kind: "notPromised" };
const PROMISED_HIGHER: PromiseState = { kind: "promisedHigher" };

/** The entries of an AcceptDecide that has not been taken yet, shared by the followers it goes to. */
interface OpenAcceptDecide<T> {
  readonly generation: number;
  /** Index of the first entry. */
  readonly fromIdx: number;
  readonly message: { decidedIdx: number; entries: T[] };
}

/** One node as its leader sees it. */
export interface Member<T> {
  readonly pid: NodeId;
  promise: PromiseState;
  seq: SequenceNumber;
  /** Highest index this node is known to have accepted, durably, in this round. */
  acceptedIdx: number;
  /** Highest index this node is known to have decided, durably (S6, deviations.md). */
  durableDecidedIdx: number;
  openAcceptDecide: OpenAcceptDecide<T> | null;
}

/**
 * A leader's round, rebuilt for every new ballot.
 *
 * ROUND-1. Members are keyed by pid and there is one for each node of the configuration, no more (S18).
 * ROUND-2. An accepted index never decreases within a round, also when the promise is reset: a durable vote stays a vote
 *     (S17). The exception is a disk that is not the one that voted (`replaced`): the round ends, and no message of it counts
 *     in the next round, however late it arrives.
 * ROUND-3. The own accepted index is what is durable here, not what is in memory (DISK-4).
 */
export class LeaderState<T, S> {
  readonly ballot: Ballot;
  readonly members: readonly Member<T>[];
  readonly followers: readonly Member<T>[];
  readonly self: Member<T>;
  readonly #byPid: ReadonlyMap<NodeId, Member<T>>;
  readonly #sorted: number[];
  /** The length of the log when the prepare quorum was reached; null before. */
  adoptedIdx: number | null = null;
  /** An entry was proposed that opens this round (`openRound`). */
  isOpened = false;
  /** The best promise by (accepted round, accepted index). */
  maxPromise: PromiseMeta = { acceptedRound: BALLOT_BOTTOM, acceptedIdx: -1, decidedIdx: 0 };
  maxPromiseSync: LogSync<T, S> | null = null;
  maxPromiseFrom: NodeId;

  constructor(ballot: Ballot, pid: NodeId, nodes: readonly NodeId[]) {
    this.ballot = ballot;
    this.members = nodes.map((node) => ({
      pid: node,
      promise: NOT_PROMISED,
      seq: { session: 0, counter: 0 },
      acceptedIdx: 0,
      durableDecidedIdx: 0,
      openAcceptDecide: null,
    }));
    this.#byPid = new Map(this.members.map((member) => [member.pid, member]));
    this.followers = this.members.filter((member) => member.pid !== pid);
    this.self = this.member(pid);
    this.maxPromiseFrom = pid;
    this.#sorted = this.members.map(() => 0);
  }

  member(pid: NodeId): Member<T> {
    const member = this.#byPid.get(pid);
    if (member === undefined) throw new RangeError(`node ${pid} is not in the configuration`);
    return member;
  }

  /** Records a promise; only while preparing may it become the one whose log is adopted. */
  setPromise(pid: NodeId, meta: PromiseMeta, sync: LogSync<T, S> | null, preparing: boolean): void {
    this.member(pid).promise = { kind: "promised", meta };
    if (!preparing) return;
    const max = this.maxPromise;
    const order = compareBallots(meta.acceptedRound, max.acceptedRound);
    if (order > 0 || (order === 0 && meta.acceptedIdx > max.acceptedIdx)) {
      this.maxPromise = meta;
      this.maxPromiseSync = sync;
      this.maxPromiseFrom = pid;
    }
  }

  resetPromise(pid: NodeId): void {
    const member = this.member(pid);
    member.promise = NOT_PROMISED;
    detachOpenAcceptDecide(member);
  }

  lostPromise(pid: NodeId): void {
    const member = this.member(pid);
    member.promise = PROMISED_HIGHER;
    detachOpenAcceptDecide(member);
  }

  promiseCount(): number {
    return this.members.filter((member) => member.promise.kind === "promised").length;
  }

  maxDecidedIdx(): number {
    let max = 0;
    for (const { promise } of this.members) {
      if (promise.kind === "promised") max = Math.max(max, promise.meta.decidedIdx);
    }
    return max;
  }

  minDurableDecidedIdx(): number {
    return Math.min(...this.members.map((member) => member.durableDecidedIdx));
  }

  /** The largest index that `writeQuorum` nodes have accepted. */
  chosenIdx(writeQuorum: number): number {
    const sorted = this.#sorted;
    let filled = 0;
    for (const { acceptedIdx } of this.members) {
      let at = filled;
      for (; at > 0 && (sorted[at - 1] ?? 0) < acceptedIdx; at -= 1)
        sorted[at] = sorted[at - 1] ?? 0;
      sorted[at] = acceptedIdx;
      filled += 1;
    }
    return sorted[writeQuorum - 1] ?? 0;
  }
}

/** The next number in the leader's stream to this follower. */
export function nextSeq<T>(member: Member<T>): SequenceNumber {
  member.seq = { session: member.seq.session, counter: member.seq.counter + 1 };
  return member.seq;
}

/** The first number of a new session to this follower. */
export function nextSession<T>(member: Member<T>): SequenceNumber {
  member.seq = { session: member.seq.session + 1, counter: 1 };
  return member.seq;
}

/** A follower that leaves the stream keeps what was queued for it, and nothing that comes after (S15). */
function detachOpenAcceptDecide<T>(member: Member<T>): void {
  const open = member.openAcceptDecide;
  if (open !== null) open.message.entries = open.message.entries.slice();
  member.openAcceptDecide = null;
}
