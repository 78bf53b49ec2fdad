/** The commands on keys, users and settings, as they are typed and explained, and the actions that they build. */
export type { AccessAction, PasswordSource } from "./access-action.ts";
export { ACCESS_COMMANDS } from "./access-commands.ts";
export {
  CLIENT_HELP,
  type ClientAction,
  clientTable,
  KEY_COMMANDS,
  type KeyAction,
} from "./client-commands.ts";
export type {
  ClusterAction,
  ScenarioRequest,
  ServerAction,
  SettingAction,
  SettingName,
} from "./cluster-action.ts";
export type { LeaseAction } from "./lease-commands.ts";
export type { LoadAction } from "./load-commands.ts";
export type { RangeAction } from "./range-commands.ts";
export { SETTING_COMMANDS, SETTINGS } from "./setting-commands.ts";
export type { ReadMoment, StoreAction } from "./store-commands.ts";
export type { TxnAction } from "./txn-commands.ts";
export type { WatchAction } from "./watch-commands.ts";
