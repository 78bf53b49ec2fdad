/** Commands of the client prompt about the past of a key, several keys at once, and all keys of a prefix. */
import { KEYS_READ_MAX, TXN_OPS_MAX } from "../../base/index.ts";
import {
  type CommandSpec,
  type FlagSpec,
  type ParsedArguments,
  positiveIn,
  UsageError,
} from "../terminal/index.ts";
import { keyIn } from "./key-argument.ts";

/** Which state is read. 0: the newest, and no least revision. */
export interface ReadMoment {
  readonly local: boolean;
  readonly revision: number;
  readonly atLeast: number;
}

export type StoreAction =
  /** Several keys of one state. */
  | ({
      readonly family: "store";
      readonly op: "read";
      readonly keys: readonly Uint8Array[];
    } & ReadMoment)
  | ({
      readonly family: "store";
      readonly op: "history";
      readonly key: Uint8Array;
      /** Versions shown at most. */
      readonly limit: number;
    } & ReadMoment)
  | {
      readonly family: "store";
      readonly op: "delete";
      readonly prefix: Uint8Array;
      /** A person who can be asked is asked first. */
      readonly asks: boolean;
    }
  /** Several keys, as one step. */
  | { readonly family: "store"; readonly op: "delete"; readonly keys: readonly Uint8Array[] };

const VERSIONS = 20;
const VERSIONS_MAX = 10_000;

const LOCAL: FlagSpec = {
  name: "--local",
  help: "the node's own state, perhaps old (sequentially consistent)",
};
export const MOMENT_FLAGS: readonly FlagSpec[] = [
  LOCAL,
  { name: "--at", value: "REVISION", help: "as it was at this revision, if that is still kept" },
  {
    name: "--at-least",
    value: "REVISION",
    help: "the node's own state, as soon as it has come to this revision",
  },
];

/** @throws UsageError */
export function momentIn({ flags }: ParsedArguments): ReadMoment {
  const at = flags.get("--at");
  const atLeast = flags.get("--at-least");
  return {
    local: flags.has("--local"),
    revision: at === undefined ? 0 : positiveIn(at, "--at"),
    atLeast: atLeast === undefined ? 0 : positiveIn(atLeast, "--at-least"),
  };
}

/** What `read` is with more than one key. @throws UsageError */
export function readManyIn(args: ParsedArguments): StoreAction {
  return { family: "store", op: "read", keys: args.positionals.map(keyIn), ...momentIn(args) };
}

export const KEYS_MAX = KEYS_READ_MAX;

export const HISTORY_COMMAND: CommandSpec<StoreAction> = {
  name: "history",
  synonyms: ["versions", "log"],
  forms: ["KEY [--limit N]"],
  summary: "shows what the key was before, newest first, as far back as it is kept",
  details: ["With --at from the version on that there was then."],
  examples: ["1 history 35", "2 history 35 --limit 3"],
  arguments: ["key"],
  count: [1, 1],
  flags: [
    { name: "--limit", value: "N", help: `versions at most; ${VERSIONS} unless said otherwise` },
    ...MOMENT_FLAGS,
  ],
  build: (args) => {
    const limit = args.flags.get("--limit");
    return {
      family: "store",
      op: "history",
      key: keyIn(args.positionals[0]),
      limit: limit === undefined ? VERSIONS : positiveIn(limit, "--limit", VERSIONS_MAX),
      ...momentIn(args),
    };
  },
};

export const PREFIX_FLAG: FlagSpec = {
  name: "--prefix",
  help: "all keys that begin with KEY; asks first, at a terminal",
};

export const YES_FLAG: FlagSpec = { name: "--yes", help: "with --prefix: does not ask" };

/** They are one transaction, which has no more operations. */
export const KEYS_DELETED_MAX = TXN_OPS_MAX;

/** What `delete` is with more than one key. @throws UsageError */
export function deleteManyIn({ positionals }: ParsedArguments): StoreAction {
  const keys = new Map(
    positionals.map(keyIn).map((key) => [Buffer.from(key).toString("hex"), key]),
  );
  return { family: "store", op: "delete", keys: [...keys.values()] };
}

/** @throws UsageError */
export function deletePrefixIn({ positionals, flags }: ParsedArguments): StoreAction {
  if (positionals.length > 1) throw new UsageError(`${PREFIX_FLAG.name} takes one prefix`);
  const bytes = keyIn(positionals[0]);
  if (bytes.length === 0) throw new UsageError("a prefix is at least one byte long");
  return { family: "store", op: "delete", prefix: bytes, asks: !flags.has(YES_FLAG.name) };
}
