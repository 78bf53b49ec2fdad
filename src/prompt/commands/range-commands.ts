/** The commands of the client prompt that look at many keys. */
import type { RangeOrder, RevisionBounds } from "../../client/terms/index.ts";
import { RANGE_ORDERS } from "../../store/commands/index.ts";
import {
  type CommandSpec,
  type FlagSpec,
  type ParsedArguments,
  positiveIn,
  UsageError,
} from "../terminal/index.ts";
import { MOMENT_FLAGS, momentIn, type ReadMoment } from "./store-commands.ts";

/** Which keys, and how they are to be shown. */
export interface RangeAction extends ReadMoment {
  readonly family: "range";
  readonly op: "range" | "keys" | "count";
  readonly prefix: Uint8Array;
  /** First key wanted, and first one not wanted any more; instead of a prefix. */
  readonly from: Uint8Array | null;
  readonly to: Uint8Array | null;
  /** Keys shown at most. */
  readonly limit: number;
  readonly reverse: boolean;
  readonly order: RangeOrder;
  readonly bounds: RevisionBounds;
}

const LIMIT = 100;
/** All that is shown is held in memory at once. */
const LIMIT_MAX = 100_000;

const BOUNDS = [
  { name: "--from", value: "KEY", help: "from this key on, instead of a prefix" },
  { name: "--to", value: "KEY", help: "up to this key, which is left out" },
] as const;
/** By flag, the option of the library. */
const REVISION_BOUNDS = [
  ["--min-mod", "minModRevision", "last changed at this revision or later"],
  ["--max-mod", "maxModRevision", "last changed at this revision or before"],
  ["--min-create", "minCreateRevision", "made at this revision or later"],
  ["--max-create", "maxCreateRevision", "made at this revision or before"],
] as const satisfies readonly (readonly [FlagSpec["name"], keyof RevisionBounds, string])[];
const REVISIONS: readonly FlagSpec[] = REVISION_BOUNDS.map(([name, , help]) => ({
  name,
  value: "REVISION",
  help,
}));
const ORDER = [
  { name: "--limit", value: "N", help: `keys at most; ${LIMIT} unless said otherwise` },
  { name: "--reverse", help: "from the last key downwards" },
  {
    name: "--order",
    value: "BY",
    help: `by ${RANGE_ORDERS.join(", ")}; key unless said otherwise`,
  },
] as const;
const ONE_STATE =
  "Linearizable, and one state of the store however many keys there are; in order of bytes.";

/** What the three have in common. */
const ANY = { arguments: ["key"], count: [0, 1], details: [ONE_STATE] } as const;
const LISTED = {
  ...ANY,
  forms: ["[PREFIX] [--limit N]", "--from KEY [--to KEY]"],
  flags: [...ORDER, ...BOUNDS, ...REVISIONS, ...MOMENT_FLAGS],
};

export const RANGE_COMMANDS: readonly CommandSpec<RangeAction>[] = [
  {
    ...LISTED,
    name: "range",
    foreignFlags: { "--prefix": "range" },
    synonyms: ["scan", "list"],
    summary: "shows the keys that begin with PREFIX, and their values",
    examples: [
      "1 range app/",
      "2 range app/ --limit 10 --reverse",
      "1 range --from a --to b",
      "1 range --order mod --reverse --limit 10",
    ],
    build: (args) => rangeIn("range", args),
  },
  {
    ...LISTED,
    name: "keys",
    foreignFlags: { "--prefix": "keys" },
    synonyms: ["ls"],
    summary: "shows the keys that begin with PREFIX",
    examples: ["1 keys", "2 keys app/ --limit 1000"],
    raw: `--raw prints the bytes of the keys and nothing else, one a line; standard error says when there are more. A key that holds a line
end looks like two then: --json tells them apart.`,
    build: (args) => rangeIn("keys", args),
  },
  {
    ...ANY,
    name: "count",
    foreignFlags: { "--prefix": "count" },
    synonyms: ["dbsize", "size"],
    forms: ["[PREFIX]", "--from KEY [--to KEY]"],
    summary: "how many keys begin with PREFIX",
    examples: ["1 count", "2 count app/"],
    raw: "--raw prints the number and nothing else.",
    flags: [...BOUNDS, ...REVISIONS, ...MOMENT_FLAGS],
    build: (args) => rangeIn("count", args),
  },
];

function rangeIn(op: RangeAction["op"], args: ParsedArguments): RangeAction {
  const { positionals, flags } = args;
  const [prefix] = positionals;
  const from = flags.get("--from");
  const to = flags.get("--to");
  if (prefix !== undefined && (from !== undefined || to !== undefined)) {
    throw new UsageError("a prefix, or --from and --to, but not both");
  }
  return {
    family: "range",
    op,
    prefix: prefix?.bytes ?? new Uint8Array(0),
    from: from?.bytes ?? null,
    to: to?.bytes ?? null,
    limit: limitIn(flags.get("--limit")?.text),
    reverse: flags.has("--reverse"),
    order: orderIn(flags.get("--order")?.text),
    bounds: Object.fromEntries(
      REVISION_BOUNDS.flatMap(([flag, option]) => {
        const given = flags.get(flag);
        return given === undefined ? [] : [[option, positiveIn(given, flag)] as const];
      }),
    ),
    ...momentIn(args),
  };
}

function orderIn(text: string | undefined): RangeOrder {
  const order = RANGE_ORDERS.find((each) => each === (text ?? "key"));
  if (order !== undefined) return order;
  throw new UsageError(`--order is one of ${RANGE_ORDERS.join(", ")}, got "${text}"`);
}

function limitIn(text: string | undefined): number {
  if (text === undefined) return LIMIT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new UsageError(`--limit takes a number from 1 to ${LIMIT_MAX}, got "${text}"`);
}
