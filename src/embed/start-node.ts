/** Starts a node within the program that calls: no process, no signals, no exit, no output of its own. */
import { KvError } from "../base/index.ts";
import type { Machine } from "../server/node/index.ts";
import { programVersion } from "../machine/host/index.ts";
import type { Logger, LogLevel, Network } from "../machine/ports/index.ts";
import { readServerOptions, type ServerOptions, ServingNode } from "../server/process/index.ts";
import { EmbeddedNode, type NodeEnd } from "./embedded-node.ts";
import { Guard } from "./guarded-machine.ts";
import { IndoorNetwork } from "./indoor-network.ts";
import { nodeError, type NodeError } from "./node-error.ts";
import { inSettings, readSettings, type NodeLogger, type NodeSettings } from "./node-settings.ts";

/**
 * Starts a node of a cluster in this process, on its data directory, and resolves when its ports are open and it takes part.
 * The node's `ready` tells whether the cluster serves already, which takes a majority of its nodes.
 *
 *     await using node = await startNode({ dataDir: "data/a" });            // a cluster of one, without a port
 *     const kv = node.client();
 *     await kv.write("greeting", "hello");
 *
 *     await using one = await startNode({                                   // one of three, in three programs
 *       dataDir: "data/1", node: 1, members: "1=10.0.0.1,2=10.0.0.2,3=10.0.0.3", …
 *     });
 *
 * The process stays untouched: the node listens to no signal and prints nothing, and an error ends the node, not the
 * program. Several nodes may run in one process.
 * @throws KvError BAD_REQUEST that names the setting, what was expected and what came; NodeError when the node cannot start: the
 *   directory is in use (LOCKED), a port is taken (EADDRINUSE), the data are damaged
 */
export async function startNode(settings: NodeSettings): Promise<EmbeddedNode> {
  const { flags, listens, logger } = readSettings(settings);
  const options = ((): ServerOptions => {
    try {
      return readServerOptions(flags, programVersion());
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      throw new KvError(error.code, inSettings(error.message), { cause: error });
    }
  })();
  try {
    return await startServing(options, listens, loggerOver(logger));
  } catch (error) {
    throw nodeError(error, false, options.dataDirectory);
  }
}

/** Time for a node that has failed to close its files. */
const CLOSE_TIMEOUT_MS = 2000;

async function startServing(
  options: ServerOptions,
  listens: boolean,
  logger: Logger,
): Promise<EmbeddedNode> {
  const indoors = new IndoorNetwork();
  const [ended, end] = promised<NodeEnd>();
  const [listening, isListening] = promised<null>();
  let serving: ServingNode | null = null;
  let isEnding = false;
  let failure: NodeError | null = null;
  let closing: NodeJS.Timeout | null = null;
  const failed = (error: Error, foreseen: boolean): void => {
    if (failure !== null) return;
    isEnding = true;
    const told = nodeError(error, foreseen, options.dataDirectory);
    failure = told;
    logger.error(`node ${options.node.nodeId} cannot go on: ${told.message}`);
    // A program that waits for the node's end may start it again; only a disk that does not answer prevents that.
    closing = setTimeout(() => end({ reason: "failed", error: told }), CLOSE_TIMEOUT_MS);
  };
  const closed = (): void => {
    if (closing !== null) clearTimeout(closing);
    serving?.release();
    if (failure !== null) end({ reason: "failed", error: failure });
  };
  const guard = new Guard((error) => {
    failed(error, false);
    serving?.fail(error);
  });
  serving = await ServingNode.open(
    options,
    logger,
    {
      onListening: () => isListening(null),
      onFatal: (error) => failed(error, true),
      onFailedClosed: () => setImmediate(closed),
      onDirectoryGone: (error) => serving?.fail(error),
    },
    (machine) =>
      guard.machine({ ...machine, network: networkOf(options, listens, machine, indoors) }),
  );
  const running = serving;
  const first = await Promise.race([listening, ended]);
  if (first?.reason === "failed") throw first.error;
  return new EmbeddedNode({
    options,
    listens,
    indoors,
    ended,
    whenServed: (done) => running.whenServed(done),
    retire: () => {
      if (isEnding) return;
      isEnding = true;
      running.retire(() => end({ reason: "stopped" }));
    },
  });
}

/** Clients of this process connect in memory, others over the wire where they may. One node alone has no peers to listen to. */
function networkOf(
  { node }: ServerOptions,
  listens: boolean,
  { network: wire }: Machine,
  indoors: IndoorNetwork,
): Network {
  const isAlone = node.peerAddresses.size === 1;
  return {
    dial: (address, channel, handlers) => wire.dial(address, channel, handlers),
    listen: (address, channels, accept, ready) => {
      const isForClients = channels.includes("client");
      const isOutside = isForClients ? listens : !isAlone;
      if (!isOutside) return indoors.listen(address, channels, accept, ready);
      if (!isForClients) return wire.listen(address, channels, accept, ready);
      wire.listen(address, channels, accept, (outside) => {
        if (outside instanceof Error) return ready(outside);
        indoors.listen(address, channels, accept, (inside) => {
          if (inside instanceof Error) return outside.close(() => ready(inside));
          const close = (done: () => void): void => inside.close(() => outside.close(done));
          ready({ address: outside.address, close });
        });
      });
    },
  };
}

function loggerOver(logger: NodeLogger | null): Logger {
  const at =
    (level: Exclude<LogLevel, "debug">) =>
    (message: string, fields: object = {}): void => {
      try {
        logger?.[level]?.(message, fields);
      } catch {
        // The program's own trouble: the node goes on.
      }
    };
  return {
    enabled: (level) => logger !== null && level !== "debug" && logger[level] !== undefined,
    debug: () => {},
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

function promised<T>(): readonly [promise: Promise<T>, resolve: (value: T) => void] {
  let settle: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return [promise, settle];
}
