/** The commands on keys, as they are typed and explained. */
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
export { isLeaseAction, type LeaseAction } from "./lease-commands.ts";
export { isLoadAction, type LoadAction } from "./load-commands.ts";
export { isRangeAction, type RangeAction } from "./range-commands.ts";
export { SETTING_COMMANDS, SETTINGS } from "./setting-commands.ts";
export { isStoreAction, type ReadMoment, type StoreAction } from "./store-commands.ts";
export { isTxnAction, type TxnAction } from "./txn-commands.ts";
export { isWatchAction, type WatchAction } from "./watch-commands.ts";
