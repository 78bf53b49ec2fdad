/**
 * The state that a restored cluster begins with: the backup's content, as the beginning of another log.
 *
 * Invariants:
 *   RESTORE-1. It follows from the backup, the new cluster's id and members, the step and the restore's id alone: nodes restored apart
 *       from each other begin with the same. With anything else they have another origin, and refuse each other.
 *   RESTORE-2. Its origin is neither that of the old log nor that of another restore: no client or node takes one for the other.
 *   RESTORE-3. Its revision lies `revisionStep` above the backup's: no change of the new cluster has the revision of a change that
 *       the old one made after the backup and lost, if those were fewer.
 */
import { createHash } from "node:crypto";
import { beginningHash, type FrozenState } from "../../store/index.ts";
import type { ReadBackup } from "./read-backup.ts";
import { BackupError } from "./format.ts";

/** At ten thousand changes a second it takes a day to make so many. */
export const REVISION_STEP = 1_000_000_000;

export interface NewCluster {
  readonly clusterId: string;
  /** Tells this restore from every other one of the same backup: the same for all nodes, and never used again. */
  readonly restoreId: string;
  /** The ids of all nodes of the new cluster. */
  readonly members: readonly number[];
  /** Default: REVISION_STEP. */
  readonly revisionStep?: number;
}

/** A restored cluster has at least so many revisions left: more than any use, and many later restores, can take. */
const REVISIONS_LEFT_MIN = 2 ** 52;

/** @throws BackupError when too few revisions are left */
export function newBeginning({ state }: ReadBackup, cluster: NewCluster): FrozenState {
  const { clusterId, restoreId, revisionStep = REVISION_STEP } = cluster;
  const revision = state.revision + revisionStep;
  if (Number.MAX_SAFE_INTEGER - revision < REVISIONS_LEFT_MIN) {
    const moved = `its revision, ${state.revision}, moved on by ${revisionStep}, leaves too few revisions to the new cluster`;
    const wayOut =
      Number.MAX_SAFE_INTEGER - state.revision > REVISIONS_LEFT_MIN
        ? "choose a smaller --revision-step"
        : "omnikv export what its cluster holds, and import that into a new one";
    throw new BackupError(`${moved}: ${wayOut}`);
  }
  const members = [...cluster.members].sort((a, b) => a - b);
  const { appliedIdx, origin: before } = state;
  const from = [clusterId, restoreId, members, revisionStep, appliedIdx, before, state.hash()];
  const { buffer, byteOffset } = createHash("sha256")
    .update(`omnikv restore ${JSON.stringify(from)}`)
    .digest();
  const digest = new DataView(buffer, byteOffset);
  // 53 bits, as the origin that a session draws.
  const origin = Math.max(1, (digest.getUint32(0) >>> 11) * 2 ** 32 + digest.getUint32(4));
  const historyHash = beginningHash(state.historyHash, origin);
  return state.clone().asBeginning({ origin, historyHash, revision });
}
