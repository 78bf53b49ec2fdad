/** Processes of lock-worker.ts, and what they have noted. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LockNote } from "./lock-notes.ts";
import type { LockWorkerTask } from "./lock-worker.ts";

const WORKER = join(import.meta.dirname, "lock-worker.ts");

export interface LockWorker {
  /** The last token that it had, while it has it. */
  readonly holds: () => number | null;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves when all that it noted has arrived. */
  readonly kill: () => Promise<void>;
}

export class LockWorkers {
  readonly notes: LockNote[] = [];
  readonly #listeners = new Set<(note: LockNote) => void>();

  start(task: LockWorkerTask): LockWorker {
    const args = ["--import", "tsx", WORKER, JSON.stringify(task)];
    const child: ChildProcess = spawn(process.execPath, args, {
      // Its input ends with this process, however that ends.
      stdio: ["pipe", "pipe", "inherit"],
    });
    let token: number | null = null;
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        // The last one may be half of one.
        if (!line.endsWith("}")) return;
        const note = JSON.parse(line) as LockNote;
        if (note.event === "held") ({ token } = note);
        if (note.event === "over") token = null;
        this.notes.push(note);
        for (const listener of this.#listeners) listener(note);
      });
    }
    return {
      holds: () => token,
      signal: (signal) => void child.kill(signal),
      kill: () => {
        child.kill("SIGKILL");
        return ended;
      },
    };
  }

  /** The next note for which `isWanted` holds; null: none came in time. */
  next(isWanted: (note: LockNote) => boolean, timeoutMs: number): Promise<LockNote | null> {
    return new Promise((resolve) => {
      const end = (found: LockNote | null): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found);
      };
      const look = (note: LockNote): void => {
        if (isWanted(note)) end(note);
      };
      const timer = setTimeout(() => end(null), timeoutMs);
      this.#listeners.add(look);
    });
  }
}
