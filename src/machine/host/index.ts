/** Disk, lock, descriptors, memory and standard output of a process. */
export { AuditFile } from "./audit-file.ts";
export { type CertificateFiles, makeAuthority, makeCertificate } from "./certificate-maker.ts";
export { type ColorLevel, colorLevel } from "./color.ts";
export { compileSooner } from "./compile-sooner.ts";
export { DataLock, DirectoryInUse, LOCK_FILE } from "./data-lock.ts";
export { DataLocks } from "./data-locks.ts";
export {
  type ConnectionCaps,
  descriptorLimit,
  fitConnections,
  openDescriptors,
} from "./descriptors.ts";
export {
  type DirectoryWatch,
  fileIdentity,
  type NeededFile,
  watchDirectory,
  type WatchedPart,
} from "./directory-watch.ts";
export { KeptFiles } from "./kept-files.ts";
export { NewFile, syncDirectory } from "./new-file.ts";
export { makeDirectoryNow, NodeDisk } from "./node-disk.ts";
export { heapLimitBytes } from "./heap-limit.ts";
export { processMemory } from "./node-memory.ts";
export { packageFile, programVersion } from "./package-file.ts";
export { makePrivateDirectory, openPrivateLog, PRIVATE_FILE } from "./private-files.ts";
export { processListeningOn, processUsage, resetPeakMemory } from "./process-usage.ts";
export { endWhenReaderGoes } from "./reader-gone.ts";
export { scryptPasswords } from "./scrypt-passwords.ts";
export { tellServiceManager } from "./service-manager.ts";
export { createStandardOutput } from "./standard-output.ts";
