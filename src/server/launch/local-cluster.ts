/** Servers of one local cluster as child processes, for `omnikv start` and every other program that needs a real cluster. */
import { join } from "node:path";
import { KvError, StorageError } from "../../base/index.ts";
import type { ClusterNode } from "../config/index.ts";
import { makePrivateDirectory } from "../../machine/host/index.ts";
import { LocalServer } from "./local-server.ts";

export interface LocalClusterOptions {
  readonly nodes: readonly ClusterNode[];
  readonly clusterId: string;
  /** Node I keeps its data in nodeI below it, and its log lines in nodeI.log. */
  readonly dataDirectory: string;
  /** Further flags for each server. */
  readonly flags: readonly string[];
  /** A prefix of the server's command line, to run it elsewhere: it must end up as the same process. Default: nothing. */
  readonly wrap?: (node: ClusterNode) => readonly string[];
  /** As of LocalServerOptions. */
  readonly program?: string | undefined;
}

/** @throws KvError when it cannot have its data and its log where it should */
export function startLocalServer(node: ClusterNode, options: LocalClusterOptions): LocalServer {
  const { nodes, clusterId, flags, wrap, program } = options;
  const dataDirectory = join(options.dataDirectory, `node${node.id}`);
  const logFile = join(options.dataDirectory, `node${node.id}.log`);
  try {
    makePrivateDirectory(dataDirectory);
    const before = wrap?.(node) ?? [];
    return LocalServer.start({
      node,
      nodes,
      clusterId,
      dataDirectory,
      logFile,
      flags,
      wrap: before,
      program,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const wayOut =
      cause instanceof StorageError ? "" : ". Correct that, or give another --data-dir";
    const text = `node ${node.id} cannot have its data in ${dataDirectory} and its log in ${logFile}: ${reason}${wayOut}`;
    throw new KvError("CONNECTION_FAILED", text, { cause });
  }
}

/** Starts all servers and waits until each listens. If one cannot, the others are stopped again. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalServer[]> {
  const servers: LocalServer[] = [];
  try {
    for (const node of options.nodes) servers.push(startLocalServer(node, options));
    await Promise.all(servers.map((server) => server.ready()));
  } catch (error) {
    await stopLocalCluster(servers);
    throw error;
  }
  return servers;
}

export async function stopLocalCluster(servers: readonly LocalServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
