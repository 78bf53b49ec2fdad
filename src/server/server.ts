/** One server process: the real machine under a node, from start to the exit status. */
import { mkdirSync } from "node:fs";
import type { RequestListener } from "node:http";
import { pageUrl } from "../config/cluster.ts";
import { createDashboard } from "../dashboard/dashboard.ts";
import { Node } from "../node/node.ts";
import { colorLevel } from "../platform/color.ts";
import { createConsoleLogger } from "../platform/console-logger.ts";
import { DataLock } from "../platform/data-lock.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { NodeDisk } from "../platform/node-disk.ts";
import { NodeMemory } from "../platform/node-memory.ts";
import { createNodeRandom } from "../platform/node-random.ts";
import { WsNetwork } from "../platform/ws-network.ts";
import type { ServerOptions } from "./options.ts";

export interface RunningServer {
  /** Resolves with the exit status when the server has stopped, by `stop` or because it cannot go on. */
  readonly ended: Promise<number>;
  /** Stops it cleanly. Once is enough, more does nothing. */
  stop(): void;
}

/**
 * Locks and opens the data directory, recovers, listens.
 * @throws StorageError when the data directory cannot be used
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const logger = createConsoleLogger({
    name: `n${options.node.nodeId}`,
    level: options.logLevel,
    format: options.logFormat,
    color: colorLevel(process.env, process.stdout.isTTY),
  });
  mkdirSync(options.dataDirectory, { recursive: true });
  const lock = await DataLock.acquire(options.dataDirectory);
  let end: (status: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let isStopping = false;
  const { node: nodeOptions, dataDirectory } = options;
  try {
    const machine = {
      clock: nodeClock,
      random: createNodeRandom(),
      network: new WsNetwork({
        hostNames: options.clusterNodes.map(({ host }) => host.toLowerCase()),
        pageAddresses: options.clusterNodes,
        onRequest: dashboard(options),
        onRejected: (remote, reason) => logger.warn("connection refused", { remote, reason }),
      }),
      disk: new NodeDisk(dataDirectory),
      memory: new NodeMemory(),
      logger,
    };
    const node = new Node(nodeOptions, machine, {
      onListening: () => {
        const { clientAddress, peerAddresses, nodeId } = nodeOptions;
        const peer = peerAddresses.get(nodeId);
        logger.info(`node ${nodeId} is ready`, {
          clients: `${clientAddress.host}:${clientAddress.port}`,
          peers: peer === undefined ? "" : `${peer.host}:${peer.port}`,
          page: pageUrl(clientAddress),
          data: dataDirectory,
        });
        process.send?.("listening");
      },
      onFatal: (error) => {
        isStopping = true;
        logger.error(`node ${nodeOptions.nodeId} stops: ${error.message}`);
        // The lock ends with the process: files may be open, and a write under way.
        end(1);
      },
    });
    node.start();
    return {
      ended,
      // Several may ask: a signal, and then the parent's channel, which closes as we end.
      stop: () => {
        if (isStopping) return;
        isStopping = true;
        logger.info(`node ${nodeOptions.nodeId} stops`);
        node.stop(() => {
          lock.release();
          end(0);
        });
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function dashboard({ node, clusterNodes }: ServerOptions): RequestListener {
  return createDashboard({
    info: {
      clusterId: node.clusterId,
      self: node.nodeId,
      nodes: clusterNodes.map(({ id, host, port }) => ({ id, host, port })),
      version: node.version,
      faultsAllowed: node.allowFaults,
      needsSecret: node.secret !== null,
    },
  });
}
