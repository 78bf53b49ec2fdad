import { ByteReader, HISTORY_REVISIONS_MAX } from "../../base/index.ts";
import {
  FIRST_SNAPSHOT_VERSION,
  HISTORY_SNAPSHOT_VERSION,
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
} from "./frozen-state.ts";
import { readSettings } from "./cluster-settings.ts";
import { NO_ROUNDS, ROUNDS_MAX, type Round, type Rounds } from "../entries/rounds.ts";
import {
  EMPTY_STATE_HEADER,
  NO_ORIGIN,
  type StateHeader,
  type UnreadableEntries,
} from "./state-header.ts";

/** These bytes are no snapshot of a state, or of another version. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
  readonly isOfOtherVersion: boolean;

  constructor(message: string, isOfOtherVersion = false) {
    super(message);
    this.isOfOtherVersion = isOfOtherVersion;
  }
}

/** No header is longer. */
export const SNAPSHOT_HEADER_BYTES_MAX = 128 * 1024;

export interface SnapshotHeader {
  readonly version: number;
  /** Without users and roles, which come at the end. */
  readonly state: StateHeader;
  /** From this revision on the state can be read: its history begins there. */
  readonly oldest: number;
  readonly lastCounted: number;
  readonly sessions: number;
  readonly keys: number;
}

/** The first fields of a snapshot. */
type SnapshotBeginning = Pick<SnapshotHeader, "version" | "oldest"> & {
  readonly state: Omit<StateHeader, "rounds" | "access">;
};

/** So many bytes of a snapshot have its origin in them. */
export const SNAPSHOT_ORIGIN_BYTES = 128;

/**
 * The origin of the state whose snapshot begins with these bytes. NO_ORIGIN: it has none yet.
 * @returns null when it is not complete
 * @throws SnapshotError when this cannot be the beginning of a snapshot
 */
export function snapshotOrigin(start: Uint8Array): number | null {
  return readBeginning(new ByteReader().reset(start))?.state.origin ?? null;
}

/** As `readSnapshotHeader`. */
function readBeginning(reader: ByteReader): SnapshotBeginning | null {
  const magic = reader.u32();
  const version = reader.u8();
  if (reader.failed) return null;
  if (magic !== SNAPSHOT_MAGIC) throw new SnapshotError("this is not a snapshot");
  if (version < FIRST_SNAPSHOT_VERSION || version > SNAPSHOT_VERSION) {
    const known = `${FIRST_SNAPSHOT_VERSION} to ${SNAPSHOT_VERSION}`;
    const text = `snapshot of version ${version}; this program reads versions ${known}`;
    throw new SnapshotError(text, true);
  }
  const isFirst = version === FIRST_SNAPSHOT_VERSION;
  const hasHistory = version >= HISTORY_SNAPSHOT_VERSION;
  const appliedIdx = reader.varint();
  const revision = reader.varint();
  const historyHash = reader.u32() | 0;
  const unreadable = isFirst ? EMPTY_STATE_HEADER.unreadable : readUnreadable(reader);
  const settings = readSettings(reader, { quota: !isFirst, history: hasHistory });
  const oldest = hasHistory ? reader.varint() : revision;
  const state = {
    appliedIdx,
    revision,
    historyHash,
    unreadable,
    settings,
    origin: isFirst ? NO_ORIGIN : reader.varint(),
  };
  return reader.failed ? null : { version, oldest, state };
}

/**
 * @returns null when it is not complete
 * @throws SnapshotError when this cannot be the beginning of a snapshot
 */
export function readSnapshotHeader(reader: ByteReader): SnapshotHeader | null {
  const beginning = readBeginning(reader);
  if (beginning === null) return null;
  const { version, oldest } = beginning;
  const isFirst = version === FIRST_SNAPSHOT_VERSION;
  const state = {
    ...beginning.state,
    rounds: isFirst ? NO_ROUNDS : readRounds(reader),
    access: EMPTY_STATE_HEADER.access,
  };
  const lastCounted = reader.varint();
  const sessions = reader.varint();
  const keys = reader.varint();
  if (reader.failed) return null;
  const { revision } = state;
  if (oldest > revision || revision - oldest > HISTORY_REVISIONS_MAX) {
    throw new SnapshotError(`a history from revision ${oldest} to ${revision}`);
  }
  const last = state.rounds.kept.at(-1);
  if (last !== undefined && last.idx >= state.appliedIdx) {
    throw new SnapshotError("a round that begins behind the end");
  }
  return { version, state, oldest, lastCounted, sessions, keys };
}

function readUnreadable(reader: ByteReader): UnreadableEntries {
  const count = reader.varint();
  const next = reader.varint();
  return { count, lastIdx: next === 0 ? null : next - 1 };
}

function readRounds(reader: ByteReader): Rounds {
  const forgotten = reader.varint();
  const count = reader.varint();
  if (count > ROUNDS_MAX) throw new SnapshotError(`${count} rounds`);
  const kept: Round[] = [];
  let last = -1;
  for (let i = 0; i < count; i++) {
    const name = { n: reader.varint(), pid: reader.varint(), salt: reader.u32() };
    const idx = Math.max(last, 0) + reader.varint();
    if (reader.failed) return NO_ROUNDS;
    if (idx <= last) throw new SnapshotError("rounds out of order");
    last = idx;
    kept.push({ ...name, idx });
  }
  return { forgotten, kept };
}
