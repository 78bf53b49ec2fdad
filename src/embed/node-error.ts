/** Why a node could not start, or cannot go on, for the program around it. */
import { finalError } from "../server/process/index.ts";
import { inSettings } from "./node-settings.ts";

/** The sentence says what happened and what to do. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  /**
   * Stable: LOCKED, DIRECTORY_UNUSABLE, DISK_FULL, DIVERGED and the other codes of servers (docs/operations.md), a code of the
   * system like EADDRINUSE, or BUG.
   */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * @param foreseen it was given as the reason to stop; otherwise it was thrown and not caught
 * @param dataDirectory absolute
 */
export function nodeError(error: unknown, foreseen: boolean, dataDirectory: string): NodeError {
  if (error instanceof NodeError) return error;
  const { code, text } = finalError(error, foreseen, dataDirectory);
  return new NodeError(code, inSettings(text), { cause: error });
}
