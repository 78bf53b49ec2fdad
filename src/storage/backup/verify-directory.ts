/** Whether a data directory is whole, and the state that its node would serve: its snapshot, and the log's decided entries since. */
import { KvState, SnapshotDecoder, SnapshotError } from "../../store/index.ts";
import { BALLOT_BOTTOM, type Ballot } from "../../omnipaxos/index.ts";
import { type Disk, silentLogger } from "../../machine/ports/index.ts";
import { lookIntoDirectory, type SeenDirectory, StorageError } from "../index.ts";

/** Decoded between two pieces of the file. */
const STEP_BYTES = 1024 * 1024;

export interface VerifiedDirectory extends SeenDirectory {
  /** With all that the node knew to be decided, or had accepted. */
  readonly state: KvState;
  /** Of the entries in it, how many the node did not know to be decided. */
  readonly undecided: number;
  /** In which round its log was accepted last. Of two logs that of the higher round is right, however long the other one is. */
  readonly acceptedRound: Ballot;
  /** Behind the last entry that it has accepted, decided or not. */
  readonly acceptedIdx: number;
  /** Findings that are no damage, and that the operator should know. */
  readonly warnings: readonly string[];
}

/**
 * No server may run on the directory. The check takes as much memory as the node.
 * @param upTo which entries the state is to have
 * @throws StorageError that says what is damaged
 */
export function verifyDirectory(
  disk: Disk,
  upTo: "decided" | "accepted" = "decided",
): VerifiedDirectory {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
  const seen = lookIntoDirectory(disk, logger);
  const state = seen.snapshot === null ? new KvState() : decoded(seen.snapshot);
  const { entries = [], compactedIdx = 0, decidedIdx = 0 } = seen.log ?? {};
  const acceptedIdx = compactedIdx + entries.length;
  const end = upTo === "accepted" ? acceptedIdx : Math.min(decidedIdx, acceptedIdx);
  for (let idx = state.appliedIdx; idx < end; idx += 1) {
    const entry = entries[idx - compactedIdx];
    if (entry !== undefined) state.apply(entry, idx);
  }
  const acceptedRound = seen.log?.acceptedRound ?? BALLOT_BOTTOM;
  const undecided = Math.max(0, end - decidedIdx);
  return { ...seen, state, undecided, acceptedRound, acceptedIdx, warnings };
}

function decoded({ name, chunks }: NonNullable<SeenDirectory["snapshot"]>): KvState {
  const decoder = new SnapshotDecoder();
  try {
    for (const bytes of chunks) {
      decoder.push(bytes);
      while (decoder.step(STEP_BYTES));
    }
    return decoder.finish();
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    const text = `the snapshot at index ${name.idx}: ${error.message}`;
    throw new StorageError(error.isOfOtherVersion ? "UNKNOWN_FORMAT" : "SNAPSHOT_DAMAGED", text);
  }
}
