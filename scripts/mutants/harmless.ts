/** What looks like a bug and is none: nothing can find these, and why is written down. */
import { patch, type Patch } from "./mutant.ts";

export interface Harmless {
  readonly name: string;
  readonly why: string;
  readonly patches: readonly Patch[];
}

export const HARMLESS: readonly Harmless[] = [
  {
    name: "names of log files not made durable at recovery",
    why:
      "a file is made and its name made durable in one call, before anything is written to it. So a file whose name is not " +
      "durable, because the process was killed within that call, is empty; recovery takes an empty file for a free one, and " +
      "a free one that is not of full size is removed, never used",
    patches: [patch("src/storage/recovery.ts", "  disk.syncDirectory(directory);\n", "")],
  },
];
