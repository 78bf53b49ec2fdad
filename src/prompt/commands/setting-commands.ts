/** `config` and `compact`: settings of the whole cluster, which stand in its log. */
import { HISTORY_REVISIONS_MAX, QUOTA_BYTES_MIN } from "../../base/index.ts";
import {
  type CommandSpec,
  eachOf,
  positiveIn,
  sizeIn,
  type Token,
  UsageError,
} from "../terminal/index.ts";
import type { SettingAction, SettingName } from "./cluster-action.ts";

export interface SettingSpec {
  readonly name: SettingName;
  readonly help: string;
  /** @throws UsageError for what it cannot be */
  readonly parse: (token: Token | undefined) => number;
}

/** By name, so that none is missing here; in this order they are listed. */
const SPECS: Readonly<Record<SettingName, Omit<SettingSpec, "name">>> = {
  quota: {
    help: "bytes that keys and values may take in all",
    parse: (token) => sizeIn(token, "quota", QUOTA_BYTES_MIN),
  },
  "history.revisions": {
    help: "changes that are kept, and can be read as of",
    parse: (token) => positiveIn(token, "history.revisions", HISTORY_REVISIONS_MAX),
  },
  "history.bytes": {
    help: "bytes that these may take; at most a quarter of the quota holds",
    parse: (token) => sizeIn(token, "history.bytes", 1),
  },
};

export const SETTINGS: readonly SettingSpec[] = (Object.keys(SPECS) as SettingName[]).map(
  (name) => ({ name, ...SPECS[name] }),
);

const ALL_NAMES = SETTINGS.map(({ name }) => name);
const NAMES = ALL_NAMES.join(", ");
const DEFAULT = "default";

export const SETTING_COMMANDS: readonly CommandSpec<SettingAction>[] = [
  {
    name: "config",
    synonyms: ["settings", "set", "setting", "configure"],
    forms: ["list", "get NAME", "set NAME VALUE"],
    summary: "settings of the cluster: what holds, what is the default, and another value",
    details: [
      `NAME: ${SETTINGS.map(({ name, help }) => `${name} (${help})`).join("; ")}.`,
      `VALUE: a number, of bytes also with k, m or g behind it, or "${DEFAULT}".`,
      "Answered when it holds at the node that was asked; all nodes keep to it from the same place in the log on.",
    ],
    examples: ["config list", "config set history.revisions 100000", "config set quota 1g"],
    arguments: ["text"],
    words: { list: {}, get: eachOf(ALL_NAMES), set: eachOf(ALL_NAMES, { [DEFAULT]: {} }) },
    count: [1, 3],
    build: ({ positionals }) => settingIn(positionals),
  },
  {
    name: "compact",
    forms: ["REVISION"],
    summary: "no revision below this one is to be readable any more",
    details: [
      "Old versions and deletions before it are given up, by all nodes. There is no way back.",
    ],
    examples: ["compact 1200"],
    arguments: ["text"],
    count: [1, 1],
    build: ({ positionals: [token] }) => ({
      op: "compact",
      revision: positiveIn(token, "REVISION"),
    }),
  },
];

function settingIn([what, name, value]: readonly Token[]): SettingAction {
  const known = SETTINGS.find((setting) => setting.name === name?.text);
  const given = [name, value].filter((word) => word !== undefined).length;
  switch (`${what?.text} ${given}`) {
    case "list 0":
      return { op: "showSettings", name: null };
    case "get 1":
      if (known === undefined) throw unknown(name);
      return { op: "showSettings", name: known.name };
    case "set 2": {
      if (known === undefined) throw unknown(name);
      const number = value?.text === DEFAULT ? null : known.parse(value);
      return { op: "changeSetting", name: known.name, value: number };
    }
    default:
      throw new UsageError("list, get NAME, or set NAME VALUE");
  }
}

function unknown(name: Token | undefined): UsageError {
  return new UsageError(`NAME is one of ${NAMES}, got "${name?.text ?? ""}"`);
}
