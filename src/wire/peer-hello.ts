/**
 * What a node says of itself and its disk when it connects to a peer, beside its name: enough for the peer to tell whether
 * this is the node it knows, with at least what that node has told it.
 */
import { BALLOT_N_MAX } from "../base/limits.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import { checkArray, checkBoolean, checkBytes, checkInteger } from "./checks.ts";
import { DecodeError } from "./decode-error.ts";

/** What a node has on its disk for sure: it may be told to others, and must never be less afterwards. */
export interface DurableClaims {
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
}

/** The starts of a node's process on its disk: how many there were, and the random numbers of the last ones, oldest first. */
export interface BootHistory {
  readonly number: number;
  readonly ids: readonly number[];
}

export interface PeerHello {
  /** Ids of all nodes of the cluster, ascending, this one included. */
  readonly members: readonly number[];
  /** False: an empty disk that asks to take the place of a lost one. It votes for nothing yet. */
  readonly joined: boolean;
  /** How many disks have taken this node's place, as far as it knows. */
  readonly generation: number;
  readonly boots: BootHistory;
  readonly durable: DurableClaims;
  /** Of the log that its state comes from (`StateHeader.origin`); NO_ORIGIN: none yet. */
  readonly origin: number;
}

/** Nodes of a cluster, at most. */
export const MEMBERS_MAX = 64;
/** As many of its last starts as a node names. A peer that has met none of these cannot compare. */
export const BOOTS_NAMED = 64;
const U32 = 2 ** 32 - 1;
const BOOT_BYTES = 4;

export function peerHelloToFields(hello: PeerHello): readonly unknown[] {
  const { members, joined, generation, boots, durable, origin } = hello;
  const ids = new Uint8Array(BOOT_BYTES * boots.ids.length);
  const view = new DataView(ids.buffer);
  boots.ids.forEach((id, i) => view.setUint32(BOOT_BYTES * i, id));
  return [
    members,
    joined,
    generation,
    boots.number,
    ids,
    ballotToFields(durable.promise),
    ballotToFields(durable.acceptedRound),
    durable.acceptedIdx,
    durable.decidedIdx,
    origin,
  ];
}

/** @throws DecodeError */
export function peerHelloFromFields(value: unknown): PeerHello {
  const fields = checkArray(value, "peer", 10, 10);
  const number = checkInteger(fields[3], "peer.bootNumber");
  const ids = bootIds(checkBytes(fields[4], "peer.boots", BOOT_BYTES * BOOTS_NAMED));
  if (ids.length > number) throw new DecodeError("peer.boots: more than there were");
  return {
    members: checkArray(fields[0], "peer.members", 1, MEMBERS_MAX).map((id) =>
      checkInteger(id, "peer.members", 1),
    ),
    joined: checkBoolean(fields[1], "peer.joined"),
    generation: checkInteger(fields[2], "peer.generation", 0, U32),
    boots: { number, ids },
    durable: {
      promise: ballotFromFields(fields[5], "peer.promise"),
      acceptedRound: ballotFromFields(fields[6], "peer.acceptedRound"),
      acceptedIdx: checkInteger(fields[7], "peer.acceptedIdx"),
      decidedIdx: checkInteger(fields[8], "peer.decidedIdx"),
    },
    origin: checkInteger(fields[9], "peer.origin"),
  };
}

function bootIds(bytes: Uint8Array): readonly number[] {
  if (bytes.length % BOOT_BYTES !== 0) throw new DecodeError("peer.boots: cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / BOOT_BYTES }, (_, i) =>
    view.getUint32(BOOT_BYTES * i),
  );
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
