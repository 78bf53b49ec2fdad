/** Carries out `config` and `compact` through any node that can, and puts what came of it into words. */
import { KvError, unreachable } from "../../base/index.ts";
import type { AdminResult } from "../../protocol/admin/index.ts";
import { type SettingAction, type SettingName, SETTINGS } from "../commands/index.ts";
import { askAny, askNodes } from "./ask-any.ts";
import { askSettings, type ToldSettings } from "./ask-settings.ts";
import type { ClusterOptions } from "./cluster-options.ts";

export interface SettingOutcome {
  /** A table of settings, or one sentence. */
  readonly words: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Settings = AdminResult<"getSettings">;

/** @throws KvError when no node does it */
export async function settingOutcome(
  options: ClusterOptions,
  action: SettingAction,
  signal: AbortSignal,
): Promise<SettingOutcome> {
  switch (action.op) {
    case "showSettings":
      return shown(await askSettings(options, signal), action.name);
    case "changeSetting": {
      const node = await change(options, action.name, action.value, signal);
      return await afterwards(options, action.name, node, signal);
    }
    case "compact": {
      const params = { revision: action.revision };
      const { oldest, revision } = await askAny(options, "compact", params, signal);
      const words = `revisions ${oldest} to ${revision} can be read`;
      return { words, fields: { oldest, revision } };
    }
    default:
      return unreachable(action, "setting");
  }
}

/**
 * The command sets one of the two limits of the history, and the other one stays as a quorum has just confirmed it: what a node told that is cut
 * off would undo what was set without it. The log has no word for "the default" of the quota, as it has for the history: the number that
 * is the default now is written, and stays when a later version has another default.
 * @returns the node that did it
 * @throws KvError NO_QUORUM when no node tells settings that a quorum confirms; nothing was changed
 */
async function change(
  options: ClusterOptions,
  name: SettingName,
  value: number | null,
  signal: AbortSignal,
): Promise<number> {
  const told = await askSettings(options, signal);
  const { confirmed, quotaDefault, history } = told.settings;
  if (confirmed === false) throw new KvError("NO_QUORUM", NOT_CONFIRMED_TEXT, { definite: true });
  const { revisions, bytes } = history;
  const from = beginningWith(options, told.node);
  switch (name) {
    case "quota": {
      const quota = { bytes: value ?? quotaDefault };
      return (await askNodes(from, "setQuota", quota, signal)).node;
    }
    case "history.revisions":
      return (await askNodes(from, "setHistory", { revisions: value, bytes }, signal)).node;
    case "history.bytes":
      return (await askNodes(from, "setHistory", { revisions, bytes: value }, signal)).node;
    default:
      return unreachable(name, "setting");
  }
}

const NOT_CONFIRMED_TEXT =
  "no node that answers reaches a leader with a quorum; nothing was changed";

/** The settings as the node has them that did it: there the change holds, and at others it may not yet. */
async function afterwards(
  options: ClusterOptions,
  name: SettingName,
  node: number,
  signal: AbortSignal,
): Promise<SettingOutcome> {
  try {
    return shown(await askSettings(beginningWith(options, node), signal), name);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    // Whatever came in between: that it was changed is certain, and what must be said.
    const words = `${name} is set, as node ${node} has answered; how it is now could not be asked: ${error.message}`;
    return { words, fields: { settings: null } };
  }
}

function beginningWith(options: ClusterOptions, node: number): ClusterOptions {
  const first = options.nodes.filter(({ id }) => id === node);
  return { ...options, nodes: [...first, ...options.nodes.filter(({ id }) => id !== node)] };
}

function shown({ node, settings }: ToldSettings, name: SettingName | null): SettingOutcome {
  const rows = SETTINGS.filter((setting) => name === null || setting.name === name).map(
    (setting) => ({ ...setting, ...valueOf(settings, setting.name) }),
  );
  const names = Math.max(...rows.map((row) => row.name.length));
  const numbers = Math.max(...rows.map(({ value }) => String(value).length));
  const lines = rows.map(({ name: called, value, isDefault, help }) => {
    const whose = isDefault ? "default" : "set";
    return `${called.padEnd(names)}  ${String(value).padStart(numbers)}  ${whose.padEnd(7)}  ${help}`;
  });
  const isOld = settings.confirmed === false;
  if (isOld) lines.push(`as node ${node} has them: no quorum confirms it, and others may hold now`);
  const fields = rows.map(({ name: called, value, isDefault }) => {
    return { name: called, value, isDefault };
  });
  return {
    words: lines.join("\n"),
    fields: { settings: fields, ...(isOld ? { confirmed: false } : {}) },
  };
}

/**
 * A quota that was set to the default is shown as the default: the state cannot tell who asked for `default` from who
 * typed that number (see `change`).
 */
function valueOf(
  { quotaBytes, quotaIsSet, quotaDefault, history }: Settings,
  name: SettingName,
): { readonly value: number; readonly isDefault: boolean } {
  switch (name) {
    case "quota":
      return { value: quotaBytes, isDefault: !quotaIsSet || quotaBytes === quotaDefault };
    case "history.revisions":
      return { value: history.revisionsMax, isDefault: history.revisions === null };
    case "history.bytes":
      return { value: history.bytesMax, isDefault: history.bytes === null };
    default:
      return unreachable(name, "setting");
  }
}
