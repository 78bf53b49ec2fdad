/** Carries out `config` and `compact` through any node that can, and puts what came of it into words. */
import { unreachable } from "../../base/index.ts";
import type { AdminResult } from "../../protocol/admin/index.ts";
import { type SettingAction, type SettingName, SETTINGS } from "../commands/index.ts";
import { askAny } from "./ask-any.ts";
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
      return shown(await askAny(options, "getSettings", {}, signal), action.name);
    case "changeSetting":
      await change(options, action.name, action.value, signal);
      return shown(await askAny(options, "getSettings", {}, signal), action.name);
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
 * The command sets one of the two limits of the history, and the other one stays as it is. The log has no word for "the default" of the
 * quota, as it has for the history: the number that is the default now is written, and stays when a later version has another default.
 */
async function change(
  options: ClusterOptions,
  name: SettingName,
  value: number | null,
  signal: AbortSignal,
): Promise<void> {
  const { quotaDefault, history } = await askAny(options, "getSettings", {}, signal);
  const { revisions, bytes } = history;
  switch (name) {
    case "quota":
      await askAny(options, "setQuota", { bytes: value ?? quotaDefault }, signal);
      return;
    case "history.revisions":
      await askAny(options, "setHistory", { revisions: value, bytes }, signal);
      return;
    case "history.bytes":
      await askAny(options, "setHistory", { revisions, bytes: value }, signal);
      return;
    default:
      unreachable(name, "setting");
  }
}

function shown(settings: Settings, name: SettingName | null): SettingOutcome {
  const rows = SETTINGS.filter((setting) => name === null || setting.name === name).map(
    (setting) => ({ ...setting, ...valueOf(settings, setting.name) }),
  );
  const names = Math.max(...rows.map((row) => row.name.length));
  const numbers = Math.max(...rows.map(({ value }) => String(value).length));
  const lines = rows.map(({ name: called, value, isDefault, help }) => {
    const whose = isDefault ? "default" : "set";
    return `${called.padEnd(names)}  ${String(value).padStart(numbers)}  ${whose.padEnd(7)}  ${help}`;
  });
  const fields = rows.map(({ name: called, value, isDefault }) => {
    return { name: called, value, isDefault };
  });
  return { words: lines.join("\n"), fields: { settings: fields } };
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
