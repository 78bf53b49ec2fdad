import { ballotsEqual, compareBallots } from "../ballot.ts";
import type { Ballot, NodeId } from "../ballot.ts";
import { LeaderState, nextSeq, nextSession } from "../leader-state.ts";
import type { Member, PromiseMeta } from "../leader-state.ts";
import type { Accepted, NotAccepted, PrepareReq, PromiseMessage, StopSign } from "../messages.ts";
import { contradict, judgeAdoption, judgePromise } from "./judge.ts";
import type { PaxosState } from "./state.ts";
import { applyLogSync, canServe, createLogSync, planLogSync } from "./sync.ts";

/**
 * The leader's side: prepare a round, adopt the best log of a quorum, replicate, decide.
 *
 * DISK-1. Prepare(n) leaves after the promise of n is durable: a node never leads a ballot that it might forget.
 * DISK-3. AcceptSync, AcceptDecide, AcceptStopSign, Decide and Progress leave at once, so that the leader's disk and its
 *     followers' work at the same time.
 * DISK-4. For that the leader's own vote for an index counts only once a write group that holds the accepted round n and
 *     the log up to that index is durable.
 * Numbers like S19 are those of deviations.md.
 *
 * (DISK-2, DISK-6, DISK-7 are the follower's: follower.ts. DISK-5 is the election's. DISK-8, DISK-9: omni-paxos.ts.)
 */

/** Starts round n unless this node has promised or led as high a ballot. */
export function handleLeader<T, S>(state: PaxosState<T, S>, n: Ballot): void {
  const { store, config } = state;
  if (compareBallots(n, state.leading.ballot) <= 0 || compareBallots(n, store.promise) <= 0) return;
  // S19: what was batched belongs to the old round and must be in the log that the new one compares.
  store.flushBatch();
  store.setPromise(n);
  state.leading = new LeaderState(n, config.pid, config.clusterConfig.nodes);
  state.leading.self.durableDecidedIdx = store.durableDecidedIdx;
  state.cachedPromise = null;
  state.become("leader", "prepare");
  const meta = {
    acceptedRound: store.acceptedRound,
    acceptedIdx: store.acceptedIdx,
    decidedIdx: store.decidedIdx,
  };
  state.leading.setPromise(config.pid, meta, null, true);
  for (const peer of config.peers) sendPrepare(state, peer);
  adoptWhenPrepared(state);
}

function sendPrepare<T, S>(state: PaxosState<T, S>, to: NodeId): void {
  const { store, outbox, leading } = state;
  outbox.send(
    to,
    {
      type: "prepare",
      n: leading.ballot,
      decidedIdx: store.decidedIdx,
      acceptedRound: store.acceptedRound,
      acceptedIdx: store.acceptedIdx,
    },
    store.promiseSeq,
  );
}

export function handlePromise<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: PromiseMessage<T, S>,
): void {
  if (!state.leads() || !ballotsEqual(message.n, state.leading.ballot)) return;
  const { store, config } = state;
  const { acceptedRound, acceptedIdx, decidedIdx } = message;
  const preparing = state.phase === "prepare";
  const meta = { acceptedRound, acceptedIdx, decidedIdx };
  if (!isBelievable(state, meta)) {
    state.counters.misbehaved += 1;
    return;
  }
  const finding = judgePromise(state, meta, message.logSync);
  if (finding !== null) return contradict(state, from, finding);
  if (!canServe(store, config.snapshots, decidedIdx)) {
    state.counters.staleSyncs += 1;
    return;
  }
  state.leading.setPromise(from, meta, message.logSync, preparing);
  if (preparing) adoptWhenPrepared(state);
  else sendAcceptSync(state, state.leading.member(from), meta);
}

/** No promiser has accepted a round above the one it promises, nor more of this round than its leader's log holds. */
function isBelievable<T, S>(state: PaxosState<T, S>, meta: PromiseMeta): boolean {
  const { store, leading } = state;
  const order = compareBallots(meta.acceptedRound, leading.ballot);
  if (order > 0 || meta.decidedIdx > meta.acceptedIdx) return false;
  return order < 0 || state.phase === "prepare" || meta.acceptedIdx <= store.acceptedIdx;
}

/** With a prepare quorum: take over the best log, add what waited for it, and start the accept phase. */
function adoptWhenPrepared<T, S>(state: PaxosState<T, S>): void {
  const { store, config, leading } = state;
  if (leading.promiseCount() < config.quorum.read) return;
  const wrong = judgeAdoption(state);
  if (wrong !== null) return contradict(state, wrong.with, wrong);
  const sync = leading.maxPromiseSync;
  const decidedIdx = leading.maxDecidedIdx();
  const plan = sync === null ? null : planLogSync(store, config.snapshots, sync);
  if (plan === null) {
    store.setAcceptedRound(leading.ballot);
    store.decide(decidedIdx);
  } else {
    applyLogSync(store, leading.ballot, decidedIdx, plan);
  }
  leading.maxPromiseSync = null;
  leading.adoptedIdx = store.acceptedIdx;
  state.become("leader", "accept");
  if (store.stopSign === null) {
    for (const entry of state.bufferedProposals) store.append(proposed(state, entry));
    if (state.bufferedStopSign !== null) store.setStopSign(state.bufferedStopSign);
  } else {
    state.outbox.reject(state.bufferedProposals);
  }
  state.bufferedProposals = [];
  state.bufferedStopSign = null;
  for (const member of leading.followers) {
    // S14: what was buffered rides in the suffix.
    if (member.promise.kind === "promised") sendAcceptSync(state, member, member.promise.meta);
  }
}

function sendAcceptSync<T, S>(state: PaxosState<T, S>, member: Member<T>, meta: PromiseMeta): void {
  const { store, config, leading, outbox } = state;
  const logSync = createLogSync(
    store,
    config.snapshots,
    commonPrefix(leading, meta),
    meta.decidedIdx,
  );
  member.openAcceptDecide = null;
  outbox.send(
    member.pid,
    {
      type: "acceptSync",
      n: leading.ballot,
      seq: nextSession(member),
      decidedIdx: store.decidedIdx,
      logSync,
    },
    0,
  );
}

/** How much of the promiser's log is certainly the leader's too. */
function commonPrefix<T, S>(leading: LeaderState<T, S>, meta: PromiseMeta): number {
  if (ballotsEqual(meta.acceptedRound, leading.ballot)) return meta.acceptedIdx;
  const max = leading.maxPromise;
  // Beyond the adopted log the promiser may hold entries of the same round that no quorum reported.
  if (ballotsEqual(meta.acceptedRound, max.acceptedRound)) {
    return Math.min(max.acceptedIdx, meta.acceptedIdx);
  }
  return meta.decidedIdx;
}

/** Takes an entry into the log, or the batch, and sends what is stored. Only while leading in the accept phase. */
export function appendAsLeader<T, S>(state: PaxosState<T, S>, entry: T): void {
  const { store, config } = state;
  if (config.batchSize === 1) {
    store.append(proposed(state, entry));
    sendAcceptDecide(state, store.log.end - 1);
    return;
  }
  store.appendToBatch(proposed(state, entry));
  if (store.batchLength >= config.batchSize) flushBatchAsLeader(state);
}

/** As appendAsLeader, for many: one batch, or one message. */
export function appendAllAsLeader<T, S>(state: PaxosState<T, S>, entries: readonly T[]): void {
  const { store, config } = state;
  for (const entry of entries) store.appendToBatch(proposed(state, entry));
  if (store.batchLength >= config.batchSize) flushBatchAsLeader(state);
}

/** As it stands in the log: the first one of a round opens it. */
function proposed<T, S>({ leading, config }: PaxosState<T, S>, entry: T): T {
  if (leading.isOpened) return entry;
  const opening = config.openRound(entry, leading.ballot);
  leading.isOpened = opening !== null;
  return opening ?? entry;
}

export function flushBatchAsLeader<T, S>(state: PaxosState<T, S>): void {
  const flushed = state.store.flushBatch().length;
  if (flushed > 0) sendAcceptDecide(state, state.store.log.end - flushed);
}

/** Sends the log from fromIdx on to every follower in the stream, within an unsent message where there is one. */
function sendAcceptDecide<T, S>(state: PaxosState<T, S>, fromIdx: number): void {
  const { store, leading, outbox } = state;
  const { log, decidedIdx } = store;
  const { generation } = outbox;
  const end = log.end;
  let fresh: T[] | null = null;
  for (const member of leading.followers) {
    if (member.promise.kind !== "promised") continue;
    const open = member.openAcceptDecide;
    if (open !== null && open.generation === generation) {
      open.message.decidedIdx = decidedIdx;
      // Followers share an array, which another one may have brought up to date in this very loop.
      const { entries } = open.message;
      for (let idx = open.fromIdx + entries.length; idx < end; idx += 1) {
        entries.push(log.at(idx) as T);
      }
      continue;
    }
    // One array for all that start here: a host can encode it once for every follower.
    fresh ??= log.slice(fromIdx, end);
    const n = leading.ballot;
    const seq = nextSeq(member);
    const message = { type: "acceptDecide" as const, n, seq, decidedIdx, entries: fresh };
    outbox.send(member.pid, message, 0);
    member.openAcceptDecide = { generation, fromIdx, message };
  }
}

/** Appends the stop-sign and sends it. Only while leading in the accept phase and without a stop-sign in the log. */
export function appendStopSignAsLeader<T, S>(state: PaxosState<T, S>, stopSign: StopSign): void {
  flushBatchAsLeader(state);
  state.store.setStopSign(stopSign);
  for (const member of state.leading.followers) {
    if (member.promise.kind === "promised") sendAcceptStopSign(state, member, stopSign, false);
  }
}

function sendAcceptStopSign<T, S>(
  state: PaxosState<T, S>,
  member: Member<T>,
  stopSign: StopSign,
  again: boolean,
): void {
  member.openAcceptDecide = null;
  const seq = again ? member.seq : nextSeq(member);
  const n = state.leading.ballot;
  state.outbox.send(member.pid, { type: "acceptStopSign", n, seq, stopSign }, 0);
}

function sendDecide<T, S>(state: PaxosState<T, S>, member: Member<T>, again: boolean): void {
  const seq = again ? member.seq : nextSeq(member);
  const { decidedIdx } = state.store;
  const n = state.leading.ballot;
  state.outbox.send(member.pid, { type: "decide", n, seq, decidedIdx }, 0);
}

export function handleAccepted<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: Accepted,
): void {
  const { leading, store } = state;
  if (!state.leads() || !ballotsEqual(message.n, leading.ballot)) return;
  const { acceptedIdx, decidedIdx } = message;
  // No follower can have accepted so much of this round: no number in such a message counts.
  if (state.phase !== "accept" || acceptedIdx > store.acceptedIdx || decidedIdx > acceptedIdx) {
    state.counters.misbehaved += 1;
    return;
  }
  const member = leading.member(from);
  member.durableDecidedIdx = Math.max(member.durableDecidedIdx, decidedIdx);
  // S17: acknowledgements may overtake each other.
  member.acceptedIdx = Math.max(member.acceptedIdx, acceptedIdx);
  decideChosen(state);
}

/** The leader's own writes up to acceptedIdx, of `acceptedRound`, became durable (DISK-4). */
export function handleOwnVote<T, S>(
  state: PaxosState<T, S>,
  acceptedRound: Ballot,
  acceptedIdx: number,
): void {
  const { leading, store } = state;
  if (!state.is("leader", "accept")) return;
  leading.self.durableDecidedIdx = store.durableDecidedIdx;
  if (!ballotsEqual(acceptedRound, leading.ballot)) return;
  leading.self.acceptedIdx = Math.max(leading.self.acceptedIdx, acceptedIdx);
  decideChosen(state);
}

function decideChosen<T, S>(state: PaxosState<T, S>): void {
  const { leading, store, config, outbox } = state;
  if (state.phase !== "accept") return;
  const chosen = leading.chosenIdx(config.quorum.write);
  if (chosen <= store.decidedIdx) return;
  store.decide(chosen);
  for (const member of leading.followers) {
    if (member.promise.kind !== "promised") continue;
    const open = member.openAcceptDecide;
    if (open !== null && open.generation === outbox.generation) {
      open.message.decidedIdx = store.decidedIdx;
    } else {
      sendDecide(state, member, false);
    }
  }
}

export function handlePrepareReq<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: PrepareReq,
): void {
  if (!state.leads() || compareBallots(message.n, state.leading.ballot) > 0) return;
  state.leading.resetPromise(from);
  sendPrepare(state, from);
}

export function handleNotAccepted<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: NotAccepted,
): void {
  if (!state.leads() || compareBallots(message.n, state.leading.ballot) <= 0) return;
  state.leading.lostPromise(from);
}

/** Repeats what no later message would reveal as lost. */
export function resendAsLeader<T, S>(state: PaxosState<T, S>): void {
  for (const member of state.leading.followers) {
    const { kind } = member.promise;
    if (kind === "notPromised") sendPrepare(state, member.pid);
    if (state.phase !== "accept" || kind === "promisedHigher") continue;
    if (kind === "promised") resendStopSign(state, member);
    sendProgress(state, member);
  }
}

/**
 * S5: without it, a loss at the end of a burst would stay until the next one. A member that was in the stream of this
 * round but counts as not promised, because a PrepareReq of its came late, would ignore every Prepare (S13): the leader names
 * a session that the member has not got.
 */
function sendProgress<T, S>(state: PaxosState<T, S>, member: Member<T>): void {
  const { leading, store, outbox } = state;
  const promised = member.promise.kind === "promised";
  if (!promised && member.seq.session === 0) return;
  const seq = promised ? member.seq : { session: member.seq.session + 1, counter: 0 };
  const { decidedIdx } = store;
  outbox.send(member.pid, { type: "progress", n: leading.ballot, seq, decidedIdx }, 0);
}

function resendStopSign<T, S>(state: PaxosState<T, S>, member: Member<T>): void {
  const { store } = state;
  const { stopSign } = store;
  if (stopSign === null) return;
  if (store.stopSignDecided) sendDecide(state, member, true);
  else if (member.acceptedIdx !== store.acceptedIdx) {
    sendAcceptStopSign(state, member, stopSign, true);
  }
}
