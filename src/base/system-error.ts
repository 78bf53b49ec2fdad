/** What the operating system refuses, as Node reports it. */

/** The system's code, such as "EMFILE"; null: it is no error of the system. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string")
    return null;
  // Node's own codes (ERR_…) tell of a wrong program, not of a wrong machine.
  return /^E[A-Z0-9_]+$/.test(error.code) && !error.code.startsWith("ERR_") ? error.code : null;
}

/** "no such file or directory (ENOENT)", behind words that name the file: Node names it once more. Of another error its message. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = systemCode(error);
  const [, words] = /^[A-Z0-9_]+: (.+?), [a-z]+(?: '.*)?$/s.exec(error.message) ?? [];
  return code === null || words === undefined ? error.message : `${words} (${code})`;
}

/** For ENOSPC and EDQUOT; null: something else is wrong. */
export function noRoomText(code: string | null): string | null {
  if (code === "ENOSPC") return "the disk is full (ENOSPC)";
  if (code === "EDQUOT") return "the disk quota of this user is used up (EDQUOT)";
  return null;
}

/** For EMFILE, the process's own limit, and ENFILE, that of the whole system. */
export function tooManyFilesText(code: string): string {
  return code === "ENFILE"
    ? "all programs together have as many files and connections open as this system allows (ENFILE). End some, or raise " +
        "the limit (sysctl fs.file-max)"
    : "this process has as many files and connections open as it may (EMFILE). Raise the limit before the start " +
        '("ulimit -n 4096", LimitNOFILE= in a systemd unit)';
}
