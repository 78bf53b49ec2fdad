/** The history file of a prompt: one line a command, newest last, readable by its owner only. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export const HISTORY_LINES_MAX = 1000;
/** A longer line is not worth finding again. */
const LINE_LENGTH_MAX = 4096;

/**
 * Where the history of prompt `name` lies: OMNIKV_HISTORY when it is set (empty: nowhere), else
 * `$XDG_STATE_HOME/omnikv/NAME_history`, else the same under `~/.local/state`.
 *
 * @returns null when no history is to be kept
 */
export function historyPath(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  name: string,
): string | null {
  const chosen = env["OMNIKV_HISTORY"];
  if (chosen !== undefined) return chosen === "" ? null : chosen;
  const state = env["XDG_STATE_HOME"];
  const base = state === undefined || state === "" ? join(home, ".local", "state") : state;
  return join(base, "omnikv", `${name}_history`);
}

/** A user who names a device or a pipe (`/dev/null`, by habit) wants no history: it is neither read, which may never end, nor replaced. */
function keepsNone(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && !there.isFile() && !there.isDirectory();
}

/** Oldest first. Empty when there is no such file, or it is a device or a pipe. @throws the system's error when it cannot be read */
export function loadHistory(path: string): readonly string[] {
  if (keepsNone(path)) return [];
  try {
    return cap(readFileSync(path, "utf8").split("\n"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * Adds `lines` to the file; what another prompt has added meanwhile stays. The file is replaced at once, so that it is
 * never half written. Nothing is added to a device or a pipe.
 *
 * @throws the system's error when it cannot be written
 */
export function appendHistory(path: string, lines: readonly string[]): void {
  if (lines.length === 0 || keepsNone(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const all = cap([...loadHistory(path), ...lines]);
  // A link goes on leading to it.
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, `${all.join("\n")}\n`, { mode: 0o600 });
  // The mode above is only for a new file.
  chmodSync(temporary, 0o600);
  renameSync(temporary, target);
}

/** The last of equal lines stays; oldest ones go. */
function cap(lines: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const kept: string[] = [];
  for (const line of lines.toReversed()) {
    const text = line.trim();
    if (text === "" || text.length > LINE_LENGTH_MAX || seen.has(text)) continue;
    seen.add(text);
    kept.push(text);
    if (kept.length === HISTORY_LINES_MAX) break;
  }
  return kept.toReversed();
}
