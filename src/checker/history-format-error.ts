/** The text is no history of the format. */
export class HistoryFormatError extends Error {
  override readonly name = "HistoryFormatError";
  readonly code = "BAD_HISTORY";
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}
