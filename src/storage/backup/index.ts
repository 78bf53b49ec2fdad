/** The file of a backup, and directories that begin with one. */
export { BackupError, type BackupHeader, BackupWriter } from "./format.ts";
export { newBeginning, type NewCluster, REVISION_STEP } from "./new-beginning.ts";
export { type ReadBackup, readBackup } from "./read-backup.ts";
export { restoreDirectory } from "./restore-directory.ts";
