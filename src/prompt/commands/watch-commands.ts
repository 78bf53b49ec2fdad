/** `watch` at the client prompt: changes of keys as they happen. */
import { type CommandSpec, type ParsedArguments, UsageError } from "../terminal/index.ts";

export interface WatchAction {
  readonly family: "watch";
  readonly op: "watch";
  readonly prefix: Uint8Array;
  /** First revision wanted; null: the next one. */
  readonly from: number | null;
  readonly previous: boolean;
  /** Ends after so many events; null: it goes on. */
  readonly limit: number | null;
}

export const WATCH_COMMAND: CommandSpec<WatchAction> = {
  name: "watch",
  synonyms: ["subscribe", "monitor", "tail", "follow"],
  forms: ["[PREFIX] [--from N] [--prev] [--limit N]"],
  summary: "shows changes of the keys that begin with PREFIX, as they happen",
  details: [
    "In order, each once, whatever becomes of the node that serves it. Ctrl-C ends it.",
    "With --from the changes since that revision come first, if the cluster still keeps them.",
  ],
  examples: ["any watch app/", "2 watch app/ --from 120 --prev"],
  arguments: ["text"],
  count: [0, 1],
  endless: true,
  foreignFlags: { "--prefix": "watch" },
  flags: [
    { name: "--from", value: "N", help: "from revision N on; from now on unless said otherwise" },
    { name: "--prev", help: "what was there before, too" },
    { name: "--limit", value: "N", help: "ends after N changes" },
  ],
  build: watchIn,
};

function watchIn({ positionals: [prefix], flags }: ParsedArguments): WatchAction {
  return {
    family: "watch",
    op: "watch",
    prefix: prefix?.bytes ?? new Uint8Array(0),
    from: countIn("--from", flags.get("--from")?.text),
    previous: flags.has("--prev"),
    limit: countIn("--limit", flags.get("--limit")?.text),
  };
}

function countIn(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const count = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && Number.isSafeInteger(count)) return count;
  throw new UsageError(`${name} takes a positive integer, got "${text}"`);
}
