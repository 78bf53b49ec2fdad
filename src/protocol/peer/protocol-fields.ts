/** The structures of the protocol, beside ballots, as messages and the log write them. Messages have limits; the log has none. */
import { ENTRY_BYTES_MAX, MEMBERS_MAX } from "../../base/index.ts";
import type {
  ClusterConfig,
  LogSync,
  SequenceNumber,
  Snapshot,
  StopSign,
} from "../../omnipaxos/index.ts";
import {
  byteString,
  byteStrings,
  DecodeError,
  INDEX,
  integer,
  type Kind,
  list,
  mapped,
  optional,
  POSITIVE,
  type Structure,
  structure,
  UINT32,
} from "../codec/index.ts";
import type { SnapshotName } from "../messages/index.ts";

/** A stop-sign's metadata. */
const METADATA_BYTES_MAX = 64 * 1024;

export const SEQUENCE_NUMBER = structure<SequenceNumber>(
  (f) => ({ session: f.varint(), counter: f.varint() }),
  {
    write: (out, { session, counter }) => {
      out.varint(session);
      out.varint(counter);
    },
    read: (from) => ({ session: from.varint(), counter: from.varint() }),
  },
);

/** How many there may be is bounded by the size of a message alone. */
export const ENTRIES = byteStrings(ENTRY_BYTES_MAX);

export const SNAPSHOT_NAME: Structure<SnapshotName> = structure((f) => ({
  idx: f.varint(),
  bytes: f.varint(),
  crc: f.take(UINT32),
}));

/** @param limits of numbers that are at least 1, and of those that count nodes */
function stopSignOf(
  positive: Kind<number>,
  nodes: Kind<readonly number[]>,
  count: Kind<number>,
  metadata: Kind<Uint8Array>,
): Structure<StopSign> {
  const quorum = optional(structure((f) => ({ read: f.take(count), write: f.take(count) })));
  const maybeMetadata = optional(metadata);
  return mapped(
    structure((f) => ({
      configurationId: f.take(positive),
      nodes: f.take(nodes),
      flexibleQuorum: f.take(quorum),
      metadata: f.take(maybeMetadata),
    })),
    ({ nextConfig: { configurationId, nodes, flexibleQuorum = null }, metadata }) => ({
      configurationId,
      nodes,
      flexibleQuorum,
      metadata,
    }),
    ({ configurationId, nodes, flexibleQuorum, metadata }) => {
      const config: ClusterConfig = { configurationId, nodes };
      const nextConfig = flexibleQuorum === null ? config : { ...config, flexibleQuorum };
      return { nextConfig, metadata };
    },
  );
}

export const STOP_SIGN = stopSignOf(
  POSITIVE,
  list(POSITIVE, 1, MEMBERS_MAX),
  integer(1, MEMBERS_MAX),
  byteString(METADATA_BYTES_MAX),
);
/** As the log has it. Its metadata are a copy: a view would keep a whole segment in memory for as long as the node runs. */
export const ANY_STOP_SIGN = stopSignOf(INDEX, list(INDEX), INDEX, {
  ...byteString(),
  read: (from) => byteString().read(from).slice(),
});

const MAYBE_INDEX = optional(INDEX);
const SNAPSHOT: Structure<Snapshot<SnapshotName>> = mapped(
  structure((f) => ({
    baseIdx: f.take(MAYBE_INDEX),
    idx: f.varint(),
    valueIdx: f.varint(),
    bytes: f.varint(),
    crc: f.take(UINT32),
  })),
  (snapshot) => ({
    baseIdx: snapshot.kind === "delta" ? snapshot.baseIdx : null,
    idx: snapshot.idx,
    valueIdx: snapshot.value.idx,
    bytes: snapshot.value.bytes,
    crc: snapshot.value.crc,
  }),
  ({ baseIdx, idx, valueIdx, bytes, crc }) => {
    const value = { idx: valueIdx, bytes, crc };
    if (baseIdx === null) {
      // The log names such a snapshot by its index alone.
      if (valueIdx !== idx) throw new DecodeError(`snapshot.idx: ${idx}, and its name ${valueIdx}`);
      return { kind: "complete", idx, value };
    }
    if (baseIdx > idx) throw new DecodeError(`snapshot.baseIdx: ${baseIdx} is above ${idx}`);
    return { kind: "delta", baseIdx, idx, value };
  },
);

const MAYBE_SNAPSHOT = optional(SNAPSHOT);
const MAYBE_STOP_SIGN = optional(STOP_SIGN);
export const LOG_SYNC: Structure<LogSync<Uint8Array, SnapshotName>> = structure((f) => ({
  snapshot: f.take(MAYBE_SNAPSHOT),
  syncIdx: f.varint(),
  suffix: f.take(ENTRIES),
  stopSign: f.take(MAYBE_STOP_SIGN),
}));
