/** Management of nodes and of whole clusters. */
export { AdminCore, type AdminClientOptions } from "./admin-core.ts";
export { alarmText } from "./alarm-text.ts";
export {
  applyFaults,
  brokenLinks,
  changeLinks,
  failedText,
  type FaultsOutcome,
  type LinkChange,
  runScenario,
} from "./cluster-faults.ts";
export {
  type ClusterLook,
  leaderIn,
  logsIn,
  lookAtCluster,
  type NodeLook,
} from "./cluster-look.ts";
export { wholeAccess } from "./whole-access.ts";
