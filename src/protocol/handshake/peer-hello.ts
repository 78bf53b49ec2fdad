/**
 * What a node says of itself and its disk when it connects to a peer, beside its name: enough for the peer to tell whether
 * this is the node it knows, with at least what that node has told it.
 */
import { MEMBERS_MAX } from "../../base/index.ts";
import {
  BALLOT,
  BOOLEAN,
  DecodeError,
  list,
  mapped,
  POSITIVE,
  type Source,
  structure,
  UINT32,
} from "../codec/index.ts";
import type { DurableClaims } from "../messages/index.ts";

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

/** Runs of marks, at most. */
const RUNS_NAMED = 16;

const MEMBERS = list(POSITIVE, 1, MEMBERS_MAX);

const TOLD_RUNS = list<ToldRun>(
  mapped(
    structure((f) => ({ boot: f.take(UINT32), from: f.take(POSITIVE), to: f.take(POSITIVE) })),
    (run) => run,
    (run) => {
      if (run.to < run.from) throw new DecodeError("marks: a run that ends before it begins");
      return run;
    },
  ),
  0,
  RUNS_NAMED,
);

const durableClaims = (f: Source): DurableClaims => ({
  promise: f.take(BALLOT),
  acceptedRound: f.take(BALLOT),
  acceptedIdx: f.varint(),
  decidedIdx: f.varint(),
});
export const DURABLE_CLAIMS = structure(durableClaims);

const PEER_HELLO = mapped<PeerHello, Omit<PeerHello, "durable"> & DurableClaims>(
  structure((f) => ({
    members: f.take(MEMBERS),
    joined: f.take(BOOLEAN),
    generation: f.take(UINT32),
    marks: f.take(TOLD_RUNS),
    ...durableClaims(f),
    origin: f.varint(),
  })),
  ({ durable, ...rest }) => ({ ...rest, ...durable }),
  ({ members, joined, generation, marks, origin, ...durable }) => ({
    members,
    joined,
    generation,
    marks,
    durable,
    origin,
  }),
);

export function peerHelloToFields(hello: PeerHello): readonly unknown[] {
  return PEER_HELLO.toValue(hello);
}

/** @throws DecodeError */
export function peerHelloFromFields(value: unknown): PeerHello {
  return PEER_HELLO.fromValue(value, "peer", "array");
}
