/** A file system of a few MiB in the place of a directory, seen by one process only and gone with it. */
import { spawnSync } from "node:child_process";

/** @returns what a command line begins with; it needs root, mount and unshare */
export function mountSmall(directory: string, mebibytes: number): readonly string[] {
  const script = `mkdir -p "$0" && mount -t tmpfs -o size=${mebibytes}m omnikv "$0" && exec "$@"`;
  return ["unshare", "-m", "sh", "-c", script, directory];
}

export function canMount(): boolean {
  return process.getuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;
}
