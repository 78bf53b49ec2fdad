import type { Command } from "commander";

/** A command of `omnikv` before it is loaded: enough to list it. */
export interface Subcommand {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** What other programs call it. */
  readonly synonyms?: readonly string[];
  readonly summary: string;
  /** Where its JSON goes: "errors" where standard output is that of a program that it runs. Left out: "output". */
  readonly json?: "output" | "errors";
  readonly load: () => Promise<Command>;
}
