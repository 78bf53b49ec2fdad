/** What can be wrong with a history file. Codes are stable; texts may change. */
export type HistoryFormatCode =
  /** No known format begins like that. */
  | "UNKNOWN_FORMAT"
  /** The line is not written in the format at all. */
  | "BAD_SYNTAX"
  /** A field is missing, of the wrong type, or out of range. */
  | "BAD_FIELD"
  /** An answer without a call, a second call of the same name, an answer before its call. */
  | "BAD_ORDER"
  /** Made by a later version. */
  | "UNSUPPORTED_VERSION";

/** A file is no history that can be read: which line, and why. `code` is stable. */
export class HistoryFormatError extends Error {
  override readonly name = "HistoryFormatError";
  readonly code: HistoryFormatCode;
  /** From 1. */
  readonly line: number;

  constructor(code: HistoryFormatCode, line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.code = code;
    this.line = line;
  }
}

/** The history holds an operation that the model does not know. */
export class WrongModelError extends Error {
  override readonly name = "WrongModelError";
}
