import { ballotsEqual, compareBallots } from "../ballot.ts";
import type { Ballot, NodeId } from "../ballot.ts";
import type {
  AcceptDecide,
  AcceptStopSign,
  AcceptSync,
  Decide,
  Prepare,
  Progress,
  PromiseMessage,
  SequenceNumber,
} from "../messages.ts";
import { forwardBuffered } from "./proposals.ts";
import {
  contradict,
  differsFromDecided,
  differsFromSeal,
  endsBelowDecided,
  snapshotDiffers,
} from "./judge.ts";
import { SEQUENCE_START } from "./state.ts";
import type { PaxosState } from "./state.ts";
import { applyLogSync, canServe, createLogSync, endOfSync, planLogSync } from "./sync.ts";

/**
 * The follower's side: promise, take the leader's log, acknowledge.
 *
 * DISK-2. Promise(n) leaves after the promise and everything it reports of the log (accepted round, entries, stop-sign) are
 *     durable. So do NotAccepted and PrepareReq after the promise they name.
 * DISK-6. Accepted(n, idx) leaves after the accepted round n and the log [0, idx) are durable. An AcceptSync is one atomic
 *     group: round n with the old log must never be found on a disk.
 * DISK-7. The decided index an Accepted names is durable already, so that a trim may rely on it (S6, deviations.md).
 *
 * FOLLOW-1. Within a round this log is a prefix of the leader's and never shrinks, even when messages arrive late or twice (S4).
 * FOLLOW-2. The stream is taken in exact order; a gap, or a session this node does not know, leads to a new sync.
 * FOLLOW-3. In the accept phase `seq` names the end of this log: what the session's next AcceptDecide appends stands, in the
 *     leader's log, exactly where this one ends, batch included. An AcceptSync ends where its session's stream begins; so
 *     only one that leaves this log ending there may set `seq`, and one that ends below the accepted index is stale as a
 *     whole: its stream would append anew what is here already. From there every message moves both or neither. A
 *     member that has left the stream comes back by a new session only, so no session has a hole.
 */

/** S13: the ballot already promised is news only to a node that lost its place in the stream. */
export function handlePrepare<T, S>(state: PaxosState<T, S>, message: Prepare): void {
  const { store, config } = state;
  const order = compareBallots(message.n, store.promise);
  if (order < 0 || (order === 0 && state.phase !== "recover")) return;
  if (!canServe(store, config.snapshots, message.decidedIdx)) {
    state.counters.staleSyncs += 1;
    return;
  }
  // S19: under the old round, before it is reported.
  store.flushBatch();
  store.setPromise(message.n);
  state.become("follower", "prepare");
  state.seq = SEQUENCE_START;
  const ahead = compareBallots(store.acceptedRound, message.acceptedRound);
  const shared = ahead > 0 ? message.decidedIdx : message.acceptedIdx;
  const isAhead = ahead > 0 || (ahead === 0 && store.acceptedIdx > message.acceptedIdx);
  const promise: PromiseMessage<T, S> = {
    type: "promise",
    n: message.n,
    acceptedRound: store.acceptedRound,
    decidedIdx: store.decidedIdx,
    acceptedIdx: store.acceptedIdx,
    logSync: isAhead ? createLogSync(store, config.snapshots, shared, message.decidedIdx) : null,
  };
  state.cachedPromise = promise;
  sendPromise(state, promise);
}

function sendPromise<T, S>(state: PaxosState<T, S>, promise: PromiseMessage<T, S>): void {
  const { promiseSeq, logSeq } = state.store;
  state.outbox.send(promise.n.pid, promise, Math.max(promiseSeq, logSeq));
}

/**
 * An AcceptSync of the accepted round that ends below the accepted index is late (FOLLOW-3). While this node has accepted nothing
 * of the round, its log is still the one it promised with, and the leader's holds all that lower rounds have decided (JUDGE-2).
 */
export function handleAcceptSync<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: AcceptSync<T, S>,
): void {
  if (!isCurrentRound(state, message.n) || !state.is("follower", "prepare")) return;
  const { store, config } = state;
  const { logSync, n, decidedIdx } = message;
  const again = ballotsEqual(store.acceptedRound, n);
  const finding =
    differsFromDecided(state, logSync) ??
    (again ? null : endsBelowDecided(store, logSync)) ??
    snapshotDiffers(state, logSync);
  if (finding !== null) return contradict(state, from, finding);
  const end = endOfSync(logSync);
  if (again && end === store.acceptedIdx) {
    store.decide(decidedIdx);
  } else {
    const stale = again && end < store.acceptedIdx;
    const plan = stale ? null : planLogSync(store, config.snapshots, logSync);
    if (plan === null) {
      state.counters.staleSyncs += 1;
      return;
    }
    applyLogSync(store, n, decidedIdx, plan);
  }
  state.cachedPromise = null;
  state.seq = message.seq;
  state.become("follower", "accept");
  forwardBuffered(state);
  replyAccepted(state, n);
}

export function handleAcceptDecide<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: AcceptDecide<T>,
): void {
  if (!isNextInStream(state, from, message.n, message.seq)) return;
  const { store, config } = state;
  const finding = message.entries.length > 0 ? differsFromSeal(store, null) : null;
  if (finding !== null) return contradict(state, from, finding);
  state.seq = message.seq;
  for (const entry of message.entries) store.appendToBatch(entry);
  const stored = store.batchLength >= config.batchSize;
  if (stored) store.flushBatch();
  const flushed = decideUpTo(state, message.decidedIdx);
  if (stored || flushed) replyAccepted(state, message.n);
}

export function handleAcceptStopSign<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: AcceptStopSign,
): void {
  if (!isNextInStream(state, from, message.n, message.seq)) return;
  const finding = differsFromSeal(state.store, message.stopSign);
  if (finding !== null) return contradict(state, from, finding);
  state.seq = message.seq;
  state.store.flushBatch();
  state.store.setStopSign(message.stopSign);
  replyAccepted(state, message.n);
}

export function handleDecide<T, S>(state: PaxosState<T, S>, from: NodeId, message: Decide): void {
  if (!isNextInStream(state, from, message.n, message.seq)) return;
  state.seq = message.seq;
  if (decideUpTo(state, message.decidedIdx)) replyAccepted(state, message.n);
}

/** S5: level with the leader: take its decided index and repeat the acknowledgement. Behind: something was lost. */
export function handleProgress<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: Progress,
): void {
  if (!isCurrentRound(state, message.n) || !state.is("follower", "accept")) return;
  const order = compareSeq(message.seq, state.seq);
  if (order < 0) return;
  if (order > 0) {
    loseStream(state, from);
    return;
  }
  decideUpTo(state, message.decidedIdx);
  replyAccepted(state, message.n);
}

/** S16: with batching the decided index may be ahead of the stored log. True when the batch was stored for it. */
function decideUpTo<T, S>(state: PaxosState<T, S>, decidedIdx: number): boolean {
  const { store } = state;
  if (decidedIdx <= store.decidedIdx) return false;
  const flush = decidedIdx > store.acceptedIdx;
  if (flush) store.flushBatch();
  store.decide(decidedIdx);
  return flush;
}

export function flushBatchAsFollower<T, S>(state: PaxosState<T, S>): void {
  if (state.store.flushBatch().length > 0) replyAccepted(state, state.store.promise);
}

function replyAccepted<T, S>(state: PaxosState<T, S>, n: Ballot): void {
  const { store, outbox } = state;
  const { acceptedIdx, durableDecidedIdx, logSeq } = store;
  const open = state.unsentAccepted;
  if (open !== null && open.generation === outbox.generation && ballotsEqual(open.message.n, n)) {
    open.message.acceptedIdx = acceptedIdx;
    open.message.decidedIdx = durableDecidedIdx;
    open.unsent.after = logSeq;
    return;
  }
  const message = { type: "accepted" as const, n, acceptedIdx, decidedIdx: durableDecidedIdx };
  const unsent = outbox.send(n.pid, message, logSeq);
  state.unsentAccepted = { generation: outbox.generation, unsent, message };
}

/** Whether n is the promised round; the sender learns when it is not. */
function isCurrentRound<T, S>(state: PaxosState<T, S>, n: Ballot): boolean {
  const { store, outbox } = state;
  const order = compareBallots(n, store.promise);
  if (order < 0) {
    outbox.send(n.pid, { type: "notAccepted", n: store.promise }, store.promiseSeq);
  } else if (order > 0) {
    sendPrepareReq(state, n.pid);
  }
  return order === 0;
}

function isNextInStream<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  n: Ballot,
  seq: SequenceNumber,
): boolean {
  if (!isCurrentRound(state, n) || !state.is("follower", "accept")) return false;
  if (seq.session === state.seq.session && seq.counter === state.seq.counter + 1) {
    return true;
  }
  if (compareSeq(seq, state.seq) > 0) loseStream(state, from);
  return false;
}

function loseStream<T, S>(state: PaxosState<T, S>, from: NodeId): void {
  state.counters.sequenceGaps += 1;
  reconnect(state, from);
}

/** The link to `pid` may have lost messages: this node finds out which, and has a leader sync it anew. */
export function reconnect<T, S>(state: PaxosState<T, S>, pid: NodeId): void {
  if (pid === state.leaderPid) state.become("follower", "recover");
  sendPrepareReq(state, pid);
}

export function resendAsFollower<T, S>(state: PaxosState<T, S>): void {
  if (state.phase === "prepare" && state.cachedPromise !== null) {
    sendPromise(state, state.cachedPromise);
  } else if (state.phase === "recover") {
    for (const peer of state.config.peers) sendPrepareReq(state, peer);
  }
}

export function sendPrepareReq<T, S>(state: PaxosState<T, S>, to: NodeId): void {
  const { promise, promiseSeq } = state.store;
  state.outbox.send(to, { type: "prepareReq", n: promise }, promiseSeq);
}

function compareSeq(a: SequenceNumber, b: SequenceNumber): number {
  return a.session - b.session || a.counter - b.counter;
}
