import type { NodeId } from "../ballot.ts";
import { unreachable } from "../errors.ts";
import type { HeartbeatReply, HeartbeatRequest, PaxosMessage, TakeOver } from "../messages.ts";
import { handleCompaction } from "./compaction.ts";
import {
  flushBatchAsFollower,
  handleAcceptDecide,
  handleAcceptStopSign,
  handleAcceptSync,
  handleDecide,
  handlePrepare,
  handleProgress,
  resendAsFollower,
  sendPrepareReq,
} from "./follower.ts";
import {
  flushBatchAsLeader,
  handleAccepted,
  handleNotAccepted,
  handlePrepareReq,
  handlePromise,
  resendAsLeader,
} from "./leader.ts";
import { handleProposals, handleStopSign } from "./proposals.ts";
import type { PaxosState } from "./state.ts";

export function handleMessage<T, S>(
  state: PaxosState<T, S>,
  from: NodeId,
  message: Exclude<PaxosMessage<T, S>, HeartbeatRequest | HeartbeatReply | TakeOver>,
): void {
  switch (message.type) {
    case "prepareReq":
      return handlePrepareReq(state, from, message);
    case "prepare":
      return handlePrepare(state, message);
    case "promise":
      return handlePromise(state, from, message);
    case "acceptSync":
      return handleAcceptSync(state, from, message);
    case "acceptDecide":
      return handleAcceptDecide(state, from, message);
    case "accepted":
      return handleAccepted(state, from, message);
    case "decide":
      return handleDecide(state, from, message);
    case "acceptStopSign":
      return handleAcceptStopSign(state, from, message);
    case "notAccepted":
      return handleNotAccepted(state, from, message);
    case "proposalForward":
      return handleProposals(state, message.entries);
    case "forwardStopSign":
      return handleStopSign(state, message.stopSign);
    case "compaction":
      return handleCompaction(state, message);
    case "progress":
      return handleProgress(state, from, message);
    default:
      return unreachable(message, "message");
  }
}

/** A restarted node has lost its place in the stream: it asks every peer, and a peer that leads prepares it. */
export function recover<T, S>(state: PaxosState<T, S>): void {
  state.become("follower", "recover");
  for (const peer of state.config.peers) sendPrepareReq(state, peer);
}

export function resendTimeout<T, S>(state: PaxosState<T, S>): void {
  if (state.role === "leader") resendAsLeader(state);
  else resendAsFollower(state);
  // STORE-4: without other writes for this long, the decided index gets a group of its own.
  state.store.writeDecided();
}

export function flushTimeout<T, S>(state: PaxosState<T, S>): void {
  if (state.phase !== "accept") return;
  if (state.role === "leader") flushBatchAsLeader(state);
  else flushBatchAsFollower(state);
}
