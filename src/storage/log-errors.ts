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

/** Which of the two is the copy nobody can say here: both may be whole, and either may be the older one. */
export function doubled(a: string, b: string, segment: number): StorageError {
  return new StorageError(
    "LOG_DAMAGED",
    `${a} and ${b} hold the same part of the log (segment ${segment}): one of them is a copy that this server did not write. Copy the ` +
      "whole data directory to another place first. Then move the copy out of log/ and start again; where it is not known which of the two " +
      "it is, try: with the wrong one gone the start says that the log lacks something, as long as `memory` is as it was",
  );
}
