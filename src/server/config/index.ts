/** The cluster's description: flags and file. */
export {
  type ClusterDescription,
  type ClusterNode,
  DEFAULT_CLUSTER_ID,
  CLIENT_PORT_BASE,
  defaultCluster,
  loadClusterFile,
  namesIds,
  namesTls,
  nodesFrom,
  pageUrl,
  parseAddresses,
  parseClusterId,
  parseNodeId,
  parseNodesFlag,
  parsePeersFlag,
  parsePort,
} from "./cluster.ts";
export { kindOf, parseJsonText } from "./json-text.ts";
export { FILE_MAX, readRegularText, readSettingsText } from "./regular-file.ts";
export { readPrivateFile, readSecretFile, SECRETS_MAX } from "./secret-file.ts";
