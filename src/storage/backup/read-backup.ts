/** Reads a whole backup and makes the state of it: a restore begins with that, and a check can check no more. */
import {
  NO_ORIGIN,
  SNAPSHOT_ORIGIN_BYTES,
  SnapshotDecoder,
  SnapshotError,
  snapshotOrigin,
  type KvState,
} from "../../store/index.ts";
import {
  BackupError,
  BackupReader,
  type BackupHeader,
  FIRST_PIECE_AT_MAX,
  firstPieceIn,
} from "./format.ts";

/** Decoded between two pieces of the file. */
const STEP_BYTES = 1024 * 1024;

export interface ReadBackup {
  readonly header: BackupHeader;
  readonly state: KvState;
  /** How long the state in the file is. */
  readonly bytes: number;
}

/**
 * Checks every checksum, decodes every key, and compares what comes out with what the header says.
 * @param chunks of the file, in order
 * @throws BackupError that says where the damage is
 */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ReadBackup> {
  const reader = new BackupReader();
  const decoder = new SnapshotDecoder();
  let header: BackupHeader | null = null;
  let at = 0;
  const decode = <R>(part: () => R): R => {
    try {
      return part();
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      throw new BackupError(`in the record at byte ${at}: ${error.message}`);
    }
  };
  for await (const chunk of chunks) {
    for (const record of reader.push(chunk)) {
      if (record.kind === "header") {
        header = record.header;
        continue;
      }
      ({ at } = record);
      decoder.push(record.bytes);
      decode(() => {
        while (decoder.step(STEP_BYTES));
      });
    }
  }
  const { bytes } = reader.finish();
  if (header === null) throw new BackupError("it has no header");
  const state = decode(() => decoder.finish());
  compare(header, state);
  return { header, state, bytes };
}

/** So many bytes of a file tell whose backup it is. */
export const BACKUP_START_BYTES = FIRST_PIECE_AT_MAX + SNAPSHOT_ORIGIN_BYTES;

export interface BackupStart {
  readonly header: BackupHeader;
  /** Of the log that its state comes from. Null: nothing had happened in it, or it does not say. */
  readonly origin: number | null;
}

/**
 * The owner of the backup that begins like this. Does not look at the rest of it, nor check the origin.
 * @param start of the file, at least BACKUP_START_BYTES of it if it is that long
 * @throws BackupError when no backup does
 */
export function startOfBackup(start: Uint8Array): BackupStart {
  for (const record of new BackupReader().push(start)) {
    if (record.kind === "header") return { header: record.header, origin: originIn(start) };
  }
  throw new BackupError("it has no header");
}

function originIn(start: Uint8Array): number | null {
  try {
    const origin = snapshotOrigin(firstPieceIn(start));
    return origin === NO_ORIGIN ? null : origin;
  } catch (error) {
    if (error instanceof SnapshotError) return null;
    throw error;
  }
}

function compare(header: BackupHeader, state: KvState): void {
  const found: readonly (readonly [string, string | number, string | number])[] = [
    ["index", header.appliedIdx, state.appliedIdx],
    ["revision", header.revision, state.revision],
    ["number of keys", header.keys, state.size],
    ["hash", header.stateHash, state.hash()],
  ];
  for (const [what, said, is] of found) {
    if (said !== is) throw new BackupError(`its header says ${what} ${said}, its state has ${is}`);
  }
}
