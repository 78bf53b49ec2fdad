/** One server process: the real machine under a node, from start to the exit status. */
import type { RequestListener } from "node:http";
import { pageUrl } from "../config/cluster.ts";
import { createDashboard } from "../dashboard/dashboard.ts";
import { Node } from "../node/node.ts";
import { AuditFile } from "../platform/audit-file.ts";
import { colorLevel } from "../platform/color.ts";
import { createConsoleLogger } from "../platform/console-logger.ts";
import { DataLock, LOCK_FILE } from "../platform/data-lock.ts";
import { watchDirectory, type WatchedPart } from "../platform/directory-watch.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { NodeDisk } from "../platform/node-disk.ts";
import { NodeMemory } from "../platform/node-memory.ts";
import { createNodeRandom } from "../platform/node-random.ts";
import { descriptorLimit, openDescriptors, type ConnectionCaps } from "../platform/descriptors.ts";
import { makePrivateDirectory } from "../platform/private-files.ts";
import { scryptPasswords } from "../platform/scrypt-passwords.ts";
import { WsNetwork } from "../platform/ws-network.ts";
import { IDENTITY_FILE, LOG_DIRECTORY } from "../storage/data-directory.ts";
import { logEndPath } from "../storage/log-end.ts";
import { PEER_MEMORY_FILE } from "../storage/peer-memory.ts";
import type { Audit } from "../ports/audit.ts";
import type { Logger } from "../ports/logger.ts";
import { StrangerLog } from "../ports/stranger-log.ts";
import { LastWords } from "./last-words.ts";
import { bufferBytesMax, connectionCaps } from "./limits.ts";
import { tellServiceManager } from "../platform/service-manager.ts";
import { OperatorView } from "./operator-view.ts";
import type { ServerOptions } from "./options.ts";

/** What a node holds open for as long as it runs, and what tells whose directory it is. */
const USED_PARTS: readonly WatchedPart[] = [
  { name: LOG_DIRECTORY, kind: "directory" },
  { name: logEndPath(LOG_DIRECTORY), kind: "file" },
  { name: PEER_MEMORY_FILE, kind: "file" },
  { name: IDENTITY_FILE, kind: "replaceable" },
];
const STRANGERS_TOLD_MS = 10_000;

export interface RunningServer {
  /** Resolves with the exit status when the server has stopped, by `stop` or because it cannot go on. */
  readonly ended: Promise<number>;
  /** Stops it cleanly. Once is enough, more does nothing. */
  stop(): void;
}

/**
 * Locks and opens the data directory, recovers, listens. What prevents it, and what ends the server later, is said on
 * standard error and in the log; `ended` tells the exit status. Whatever is thrown anywhere in the process from now on and
 * not caught ends the process.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { node, dataDirectory } = options;
  const logger = createConsoleLogger({
    name: `n${node.nodeId}`,
    level: options.logLevel,
    format: options.logFormat,
    color: colorLevel(process.env, process.stdout.isTTY),
  });
  const { nodeId, version } = node;
  const lastWords = new LastWords({ nodeId, version, dataDirectory, logger });
  lastWords.watch();
  try {
    return await startNode(options, logger, lastWords);
  } catch (error) {
    lastWords.cannotStart(error);
    return { ended: Promise.resolve(1), stop: () => {} };
  }
}

async function startNode(
  options: ServerOptions,
  logger: Logger,
  lastWords: LastWords,
): Promise<RunningServer> {
  const { dataDirectory } = options;
  const caps = connectionCaps(options.node, descriptorLimit(), openDescriptors(), logger);
  const nodeOptions = {
    ...options.node,
    clientConnectionsMax: caps.clients,
    adminConnectionsMax: caps.managers,
    bufferBytesMax: bufferBytesMax(),
  };
  const strangers = new StrangerLog(logger, nodeClock);
  setInterval(() => strangers.tick(), STRANGERS_TOLD_MS).unref();
  const open = makePrivateDirectory(dataDirectory);
  if (open !== null) logger.warn(open);
  const lock = await DataLock.acquire(dataDirectory);
  let end: (status: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let isStopping = false;
  let endWatch = (): void => {};
  const view = new OperatorView(options.node.secret);
  try {
    const machine = {
      clock: nodeClock,
      random: createNodeRandom(),
      network: networkOf(options, caps, strangers, view),
      disk: new NodeDisk(dataDirectory),
      memory: new NodeMemory(),
      passwords: scryptPasswords,
      ...auditOf(options, logger),
      logger,
    };
    let isListening = false;
    const node = new Node(nodeOptions, machine, {
      onListening: () => {
        isListening = true;
        const { clientAddress, peerAddresses, nodeId } = nodeOptions;
        const peer = peerAddresses.get(nodeId);
        logger.info(`node ${nodeId} is ready`, {
          clients: `${clientAddress.host}:${clientAddress.port}`,
          peers: peer === undefined ? "" : `${peer.host}:${peer.port}`,
          page: pageUrl(clientAddress, options.clientTls !== null),
          data: dataDirectory,
        });
        process.send?.("listening");
        tellServiceManager("READY=1", logger);
      },
      onFatal: (error) => {
        isStopping = true;
        view.failed(error, dataDirectory);
        endWatch();
        if (isListening) lastWords.stops(error);
        else lastWords.cannotStart(error);
        // The lock ends with the process: files may be open, and a write under way.
        end(1);
      },
    });
    view.shows(node);
    node.start();
    endWatch = watchAll(options, logger, lock);
    return {
      ended,
      // Several may ask: a signal, and then the parent's channel, which closes as we end.
      stop: () => {
        if (isStopping) return;
        isStopping = true;
        view.stops();
        logger.info(`node ${nodeOptions.nodeId} stops`);
        tellServiceManager("STOPPING=1", logger);
        endWatch();
        node.retire(() => {
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

/** @throws Error when the file cannot be opened */
function auditOf({ audit }: ServerOptions, logger: Logger): { readonly audit?: Audit } {
  if (audit === null) return {};
  return { audit: new AuditFile({ ...audit, logger, wallMs: () => Date.now() }) };
}

function networkOf(
  options: ServerOptions,
  caps: ConnectionCaps,
  strangers: StrangerLog,
  view: OperatorView,
): WsNetwork {
  return new WsNetwork({
    hostNames: options.clusterNodes.map(({ host }) => host.toLowerCase()),
    pageAddresses: options.clusterNodes,
    clientTls: options.clientTls,
    peerTls: options.peerTls,
    onRequest: dashboard(options, view),
    onRejected: (remote, reason) => strangers.warn("connection refused", { remote, reason }),
    onCrowded: (reason) =>
      strangers.warn("connections are refused until some have ended", { reason }),
    strangersMax: caps.strangers,
    connectionsMax: caps.clients + caps.managers + caps.strangers,
  });
}

/** What lies in files and may change while the server runs. @returns ends the watch */
function watchAll(options: ServerOptions, logger: Logger, lock: DataLock): () => void {
  const { dataDirectory, clusterNodes, credentials, warnings } = options;
  for (const text of warnings) logger.warn(text);
  for (const credential of credentials) credential.watch(logger);
  const endWatch = watchFiles(dataDirectory, clusterNodes.length, lock);
  return () => {
    endWatch();
    for (const credential of credentials) credential.stop();
  };
}

/** @returns ends the watch */
function watchFiles(dataDirectory: string, members: number, lock: DataLock): () => void {
  const parts: WatchedPart[] = [
    { name: "", kind: "directory" },
    ...USED_PARTS,
    { name: LOCK_FILE, kind: "lock", identity: lock.identity },
  ];
  return watchDirectory(dataDirectory, members, parts, (error) => {
    // Thrown as what nobody foresaw is: nothing more may be acknowledged.
    throw error;
  });
}

function dashboard(
  { node, clusterNodes, clientTls }: ServerOptions,
  { pages }: OperatorView,
): RequestListener {
  return createDashboard({
    pages,
    isTls: clientTls !== null,
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
