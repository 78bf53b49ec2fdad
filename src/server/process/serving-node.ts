/**
 * A node with the real machine under it: its data directory locked, its ports, its page, the files that it watches. Nothing here
 * belongs to a whole process, so that one process may hold several: signals, exit statuses and standard error are `server.ts`'s.
 */
import type { RequestListener } from "node:http";
import { createDashboard } from "../dashboard/index.ts";
import { ENTRY_CHANNEL, type Machine, Node } from "../node/index.ts";
import { type KvError, StorageError } from "../../base/index.ts";
import {
  AuditFile,
  type ConnectionCaps,
  DataLocks,
  descriptorLimit,
  LOCK_FILE,
  makePrivateDirectory,
  type DirectoryWatch,
  type NeededFile,
  NodeDisk,
  openDescriptors,
  processMemory,
  scryptPasswords,
  watchDirectory,
  type WatchedPart,
} from "../../machine/host/index.ts";
import { createNodeRandom, diagnosticsChannel, nodeClock } from "../../machine/runtime/index.ts";
import { WsNetwork } from "../../machine/network/index.ts";
import { type Audit, type Logger, StrangerLog } from "../../machine/ports/index.ts";
import {
  IDENTITY_FILE,
  LOG_DIRECTORY,
  logEndPath,
  PEER_MEMORY_FILE,
  SNAPSHOT_DIRECTORY,
} from "../../storage/index.ts";
import { bufferBytesMax, connectionCaps } from "./limits.ts";
import { OperatorView } from "./operator-view.ts";
import type { ServerOptions } from "./options.ts";

/** The files that a node holds open for as long as it runs, and that tell whose directory it is. */
const USED_PARTS: readonly WatchedPart[] = [
  { name: LOG_DIRECTORY, kind: "directory" },
  { name: logEndPath(LOG_DIRECTORY), kind: "file" },
  { name: PEER_MEMORY_FILE, kind: "file" },
  { name: IDENTITY_FILE, kind: "replaceable" },
];
/** Directories in it that operators put on other disks. */
const ELSEWHERE = [LOG_DIRECTORY, SNAPSHOT_DIRECTORY];
const STRANGERS_TOLD_MS = 10_000;
/** For a node that was told to end: service managers kill it after 30 s, and would not say why. */
const RETIRE_TIMEOUT_MS = 20_000;

export interface ServingEvents {
  /** Both ports are open. */
  onListening(): void;
  /** The node cannot go on, or cannot end in good order. Nothing is acknowledged after this. */
  onFatal(error: Error): void;
  /** After `onFatal`, when it has closed its files; never when one cannot be closed. */
  onFailedClosed?(): void;
  /** The directory is not what it was: nothing more may be acknowledged. */
  onDirectoryGone(error: Error): void;
}

export class ServingNode {
  readonly #node: Node;
  readonly #lock: DataLocks;
  readonly #view: OperatorView;
  readonly #endWatch: () => void;
  readonly #onFatal: ServingEvents["onFatal"];
  /** Ends it when it takes too long to end in good order. */
  #late: NodeJS.Timeout | undefined;

  /**
   * Locks and opens the data directory, recovers, and begins to listen.
   * @param adapt within a program: the machine as the node is to have it. Null: the process is the node's, and so is its machine
   * @param adapt within a program: makes the machine that the node gets. Null: the process is the node's, and so is its machine
   */
  static async open(
    options: ServerOptions,
    logger: Logger,
    events: ServingEvents,
    adapt: ((machine: Machine) => Machine) | null = null,
  ): Promise<ServingNode> {
    const open = makePrivateDirectory(options.dataDirectory);
    if (open !== null) logger.warn(open);
    const lock = await DataLocks.acquire(options.dataDirectory, ELSEWHERE, {
      onTaken: (error) => events.onDirectoryGone(error),
    });
    try {
      return ServingNode.#openLocked(options, logger, events, adapt, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static #openLocked(
    options: ServerOptions,
    logger: Logger,
    events: ServingEvents,
    adapt: ((machine: Machine) => Machine) | null,
    lock: DataLocks,
  ): ServingNode {
    const caps = connectionCaps(options.node, descriptorLimit(), openDescriptors(), logger);
    const nodeOptions = {
      ...options.node,
      clientConnectionsMax: caps.clients,
      adminConnectionsMax: caps.managers,
      bufferBytesMax: bufferBytesMax(),
    };
    const strangers = new StrangerLog(logger, nodeClock);
    const view = new OperatorView(
      options.node.secret,
      () => options.credentials.flatMap((each) => each.ends?.() ?? []),
      adapt === null,
    );
    const machine: Machine = {
      clock: nodeClock,
      random: createNodeRandom(),
      network: networkOf(options, caps, strangers, view),
      disk: NodeDisk.open(options.dataDirectory),
      memory: processMemory(),
      entries: diagnosticsChannel(ENTRY_CHANNEL),
      passwords: scryptPasswords,
      ...auditOf(options, logger),
      logger,
    };
    let watch: DirectoryWatch | null = null;
    let serving: ServingNode | null = null;
    const node = Node.open(nodeOptions, adapt?.(machine) ?? machine, {
      onListening: () => events.onListening(),
      onFatal: (error) => {
        if (serving !== null) clearTimeout(serving.#late);
        // A write to a file may be the first to notice that the directory is gone: that is the reason to name.
        const reason = watch?.look() ?? withRejoinNote(error, options);
        view.failed(reason, options.dataDirectory);
        watch?.stop();
        events.onFatal(reason);
      },
      onFailedClosed: () => events.onFailedClosed?.(),
    });
    view.shows(node);
    node.start();
    const telling = setInterval(() => strangers.tick(), STRANGERS_TOLD_MS).unref();
    const onGone = (error: Error): void => events.onDirectoryGone(error);
    const { look, stop } = watchAll(options, logger, lock, onGone, () => node.neededFiles);
    const endWatch = (): void => {
      stop();
      clearInterval(telling);
    };
    watch = { look, stop: endWatch };
    serving = new ServingNode(node, lock, view, endWatch, events);
    return serving;
  }

  private constructor(
    node: Node,
    lock: DataLocks,
    view: OperatorView,
    endWatch: () => void,
    events: ServingEvents,
  ) {
    this.#node = node;
    this.#lock = lock;
    this.#view = view;
    this.#endWatch = endWatch;
    this.#onFatal = (error) => events.onFatal(error);
  }

  /**
   * Ends in good order, as `Node.retire`: calls back when another process may use the directory. A disk that does not answer lets nobody
   * close files: then `onFatal` says so, and the directory stays locked.
   */
  retire(done: () => void, timeoutMs = RETIRE_TIMEOUT_MS): void {
    this.#view.stops();
    this.#endWatch();
    this.#late ??= setTimeout(() => this.#onFatal(notClosed(timeoutMs)), timeoutMs);
    this.#node.retire(() => {
      clearTimeout(this.#late);
      this.release();
      done();
    });
  }

  /** As `Node.whenServed`. */
  whenServed(done: (error: KvError | null) => void): void {
    this.#node.whenServed(done);
  }

  /** Ends as one that cannot go on: `onFatal` is called, with this error, unless the node has ended already. */
  fail(error: Error): void {
    this.#node.fail(error);
  }

  /** Of the directory. Not before all files are closed: another node may open them. */
  release(): void {
    this.#lock.release();
  }
}

function notClosed(timeoutMs: number): StorageError {
  return new StorageError(
    "DISK_FAILED",
    `the disk does not answer: the files could not be closed within ${timeoutMs / 1000} s after this node was told to stop. See what ` +
      "is wrong with the disk (`dmesg`, or the server that it is on), then start this node again",
  );
}

/** @throws Error when the file cannot be opened */
function auditOf({ audit }: ServerOptions, logger: Logger): { readonly audit?: Audit } {
  if (audit === null) return {};
  return { audit: AuditFile.open({ ...audit, logger, wallMs: () => Date.now() }) };
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

/** Watches the files that may change while the server runs. */
function watchAll(
  options: ServerOptions,
  logger: Logger,
  lock: DataLocks,
  onGone: (error: Error) => void,
  needed: () => readonly NeededFile[],
): DirectoryWatch {
  const { dataDirectory, clusterNodes, credentials, warnings } = options;
  for (const text of warnings) logger.warn(text);
  for (const credential of credentials) credential.watch(logger);
  const parts: WatchedPart[] = [
    { name: "", kind: "directory" },
    ...USED_PARTS,
    { name: LOCK_FILE, kind: "lock", identity: lock.identity },
  ];
  const { look, stop } = watchDirectory(dataDirectory, clusterNodes.length, parts, onGone, needed);
  return {
    look,
    stop: () => {
      stop();
      for (const credential of credentials) credential.stop();
    },
  };
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

/** An option that did nothing: a user who follows the sentence would give it once more, and be told the same. */
export function withRejoinNote(
  error: Error,
  {
    node: { rejoin },
    dataDirectory,
  }: {
    readonly node: { readonly rejoin?: boolean };
    readonly dataDirectory: string;
  },
): Error {
  if (rejoin !== true || !(error instanceof StorageError) || error.code !== "LOST_IDENTITY")
    return error;
  const note = `--rejoin was given, and did nothing: ${dataDirectory} is not empty, perhaps since an earlier start without it`;
  return new StorageError(error.code, `${error.message}. (${note}.)`, { cause: error });
}
