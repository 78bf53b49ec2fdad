import { StorageError } from "./storage-error.ts";
import { wayOut, wayOutSentence } from "../base/index.ts";

export function damaged(path: string, position: number, what: string): StorageError {
  return new StorageError(
    "LOG_DAMAGED",
    `the log is damaged: ${what} (${path}, byte ${position}). ${wayOutSentence()}`,
  );
}

export function unknownFormat(path: string, what: string): StorageError {
  return new StorageError(
    "UNKNOWN_FORMAT",
    `${path} has ${what}: another version of omnikv wrote it: start that version, or a newer one. If only this version ever ` +
      `ran here, the file is damaged. ${wayOutSentence()}`,
  );
}

export function foreignLog(path: string): StorageError {
  return new StorageError(
    "FOREIGN_LOG",
    `this log was written by another node or another data directory (${path}): put the log back where it belongs, and ` +
      `this node's own log here. If that is gone: ${wayOut()}`,
  );
}
