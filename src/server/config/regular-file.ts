/**
 * Reads files that people name: settings, certificates, secrets. A server reads them at its start and again while it serves, so it refuses
 * a file that has no end or waits for a writer (a pipe, a device) before it reads it.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { KvError, systemReason } from "../../base/index.ts";

const KIB = 1024;

/** Bytes that a file may have. A user names a larger file only by mistake. */
export const FILE_MAX = { secrets: 64 * KIB, pem: 1024 * KIB, settings: 1024 * KIB } as const;

export interface RegularFile {
  readonly bytes: Uint8Array;
  /** Who may do what with it: 0o600. */
  readonly mode: number;
}

/**
 * Links are followed.
 * @throws KvError BAD_REQUEST that names the flag and the file
 */
export function readRegularFile(path: string, flag: string, maxBytes: number): RegularFile {
  let trouble: string;
  try {
    // Without O_NONBLOCK, opening a pipe waits for a writer.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (stats.isFile()) {
        const bytes = readUpTo(descriptor, maxBytes + 1);
        if (bytes.length <= maxBytes) return { bytes, mode: stats.mode & 0o777 };
        trouble = `it has more than ${maxBytes / KIB} KiB, which no such file needs`;
      } else {
        trouble = stats.isDirectory()
          ? "EISDIR: it is a directory"
          : "it is no regular file: a pipe, a device or the like may never end";
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const text = `${flag}: cannot read ${path}: ${systemReason(cause)}`;
    throw new KvError("BAD_REQUEST", text, { cause });
  }
  throw new KvError("BAD_REQUEST", `${flag}: cannot read ${path}: ${trouble}`);
}

/** @throws KvError BAD_REQUEST that names the flag and the file */
export function readRegularText(path: string, flag: string, maxBytes: number): string {
  return Buffer.from(readRegularFile(path, flag, maxBytes).bytes).toString("utf8");
}

/**
 * Settings: text that is not UTF-8 is refused, because its unreadable parts would silently become something else.
 * @throws KvError BAD_REQUEST that names the flag and the file
 */
export function readSettingsText(path: string, flag: string): string {
  const { bytes } = readRegularFile(path, flag, FILE_MAX.settings);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const text = `${flag}: ${path} is not UTF-8: save it as that`;
    throw new KvError("BAD_REQUEST", text, { cause });
  }
}

/** The size that the system tells is not reliable: it is 0 for files of /proc. */
function readUpTo(descriptor: number, maxBytes: number): Uint8Array {
  const bytes = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const read = readSync(descriptor, bytes, length, maxBytes - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
