/** `omnikv backup --data-dir`: a backup of the nodes' disks, when the cluster itself answers no more. */
import { StorageError } from "../../base/index.ts";
import { programVersion } from "../../machine/host/index.ts";
import {
  ballotText,
  chooseLog,
  type LeftLog,
  leftLog,
  type VerifiedDirectory,
  verifyDirectory,
} from "../../storage/backup/index.ts";
import { withDirectory } from "../files/data-directory.ts";
import { writeBackup, type MadeBackup } from "./make-backup.ts";
import type { Output } from "../files/output.ts";

const PIECE_BYTES = 64 * 1024;

export interface DirectoryBackup extends MadeBackup {
  /** Of the entries in it, how many the node did not know to be decided. */
  readonly undecided: number;
  /** Lines: what was found in each directory, which one was taken, and why. None when there was no choice. */
  readonly choice: readonly string[];
}

/**
 * A backup of the right directory (CHOICE-1). It holds the entries that its node has accepted, decided or not, as far as the node knew: a
 * majority holds every acknowledged write, and this disk holds those that it accepted. A write that was not acknowledged may or may not
 * have taken effect, as ever.
 * @throws StorageError LOCKED while a server runs on one of them; damaged data; directories that are not of one cluster
 */
export async function backupDirectories(
  directories: readonly string[],
  output: Output,
): Promise<DirectoryBackup> {
  const [only = "", ...others] = directories;
  if (others.length === 0) return { ...(await backupDirectory(only, output)), choice: [] };
  const logs: [LeftLog, ...LeftLog[]] = [await lookAt(only)];
  for (const directory of others) logs.push(await lookAt(directory));
  const { log, why } = chooseLog(logs);
  const choice = [...logs.map(lineOf), `${log.directory} is taken: ${why}`];
  return { ...(await backupDirectory(log.directory, output)), choice };
}

function lookAt(directory: string): Promise<LeftLog> {
  return whole(directory, (found) => leftLog(directory, found), "decided");
}

function lineOf({ directory, nodeId, acceptedRound, acceptedIdx, decidedIdx }: LeftLog): string {
  const round = ballotText(acceptedRound);
  const known = `${Math.min(decidedIdx, acceptedIdx)} known to be decided`;
  return `${directory}: node ${nodeId}, accepted in round ${round}, ${acceptedIdx} entries, ${known}`;
}

function backupDirectory(
  directory: string,
  output: Output,
): Promise<Omit<DirectoryBackup, "choice">> {
  return whole(directory, async ({ identity, state, undecided, acceptedRound }) => {
    const { clusterId, nodeId } = identity;
    const frozen = state.clone();
    const { appliedIdx, revision, size: keys } = frozen;
    const about = { clusterId, nodeId, appliedIdx, revision, keys, stateHash: frozen.hash() };
    const made = { takenAt: new Date().toISOString(), version: programVersion() };
    const header = { ...about, ...made, acceptedRound: ballotText(acceptedRound) };
    const pieces = frozen.asBackup().encodeSnapshot(PIECE_BYTES);
    return { header, undecided, bytes: await writeBackup(output, header, pieces) };
  });
}

/** @throws StorageError that begins with the directory */
async function whole<T>(
  directory: string,
  use: (found: VerifiedDirectory) => Promise<T> | T,
  upTo: "decided" | "accepted" = "accepted",
): Promise<T> {
  try {
    return await withDirectory(directory, (disk) => {
      const found = verifyDirectory(disk, upTo);
      if (found.joined) return use(found);
      const text = "it is to take the place of a lost disk and has taken over nothing yet";
      throw new StorageError("IDENTITY_DAMAGED", text);
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new StorageError(error.code, `${directory}: ${error.message}`, { cause: error });
  }
}
