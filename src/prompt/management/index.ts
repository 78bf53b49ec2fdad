/** The commands of management, what some of them do, and what nodes tell of a cluster in words. */
export { runAccess } from "./access-prompt.ts";
export { ADMIN_HELP, type AdminAction, adminTable, type ManageAction } from "./admin-commands.ts";
export { type FarEnd, renderLinks, renderStatus } from "./admin-render.ts";
export {
  type AdminCalls,
  type ClusterOptions,
  faultsTimeoutMs,
  lookTimeoutMs,
  reasonText,
  reasonWords,
} from "./cluster-options.ts";
export { faultSentence } from "./fault-words.ts";
export { STATUS_COMMAND } from "./cluster-commands.ts";
export { renderTable } from "./cluster-render.ts";
export { settingOutcome } from "./setting-outcome.ts";
export { waitForLeader } from "./wait-leader.ts";
export { watchCluster } from "./watch.ts";
