/** The file of a backup, directories that begin with one, and checks of both. */
export { ballotText } from "../../omnipaxos/index.ts";
export { IDENTITY_FILE } from "../index.ts";
export { chooseLog, type LeftLog, leftLog } from "./choose-log.ts";
export { BackupError, type BackupHeader, BackupWriter } from "./format.ts";
export { newBeginning, type NewCluster, REVISION_STEP } from "./new-beginning.ts";
export { BACKUP_START_BYTES, type ReadBackup, readBackup, startOfBackup } from "./read-backup.ts";
export { verifyDirectory, type VerifiedDirectory } from "./verify-directory.ts";
export { restoreDirectory } from "./restore-directory.ts";
