import type { ExitStatus } from "./exit-status.ts";

/** How one command went, for people and for programs. */
export interface Outcome {
  /** One line, or several, coloured. With a footer it may be empty: then it is no line. */
  readonly text: string;
  /** A line behind those of the text that says something of them: how many they are. It is none of the results. */
  readonly footer?: Footer;
  readonly json: Readonly<Record<string, unknown>>;
  readonly status: ExitStatus;
  /** The command did answer, although not all went well: the text belongs to the results. */
  readonly isResult?: boolean;
  /** The text names the file and the line that it is about: the files that have loaded this one add nothing to it. */
  readonly isPlaced?: boolean;
  /** The value that was read, or the keys, for a user who wants the bytes unchanged. */
  readonly bytes?: Uint8Array;
}

export interface Footer {
  readonly text: string;
  /** The lines are not all that there is. */
  readonly isPart: boolean;
}
