/**
 * Notices that a directory in use was removed, moved away or replaced. The files that a process holds open can be written
 * and synced for ever after, and every write to them looks as durable as ever, but no restart would find it.
 */
import { stat } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../base/storage-error.ts";
import { systemCode } from "../base/system-error.ts";

const INTERVAL_MS = 1000;

/**
 * @param root absolute; exists
 * @param directories in it, that exist and stay the same: "log"
 * @param files in it, that exist but may be replaced: "identity.json"
 * @param onGone called once
 * @returns ends the watch
 */
export function watchDirectory(
  root: string,
  directories: readonly string[],
  files: readonly string[],
  onGone: (error: StorageError) => void,
  intervalMs = INTERVAL_MS,
): () => void {
  const known = new Map<string, string>();
  const paths = [root, ...directories.map((name) => join(root, name))];
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const gone = (path: string, how: string): void => {
    if (stopped) return;
    stopped = true;
    if (timer !== null) clearTimeout(timer);
    onGone(
      new StorageError(
        "DIRECTORY_UNUSABLE",
        `${path} was ${how} while this server used it: what it stored since is in no directory that a restart would find. ` +
          `Put back the directory that was there, if it still exists, and start this node again`,
      ),
    );
  };
  const look = (path: string, mayBeReplaced: boolean): void =>
    stat(path, { bigint: true }, (error, found) => {
      if (error !== null) {
        // What cannot be looked at now may be there all the same.
        const code = systemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") gone(path, "removed or moved away");
        return;
      }
      const identity = `${found.dev}/${found.ino}`;
      const before = known.get(path);
      if (before === undefined) known.set(path, identity);
      else if (!mayBeReplaced && before !== identity) gone(path, "replaced by another one");
    });
  const round = (): void => {
    for (const path of paths) look(path, false);
    for (const name of files) look(join(root, name), true);
    if (!stopped) timer = setTimeout(round, intervalMs).unref();
  };
  round();
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
  };
}
