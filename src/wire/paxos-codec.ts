/** Protocol messages as arrays: a type code, then the fields in the order of their declaration. */
import { unreachable } from "../base/assert.ts";
import { BALLOT_N_MAX, ENTRY_BYTES_MAX } from "../base/limits.ts";
import type {
  Ballot,
  ClusterConfig,
  LogSync,
  PaxosMessage,
  SequenceNumber,
  Snapshot,
  StopSign,
} from "../omnipaxos/index.ts";
import { checkArray, checkBoolean, checkBytes, checkInteger } from "./checks.ts";
import { DecodeError } from "./decode-error.ts";
import type { SnapshotName } from "./host-message.ts";

/** Protocol messages as this program sends them: entries are opaque bytes, snapshots are named and fetched apart. */
export type NodePaxosMessage = PaxosMessage<Uint8Array, SnapshotName>;

/** Nodes of one configuration. */
export const CLUSTER_NODES_MAX = 64;
/** A stop-sign's metadata. */
export const METADATA_BYTES_MAX = 64 * 1024;
const UINT32_MAX = 2 ** 32 - 1;

/** Part of the format: numbers are never given a second meaning. */
const CODES: { readonly [K in NodePaxosMessage["type"]]: number } = {
  heartbeatRequest: 1,
  heartbeatReply: 2,
  prepareReq: 3,
  prepare: 4,
  promise: 5,
  acceptSync: 6,
  acceptDecide: 7,
  accepted: 8,
  decide: 9,
  acceptStopSign: 10,
  notAccepted: 11,
  proposalForward: 12,
  forwardStopSign: 13,
  compaction: 14,
  progress: 15,
  takeOver: 16,
};

const typesByCode = new Map(
  Object.entries(CODES).map(([type, code]) => [code, type as NodePaxosMessage["type"]]),
);

export function paxosToFields(message: NodePaxosMessage): readonly unknown[] {
  const code = CODES[message.type];
  switch (message.type) {
    case "heartbeatRequest":
      return [code, message.round, message.incarnation];
    case "heartbeatReply":
      return [
        code,
        message.round,
        message.incarnation,
        ballotOut(message.ballot),
        ballotOut(message.leader),
        message.happy,
      ];
    case "prepareReq":
    case "notAccepted":
    case "takeOver":
      return [code, ballotOut(message.n)];
    case "prepare":
      return [
        code,
        ballotOut(message.n),
        message.decidedIdx,
        ballotOut(message.acceptedRound),
        message.acceptedIdx,
      ];
    case "promise":
      return [
        code,
        ballotOut(message.n),
        ballotOut(message.acceptedRound),
        message.decidedIdx,
        message.acceptedIdx,
        message.logSync === null ? null : logSyncOut(message.logSync),
      ];
    case "acceptSync":
      return [
        code,
        ballotOut(message.n),
        seqOut(message.seq),
        message.decidedIdx,
        logSyncOut(message.logSync),
      ];
    case "acceptDecide":
      return [code, ballotOut(message.n), seqOut(message.seq), message.decidedIdx, message.entries];
    case "accepted":
      return [code, ballotOut(message.n), message.acceptedIdx, message.decidedIdx];
    case "decide":
    case "progress":
      return [code, ballotOut(message.n), seqOut(message.seq), message.decidedIdx];
    case "acceptStopSign":
      return [code, ballotOut(message.n), seqOut(message.seq), stopSignOut(message.stopSign)];
    case "proposalForward":
      return [code, message.entries];
    case "forwardStopSign":
      return [code, stopSignOut(message.stopSign)];
    case "compaction":
      return [code, message.compaction.kind === "trim" ? 0 : 1, message.compaction.idx];
    default:
      return unreachable(message, "protocol message");
  }
}

/** @throws DecodeError */
export function paxosFromFields(fields: readonly unknown[]): NodePaxosMessage {
  const type = typesByCode.get(checkInteger(fields[0], "type code"));
  if (type === undefined) throw new DecodeError(`unknown message type ${String(fields[0])}`);
  const [, a, b, c, d, e] = fields;
  switch (type) {
    case "heartbeatRequest":
      sized(fields, type, 2);
      return { type, round: checkInteger(a, "round"), incarnation: checkInteger(b, "incarnation") };
    case "heartbeatReply":
      sized(fields, type, 5);
      return {
        type,
        round: checkInteger(a, "round"),
        incarnation: checkInteger(b, "incarnation"),
        ballot: ballotIn(c, "ballot"),
        leader: ballotIn(d, "leader"),
        happy: checkBoolean(e, "happy"),
      };
    case "prepareReq":
    case "notAccepted":
    case "takeOver":
      sized(fields, type, 1);
      return { type, n: ballotIn(a, "n") };
    case "prepare":
      sized(fields, type, 4);
      return {
        type,
        n: ballotIn(a, "n"),
        decidedIdx: checkInteger(b, "decidedIdx"),
        acceptedRound: ballotIn(c, "acceptedRound"),
        acceptedIdx: checkInteger(d, "acceptedIdx"),
      };
    case "promise":
      sized(fields, type, 5);
      return {
        type,
        n: ballotIn(a, "n"),
        acceptedRound: ballotIn(b, "acceptedRound"),
        decidedIdx: checkInteger(c, "decidedIdx"),
        acceptedIdx: checkInteger(d, "acceptedIdx"),
        logSync: e === null ? null : logSyncIn(e),
      };
    case "acceptSync":
      sized(fields, type, 4);
      return { type, ...streamIn(fields), logSync: logSyncIn(d) };
    case "acceptDecide":
      sized(fields, type, 4);
      return { type, ...streamIn(fields), entries: entriesIn(d, "entries") };
    case "accepted":
      sized(fields, type, 3);
      return {
        type,
        n: ballotIn(a, "n"),
        acceptedIdx: checkInteger(b, "acceptedIdx"),
        decidedIdx: checkInteger(c, "decidedIdx"),
      };
    case "decide":
    case "progress":
      sized(fields, type, 3);
      return { type, ...streamIn(fields) };
    default:
      return rareFromFields(type, fields);
  }
}

/** What travels seldom. */
function rareFromFields(
  type: "acceptStopSign" | "proposalForward" | "forwardStopSign" | "compaction",
  fields: readonly unknown[],
): NodePaxosMessage {
  const [, a, b, c] = fields;
  switch (type) {
    case "acceptStopSign":
      sized(fields, type, 3);
      return { type, n: ballotIn(a, "n"), seq: seqIn(b), stopSign: stopSignIn(c) };
    case "proposalForward":
      sized(fields, type, 1);
      return { type, entries: entriesIn(a, "entries") };
    case "forwardStopSign":
      sized(fields, type, 1);
      return { type, stopSign: stopSignIn(a) };
    case "compaction":
      sized(fields, type, 2);
      return checkInteger(a, "kind", 0, 1) === 0
        ? { type, compaction: { kind: "trim", idx: checkInteger(b, "idx") } }
        : {
            type,
            compaction: { kind: "snapshot", idx: b === null ? null : checkInteger(b, "idx") },
          };
    default:
      return unreachable(type, "protocol message type");
  }
}

function sized(fields: readonly unknown[], type: string, count: number): void {
  if (fields.length !== count + 1) {
    throw new DecodeError(`${type}: expected ${count} fields, got ${fields.length - 1}`);
  }
}

function uint32(value: unknown, name: string): number {
  return checkInteger(value, name, 0, UINT32_MAX);
}

/** The fields that every message of the leader's stream begins with. */
function streamIn(fields: readonly unknown[]): {
  n: Ballot;
  seq: SequenceNumber;
  decidedIdx: number;
} {
  return {
    n: ballotIn(fields[1], "n"),
    seq: seqIn(fields[2]),
    decidedIdx: checkInteger(fields[3], "decidedIdx"),
  };
}

function ballotOut(ballot: Ballot): readonly number[] {
  return [ballot.configId, ballot.n, ballot.priority, ballot.pid];
}

function ballotIn(value: unknown, name: string): Ballot {
  const fields = checkArray(value, name, 4, 4);
  return {
    configId: checkInteger(fields[0], `${name}.configId`),
    n: checkInteger(fields[1], `${name}.n`, 0, BALLOT_N_MAX),
    priority: checkInteger(fields[2], `${name}.priority`),
    pid: checkInteger(fields[3], `${name}.pid`),
  };
}

function seqOut(seq: SequenceNumber): readonly number[] {
  return [seq.session, seq.counter];
}

function seqIn(value: unknown): SequenceNumber {
  const fields = checkArray(value, "seq", 2, 2);
  return {
    session: checkInteger(fields[0], "seq.session"),
    counter: checkInteger(fields[1], "seq.counter"),
  };
}

/** How many there may be is bounded by the size of a message alone. */
function entriesIn(value: unknown, name: string): readonly Uint8Array[] {
  const entries = checkArray(value, name, 0, UINT32_MAX);
  for (const entry of entries) checkBytes(entry, name, ENTRY_BYTES_MAX);
  return entries as readonly Uint8Array[];
}

function logSyncOut(sync: LogSync<Uint8Array, SnapshotName>): readonly unknown[] {
  return [
    sync.snapshot === null ? null : snapshotOut(sync.snapshot),
    sync.syncIdx,
    sync.suffix,
    sync.stopSign === null ? null : stopSignOut(sync.stopSign),
  ];
}

function logSyncIn(value: unknown): LogSync<Uint8Array, SnapshotName> {
  const fields = checkArray(value, "logSync", 4, 4);
  return {
    snapshot: fields[0] === null ? null : snapshotIn(fields[0]),
    syncIdx: checkInteger(fields[1], "logSync.syncIdx"),
    suffix: entriesIn(fields[2], "logSync.suffix"),
    stopSign: fields[3] === null ? null : stopSignIn(fields[3]),
  };
}

function snapshotOut(snapshot: Snapshot<SnapshotName>): readonly unknown[] {
  const { idx, bytes, crc } = snapshot.value;
  return [snapshot.kind === "delta" ? snapshot.baseIdx : null, snapshot.idx, idx, bytes, crc];
}

function snapshotIn(value: unknown): Snapshot<SnapshotName> {
  const fields = checkArray(value, "snapshot", 5, 5);
  const idx = checkInteger(fields[1], "snapshot.idx");
  const name: SnapshotName = {
    idx: checkInteger(fields[2], "snapshot.value.idx"),
    bytes: checkInteger(fields[3], "snapshot.value.bytes"),
    crc: uint32(fields[4], "snapshot.value.crc"),
  };
  return fields[0] === null
    ? { kind: "complete", idx, value: name }
    : {
        kind: "delta",
        baseIdx: checkInteger(fields[0], "snapshot.baseIdx", 0, idx),
        idx,
        value: name,
      };
}

function stopSignOut(stopSign: StopSign): readonly unknown[] {
  const { configurationId, nodes, flexibleQuorum } = stopSign.nextConfig;
  const quorum = flexibleQuorum === undefined ? null : [flexibleQuorum.read, flexibleQuorum.write];
  return [configurationId, nodes, quorum, stopSign.metadata];
}

function stopSignIn(value: unknown): StopSign {
  const fields = checkArray(value, "stopSign", 4, 4);
  const nodes = checkArray(fields[1], "stopSign.nodes", 1, CLUSTER_NODES_MAX).map((node) =>
    checkInteger(node, "stopSign.nodes", 1),
  );
  const config: ClusterConfig = {
    configurationId: checkInteger(fields[0], "stopSign.configurationId", 1),
    nodes,
  };
  const nextConfig =
    fields[2] === null ? config : { ...config, flexibleQuorum: quorumIn(fields[2]) };
  const metadata =
    fields[3] === null ? null : checkBytes(fields[3], "stopSign.metadata", METADATA_BYTES_MAX);
  return { nextConfig, metadata };
}

function quorumIn(value: unknown): { readonly read: number; readonly write: number } {
  const fields = checkArray(value, "stopSign.flexibleQuorum", 2, 2);
  return {
    read: checkInteger(fields[0], "flexibleQuorum.read", 1, CLUSTER_NODES_MAX),
    write: checkInteger(fields[1], "flexibleQuorum.write", 1, CLUSTER_NODES_MAX),
  };
}
