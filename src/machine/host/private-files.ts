/** Directories and files that only their owner may use. */
import { chmodSync, fchmodSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { makeDirectoryNow } from "./node-disk.ts";

export const PRIVATE_FILE = 0o600;
const OTHERS = 0o077;
/** The lock of a data directory. */
const LOCK_FILE = "lock";

/** Windows has no such bits. */
const hasModes = process.platform !== "win32";

/**
 * Creates the directory when it is missing, durably and for its owner only. It withdraws the access of others to an older one, unless
 * the directory holds other files, which they may need.
 * @returns what stays open to others, for a warning; null: nothing does
 * @throws as the Disk port does
 */
export function makePrivateDirectory(path: string): string | null {
  makeDirectoryNow(path);
  const mode = statSync(path).mode & 0o777;
  if (!hasModes || (mode & OTHERS) === 0) return null;
  try {
    const files = readdirSync(path);
    if (files.length === 0 || files.includes(LOCK_FILE)) {
      chmodSync(path, mode & ~OTHERS);
      return null;
    }
  } catch {
    // Another user's directory: the warning says what its owner can do.
  }
  return `others may get into ${path}, where the data is: if nothing else needs that, chmod 700 ${path}`;
}

/** Opens a file to append to it, for its owner only, as makePrivateDirectory. */
export function openPrivateLog(path: string): number {
  const descriptor = openSync(path, "a", PRIVATE_FILE);
  const mode = fstatSync(descriptor).mode & 0o777;
  if (hasModes && (mode & OTHERS) !== 0) {
    try {
      fchmodSync(descriptor, mode & ~OTHERS);
    } catch {
      // Another user's file that we may write: its owner decides who reads it.
    }
  }
  return descriptor;
}
