/** The table of the client prompt. */
import { VALUE_BYTES_MAX } from "../../base/index.ts";
import {
  type CommandGroup,
  type CommandSpec,
  type CommandTable,
  type HelpTexts,
  type ParsedArguments,
  positiveIn,
  type Token,
  UsageError,
} from "../terminal/index.ts";
import type { Bytes, CasCondition, KeyRequest } from "../../client/terms/index.ts";
import { keyIn } from "./key-argument.ts";
import {
  deleteManyIn,
  deletePrefixIn,
  HISTORY_COMMAND,
  KEYS_DELETED_MAX,
  KEYS_MAX,
  MOMENT_FLAGS,
  momentIn,
  PREFIX_FLAG,
  readManyIn,
  type StoreAction,
  YES_FLAG,
} from "./store-commands.ts";
import { boundIn, LEASE_COMMANDS, WRITE_FLAGS, type LeaseAction } from "./lease-commands.ts";
import { LOAD_COMMAND, type LoadAction } from "./load-commands.ts";
import { RANGE_COMMANDS, type RangeAction } from "./range-commands.ts";
import { TXN_COMMAND, type TxnAction } from "./txn-commands.ts";
import { WATCH_COMMAND, type WatchAction } from "./watch-commands.ts";

/** What is done with one key: a request of the client's, with bytes, as what was typed is bytes. It is sent as it is, so no family is named. */
export type KeyAction = BytesOnly<KeyRequest> & { readonly family?: never };
type BytesOnly<R> = R extends KeyRequest
  ? { readonly [F in keyof R]: Bytes extends R[F] ? Uint8Array : R[F] }
  : never;

/** What a command asks for. `op` is its name in JSON, and of several families the same one: `family` says who carries it out. */
export type ClientAction =
  KeyAction | RangeAction | StoreAction | TxnAction | LeaseAction | WatchAction | LoadAction;

const write: CommandSpec<ClientAction> = {
  name: "write",
  aliases: ["put", "set"],
  forms: ["KEY VALUE [--ttl TIME]"],
  summary: "sets the key's value",
  details: [
    "The answer comes when a majority of the nodes has the write on disk.",
    'Text with spaces in quotes: \'literal\', or "with \\n \\t \\" \\\\ \\xHH".',
  ],
  examples: [
    "1 write 35 hello",
    '2 write greeting "hello world"',
    "1 put lock me --if-absent",
    "1 write seen now --ttl 10s",
  ],
  arguments: ["key", "text"],
  count: [2, 2],
  flags: [
    { name: "--if-absent", help: "only if there is no such key: `cas KEY --absent VALUE`" },
    ...WRITE_FLAGS,
  ],
  input: "VALUE may be - for standard input, as it is: omnikv write photo - < photo.jpg",
  build: (args) => {
    const [key, value] = args.positionals;
    const given = { key: keyIn(key), value: valueIn(value) };
    const bound = boundIn(args);
    if (args.flags.has("--if-absent")) {
      if (bound !== null) throw new UsageError("--if-absent does not go together with a lease");
      return { op: "cas", ...given, condition: { absent: true } };
    }
    return bound === null
      ? { op: "write", ...given }
      : { family: "lease", op: "write", ...given, bound };
  },
};

const append: CommandSpec<ClientAction> = {
  name: "append",
  synonyms: ["add", "concat"],
  forms: ["KEY VALUE"],
  summary: "puts VALUE behind the key's value",
  details: ["As one step, and exactly once. A key that does not exist begins with VALUE."],
  examples: ['1 append log "one more line\\n"'],
  arguments: ["key", "text"],
  count: [2, 2],
  input: "VALUE may be - for standard input, as it is: omnikv append notes - < more.txt",
  build: ({ positionals: [key, value] }) => ({
    op: "append",
    key: keyIn(key),
    value: valueIn(value),
  }),
};

const read: CommandSpec<ClientAction> = {
  name: "read",
  aliases: ["get"],
  synonyms: ["exists", "fetch", "show", "cat", "mget"],
  foreignFlags: { "--prefix": "range" },
  forms: ["KEY [--local]"],
  summary: "shows the key's value",
  details: [
    "Linearizable on every node: it sees every write that was answered before the read began.",
    "With --local the node answers at once from its own memory; the value may be an older one.",
    "More keys behind KEY are read with it, all of one state of the store.",
  ],
  examples: ["2 read 35", "3 read 35 --local", "1 read 35 --at 12", "1 get 35 36 37"],
  arguments: ["key"],
  count: [1, KEYS_MAX],
  raw: `--raw prints the bytes of the value and nothing else, not even a line end; without such a key it prints nothing, and the
status is 1: omnikv read photo --raw > copy.jpg`,
  flags: MOMENT_FLAGS,
  build: (args) => {
    if (args.positionals.length > 1) return readManyIn(args);
    const { local, revision, atLeast } = momentIn(args);
    return {
      op: "read",
      key: keyIn(args.positionals[0]),
      consistency: local || atLeast > 0 ? "local" : "linearizable",
      ...(revision === 0 ? {} : { revision }),
      ...(atLeast === 0 ? {} : { atLeast }),
    };
  },
};

const remove: CommandSpec<ClientAction> = {
  name: "delete",
  aliases: ["del"],
  synonyms: ["remove", "rm", "unset"],
  forms: ["KEY"],
  summary: "removes the key",
  details: ["More keys behind KEY are removed with it, as one transaction."],
  examples: ["3 delete 35", "1 delete 35 36 37", "1 delete app/ --prefix"],
  arguments: ["key"],
  count: [1, KEYS_DELETED_MAX],
  flags: [PREFIX_FLAG, YES_FLAG],
  build: (args) => {
    if (args.flags.has(PREFIX_FLAG.name)) return deletePrefixIn(args);
    if (args.positionals.length > 1) return deleteManyIn(args);
    return { op: "delete", key: keyIn(args.positionals[0]) };
  },
};

const cas: CommandSpec<ClientAction> = {
  name: "cas",
  synonyms: ["swap", "compare-and-swap", "setnx"],
  forms: ["KEY EXPECTED NEW", "KEY --absent NEW", "KEY --revision N NEW"],
  summary: "writes NEW only if the value is EXPECTED",
  details: ["Compare and swap, as one step. The answer says what is there when it did not swap."],
  examples: ["1 cas 35 hello world", "1 cas 35 --absent first", "1 cas 35 --revision 12 next"],
  arguments: ["key", "text", "text"],
  count: [2, 3],
  input: "EXPECTED or NEW may be - for standard input, as it is.",
  flags: [
    { name: "--absent", help: "only if there is no such key" },
    {
      name: "--revision",
      value: "N",
      help: "only if the key was last written at revision N (read shows it)",
    },
  ],
  build: casIn,
};

function casIn({ positionals, flags }: ParsedArguments): ClientAction {
  const [key, second, third] = positionals;
  const revision = flags.get("--revision");
  const conditions = [flags.has("--absent"), revision !== undefined, third !== undefined];
  const given = conditions.filter(Boolean).length;
  if (given !== 1) {
    const problem = given === 0 ? "what should the value be before?" : "more than one condition";
    throw new UsageError(problem);
  }
  if (third !== undefined) {
    const condition: CasCondition = { value: valueIn(second) };
    return { op: "cas", key: keyIn(key), condition, value: valueIn(third) };
  }
  const condition: CasCondition =
    revision === undefined ? { absent: true } : { revision: positiveIn(revision, "--revision") };
  return { op: "cas", key: keyIn(key), condition, value: valueIn(second) };
}

function valueIn(token: Token | undefined): Uint8Array {
  const bytes = token?.bytes ?? new Uint8Array(0);
  if (bytes.length > VALUE_BYTES_MAX) {
    throw new UsageError(
      `a value is at most ${VALUE_BYTES_MAX} bytes long, this one ${bytes.length}`,
    );
  }
  return bytes;
}

export const KEY_COMMANDS: CommandGroup<ClientAction> = {
  title: "Keys",
  commands: [
    write,
    append,
    read,
    remove,
    cas,
    HISTORY_COMMAND,
    ...RANGE_COMMANDS,
    TXN_COMMAND,
    ...LEASE_COMMANDS,
    WATCH_COMMAND,
    LOAD_COMMAND,
  ],
  nodeWord: "any",
};

export function clientTable(nodeIds: readonly number[]): CommandTable<ClientAction> {
  return { groups: [KEY_COMMANDS], nodeIds };
}

export const CLIENT_HELP: HelpTexts = {
  intro: "Reads and writes keys. Any node takes any request.",
  notes: ['Text with spaces needs quotes: 1 write greeting "hello world". # starts a comment.'],
};
