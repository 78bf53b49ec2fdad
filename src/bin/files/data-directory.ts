/** A node's data directory, for commands that look into it while no server runs on it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../../base/index.ts";
import { DataLock, DirectoryInUse, NodeDisk } from "../../machine/host/index.ts";
import { IDENTITY_FILE } from "../../storage/backup/index.ts";

/** A command that only looks at the directory gives no server another one. */
async function acquire(directory: string): Promise<DataLock> {
  try {
    return await DataLock.acquire(directory);
  } catch (error) {
    if (!(error instanceof DirectoryInUse)) throw error;
    const text = `${error.fact}: stop that node first, or make a backup of the running cluster with \`omnikv backup\``;
    throw new StorageError("LOCKED", text, { cause: error });
  }
}

/** @throws StorageError LOCKED while a server runs on it; IDENTITY_DAMAGED when it is no node's */
export async function withDirectory<T>(
  directory: string,
  use: (disk: NodeDisk) => Promise<T> | T,
): Promise<T> {
  // Checked before it is locked, because the lock would make files in an arbitrary directory.
  if (!existsSync(join(directory, IDENTITY_FILE))) {
    throw new StorageError("IDENTITY_DAMAGED", `there is no ${IDENTITY_FILE}, so it is no node's`);
  }
  const lock = await acquire(directory);
  try {
    return await use(new NodeDisk(directory));
  } finally {
    lock.release();
  }
}
