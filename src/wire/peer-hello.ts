/**
 * What a node says of itself and its disk when it connects to a peer, beside its name: enough for the peer to tell whether
 * this is the node it knows, with at least what that node has told it.
 */
import { BALLOT_N_MAX } from "../base/limits.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import { checkArray, checkBoolean, checkInteger } from "./checks.ts";
import { DecodeError } from "./decode-error.ts";

/** What a node has on its disk for sure: it may be told to others, and must never be less afterwards. */
export interface DurableClaims {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

/** Marks that one process of a node has told the peer it says this to: each was on the disk before. */
export interface ToldRun {
  /** The process's random id. */
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

export interface PeerHello {
  /** Ids of all nodes of the cluster, ascending, this one included. */
  readonly members: readonly number[];
  /** False: an empty disk that asks to take the place of a lost one. It votes for nothing yet. */
  readonly joined: boolean;
  /** How many disks have taken this node's place, as far as it knows. */
  readonly generation: number;
  /** Oldest first; the last one ends with what it tells now. What the peer has heard before must be in one of them. */
  readonly marks: readonly ToldRun[];
  readonly durable: DurableClaims;
  /** Of the log that its state comes from (`StateHeader.origin`); NO_ORIGIN: none yet. */
  readonly origin: number;
}

/** Nodes of a cluster, at most. */
export const MEMBERS_MAX = 64;
/** Runs of marks, at most. */
const RUNS_NAMED = 16;
const U32 = 2 ** 32 - 1;

export function peerHelloToFields(hello: PeerHello): readonly unknown[] {
  const { members, joined, generation, marks, durable, origin } = hello;
  return [
    members,
    joined,
    generation,
    marks.map(({ boot, from, to }) => [boot, from, to]),
    ballotToFields(durable.promise),
    ballotToFields(durable.acceptedRound),
    durable.acceptedIdx,
    durable.decidedIdx,
    origin,
  ];
}

/** @throws DecodeError */
export function peerHelloFromFields(value: unknown): PeerHello {
  const fields = checkArray(value, "peer", 9, 9);
  return {
    members: checkArray(fields[0], "peer.members", 1, MEMBERS_MAX).map((id) =>
      checkInteger(id, "peer.members", 1),
    ),
    joined: checkBoolean(fields[1], "peer.joined"),
    generation: checkInteger(fields[2], "peer.generation", 0, U32),
    marks: checkArray(fields[3], "peer.marks", 0, RUNS_NAMED).map(runFromFields),
    durable: {
      promise: ballotFromFields(fields[4], "peer.promise"),
      acceptedRound: ballotFromFields(fields[5], "peer.acceptedRound"),
      acceptedIdx: checkInteger(fields[6], "peer.acceptedIdx"),
      decidedIdx: checkInteger(fields[7], "peer.decidedIdx"),
    },
    origin: checkInteger(fields[8], "peer.origin"),
  };
}

function runFromFields(value: unknown): ToldRun {
  const fields = checkArray(value, "peer.marks", 3, 3);
  const boot = checkInteger(fields[0], "peer.marks.boot", 0, U32);
  const from = checkInteger(fields[1], "peer.marks.from", 1);
  const to = checkInteger(fields[2], "peer.marks.to", 1);
  if (to < from) throw new DecodeError("peer.marks: a run that ends before it begins");
  return { boot, from, to };
}

function ballotToFields({ configId, n, priority, pid }: Ballot): readonly number[] {
  return [configId, n, priority, pid];
}

function ballotFromFields(value: unknown, name: string): Ballot {
  const fields = checkArray(value, name, 4, 4);
  return {
    configId: checkInteger(fields[0], name),
    n: checkInteger(fields[1], name, 0, BALLOT_N_MAX),
    priority: checkInteger(fields[2], name),
    pid: checkInteger(fields[3], name),
  };
}
