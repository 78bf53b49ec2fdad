/** The contracts of the machine: code that decides gets these handed in. */
export type { Audit, AuditRecord } from "./audit.ts";
export type { CancelTimer, Clock } from "./clock.ts";
export {
  type Disk,
  type DiskCallback,
  type DiskFile,
  DiskFullError,
  TooManyFilesError,
} from "./disk.ts";
export { type LogFields, type Logger, type LogLevel, silentLogger } from "./logger.ts";
export type { DiagnosticsChannel } from "./diagnostics-channel.ts";
export type { Memory, MemoryReading } from "./memory.ts";
export type {
  Address,
  Channel,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Listener,
  Network,
  WireSecurity,
} from "./network.ts";
export type { Passwords } from "./passwords.ts";
export type { Random } from "./random.ts";
export { hashBytes, hashText, SeededRandom, shuffled } from "./seeded-random.ts";
export { StrangerLog } from "./stranger-log.ts";
