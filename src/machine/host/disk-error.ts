/** From the system's errors to those that the Disk port promises: each names the file, what is wrong, and the way out. */
import { noRoomText, StorageError, systemCode, tooManyFilesText } from "../../base/index.ts";
import { DiskFullError, TooManyFilesError } from "../ports/index.ts";

/** "cannot read …". */
export type DiskDeed =
  "read" | "write" | "create" | "open" | "list" | "look at" | "sync" | "rename" | "remove";

const ANOTHER_DIRECTORY = "or give this server another --data-dir";

/** @param path absolute: the reader may be in another directory than the process */
export function diskError(error: unknown, deed: DiskDeed, path: string): Error {
  if (error instanceof StorageError || error instanceof DiskFullError) return error;
  const code = systemCode(error);
  if (code === null) return error instanceof Error ? error : new Error(String(error));
  const options = { cause: error };
  const unusable = (text: string): StorageError =>
    new StorageError("DIRECTORY_UNUSABLE", text, options);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new DiskFullError(
        `cannot ${deed} ${path}: ${noRoomText(code)}. Make room there`,
        options,
      );
    case "EMFILE":
    case "ENFILE":
      return new TooManyFilesError(`cannot ${deed} ${path}: ${tooManyFilesText(code)}`, options);
    case "EROFS":
      return unusable(
        `cannot ${deed} ${path}: its file system is read-only (${code}), which Linux also makes of one whose disk fails ` +
          `(dmesg tells). Make it writable, ${ANOTHER_DIRECTORY}`,
      );
    case "EACCES":
    case "EPERM":
      return unusable(
        `cannot ${deed} ${path}: this user lacks the permission (${code}). Let the user that runs the server own the data ` +
          `directory and all in it, ${ANOTHER_DIRECTORY}`,
      );
    case "ENOENT":
      return unusable(
        `cannot ${deed} ${path}: there is no such file or directory (${code}). If somebody moved or removed it, put it back and start this ` +
          `node again`,
      );
    case "ENOTDIR":
    case "EEXIST":
      return unusable(
        `cannot ${deed} ${path}: there is a file where a directory has to be (${code}). Move that file away, ` +
          ANOTHER_DIRECTORY,
      );
    case "EISDIR":
      return unusable(
        `cannot ${deed} ${path}: there is a directory where a file has to be (${code}). Move that directory away, ` +
          ANOTHER_DIRECTORY,
      );
    default:
      return new StorageError(
        "DISK_FAILED",
        `cannot ${deed} ${path}: ${systemText(code, error)}. Check the disk and its file system (dmesg, smartctl), then ` +
          `start this node again`,
        options,
      );
  }
}

function systemText(code: string, error: unknown): string {
  if (code === "EIO") return "the disk reports an input/output error (EIO)";
  return error instanceof Error ? `the system says "${error.message}"` : `the system says ${code}`;
}
