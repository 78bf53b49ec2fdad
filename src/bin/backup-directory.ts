/** `omnikv backup --data-dir`: what one node has on its disk as a backup, where the cluster itself can be asked for nothing any more. */
import { StorageError } from "../base/index.ts";
import { programVersion } from "../machine/host/index.ts";
import { verifyDirectory } from "../storage/backup/index.ts";
import { withDirectory } from "./data-directory.ts";
import { writeBackup, type MadeBackup } from "./make-backup.ts";
import type { Output } from "./output.ts";

const PIECE_BYTES = 64 * 1024;

export interface DirectoryBackup extends MadeBackup {
  /** Of the entries in it, how many the node did not know to be decided. */
  readonly undecided: number;
}

/**
 * Entries that the node has accepted are in it, decided or not, as far as it knew: whatever was acknowledged stands on a majority, and of that
 * on this disk what this disk accepted. What was not acknowledged may or may not have been done, as ever.
 * @throws StorageError LOCKED while a server runs on it; what is damaged
 */
export function backupDirectory(directory: string, output: Output): Promise<DirectoryBackup> {
  return withDirectory(directory, async (disk) => {
    const found = verifyDirectory(disk, "accepted");
    if (!found.joined) {
      const text = "it is to take the place of a lost disk and has taken over nothing yet";
      throw new StorageError("IDENTITY_DAMAGED", text);
    }
    const { identity, state, undecided } = found;
    const { clusterId, nodeId } = identity;
    const frozen = state.clone();
    const { appliedIdx, revision, size: keys } = frozen;
    const about = { clusterId, nodeId, appliedIdx, revision, keys, stateHash: frozen.hash() };
    const header = { ...about, takenAt: new Date().toISOString(), version: programVersion() };
    const pieces = frozen.asBackup().encodeSnapshot(PIECE_BYTES);
    return { header, undecided, bytes: await writeBackup(output, header, pieces) };
  });
}
