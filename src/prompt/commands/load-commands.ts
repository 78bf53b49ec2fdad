/** `load` at the client prompt: writes at a steady rate, so that a scenario can be seen to matter. */
import { LOAD_KEYS } from "../../client/scenarios/index.ts";
import {
  type CommandSpec,
  type ParsedArguments,
  timeIn,
  type Token,
  UsageError,
} from "../terminal/index.ts";

export interface LoadAction {
  readonly family: "load";
  readonly op: "load";
  readonly perSecond: number;
  /** Null: until it is interrupted. */
  readonly forMs: number | null;
}

/** To be seen, not to be measured: `omnikv bench` is for that. */
const PER_SECOND_MAX = 1000;

export const LOAD_COMMAND: CommandSpec<LoadAction> = {
  name: "load",
  synonyms: ["generate", "stress"],
  forms: ["RATE [--for TIME]"],
  summary: "writes so many times a second, and shows what comes of it",
  details: [
    `To the keys load/0 to load/${LOAD_KEYS - 1}, over and over. Ctrl-C ends it.`,
    "Break links meanwhile, at the page or in another terminal: the longest time without an answer says what it was worth.",
  ],
  examples: ["any load 20/s", "2 load 20/s --for 10s"],
  arguments: ["text"],
  count: [1, 1],
  endless: true,
  flags: [{ name: "--for", value: "TIME", help: "ends after this time: 10s, 5min" }],
  build: ({ positionals: [rate], flags }: ParsedArguments) => ({
    family: "load",
    op: "load",
    perSecond: rateIn(rate),
    forMs: flags.has("--for") ? timeIn(flags.get("--for"), "--for", "s") : null,
  }),
};

function rateIn(token: Token | undefined): number {
  const text = token?.text ?? "";
  const [, digits = ""] = /^(\d{1,6})(?:\/s)?$/.exec(text) ?? [];
  const perSecond = Number(digits);
  if (perSecond >= 1 && perSecond <= PER_SECOND_MAX) return perSecond;
  throw new UsageError(
    `the rate is a number of writes a second up to ${PER_SECOND_MAX}, like 20/s, got "${text}" (.load runs the lines of a file)`,
  );
}
