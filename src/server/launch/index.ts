/** How a server is started as a process of its own, from source or as built. */
export { builtModule, forkBuilt } from "./built.ts";
export {
  type LocalClusterOptions,
  startLocalCluster,
  startLocalServer,
  stopLocalCluster,
} from "./local-cluster.ts";
export { LocalServer } from "./local-server.ts";
export { NODE_FLAGS } from "./node-flags.ts";
export { LocalServers } from "./server-control.ts";
