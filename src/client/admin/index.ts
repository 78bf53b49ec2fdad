/** Management of nodes and of whole clusters. */
export { AdminClient, type AdminClientOptions } from "./admin-client.ts";
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
