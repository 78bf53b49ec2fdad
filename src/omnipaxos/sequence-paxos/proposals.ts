import { failure, OK } from "../errors.ts";
import type { ProposeResult, ReconfigureResult } from "../errors.ts";
import type { StopSign } from "../messages.ts";
import { appendAllAsLeader, appendAsLeader, appendStopSignAsLeader } from "./leader.ts";
import type { PaxosState } from "./state.ts";

/**
 * Where a proposal goes. Accepting one promises nothing: a forwarded proposal may be lost on the way, and an appended one may
 * be overwritten. Only a proposal that S20 (deviations.md) hands back as rejected certainly did not enter the log through this
 * node.
 */

export function propose<T, S>(state: PaxosState<T, S>, entry: T): ProposeResult<T> {
  if (state.store.stopSign !== null) return failure({ kind: "pendingReconfigEntry", entry });
  if (state.role === "leader" && state.phase === "accept") appendAsLeader(state, entry);
  else place(state, [entry]);
  return OK;
}

/** Proposals from another node. */
export function handleProposals<T, S>(state: PaxosState<T, S>, entries: readonly T[]): void {
  if (state.store.stopSign !== null) {
    state.outbox.reject(entries);
  } else if (state.is("leader", "accept")) {
    appendAllAsLeader(state, entries);
  } else {
    place(state, entries);
  }
}

/** A node that does not lead in the accept phase sends the proposal on to the leader, or keeps it while it is about to lead. */
function place<T, S>(state: PaxosState<T, S>, entries: readonly T[]): void {
  const { leaderPid, config, outbox } = state;
  if (leaderPid === 0 || leaderPid === config.pid) {
    for (const entry of entries) state.bufferedProposals.push(entry);
  } else {
    outbox.send(leaderPid, { type: "proposalForward", entries }, 0);
  }
}

export function proposeStopSign<T, S>(
  state: PaxosState<T, S>,
  stopSign: StopSign,
): ReconfigureResult {
  if (state.store.stopSign !== null || state.bufferedStopSign !== null) {
    return failure({ kind: "pendingReconfigConfig", config: stopSign.nextConfig });
  }
  handleStopSign(state, stopSign);
  return OK;
}

export function handleStopSign<T, S>(state: PaxosState<T, S>, stopSign: StopSign): void {
  const { leaderPid, config, outbox, store } = state;
  if (store.stopSign !== null) return;
  if (state.is("leader", "accept")) {
    appendStopSignAsLeader(state, stopSign);
  } else if (leaderPid === 0 || leaderPid === config.pid) {
    state.bufferedStopSign ??= stopSign;
  } else {
    outbox.send(leaderPid, { type: "forwardStopSign", stopSign }, 0);
  }
}

/** A follower in sync passes on what it kept while it had no leader; behind a stop-sign it hands it back (S20). */
export function forwardBuffered<T, S>(state: PaxosState<T, S>): void {
  const entries = state.bufferedProposals;
  const stopSign = state.bufferedStopSign;
  state.bufferedProposals = [];
  state.bufferedStopSign = null;
  if (state.store.stopSign !== null) {
    state.outbox.reject(entries);
    return;
  }
  if (entries.length > 0) handleProposals(state, entries);
  if (stopSign !== null) handleStopSign(state, stopSign);
}
