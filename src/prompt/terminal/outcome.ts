import type { ExitStatus } from "./exit-status.ts";

/** How one command went, for people and for programs. */
export interface Outcome {
  /** One line, or several, coloured. */
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly status: ExitStatus;
  /** The command did answer, although not all went well: the text belongs to the results. */
  readonly isResult?: boolean;
  /** The value that was read, for a user who wants its bytes unchanged. */
  readonly bytes?: Uint8Array;
}
