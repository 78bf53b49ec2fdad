/** The file of a backup, and directories that begin with one. */
export { BackupError, type BackupHeader, BackupWriter, HEADER_BYTES } from "./format.ts";
export { newBeginning, type NewCluster, REVISION_STEP } from "./new-beginning.ts";
export { headerOf, type ReadBackup, readBackup } from "./read-backup.ts";
export { restoreDirectory } from "./restore-directory.ts";
