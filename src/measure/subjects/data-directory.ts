/** Where servers that are measured keep their data: on a real disk, and not for long. */
import { mkdirSync, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Types of file systems that live in memory (Linux): a sync there costs nothing, and tells nothing. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

export function isInMemory(directory: string): boolean {
  return MEMORY_FILE_SYSTEMS.has(statfsSync(directory).type);
}

/** A new directory on a real disk: below `parent`, or else where temporary files go unless that is memory. */
export function makeDataDirectory(parent: string | null): string {
  if (parent !== null) mkdirSync(parent, { recursive: true });
  const base = parent ?? (isInMemory(tmpdir()) ? process.cwd() : tmpdir());
  return mkdtempSync(join(base, "omnikv-bench-"));
}
