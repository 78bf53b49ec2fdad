/** One server process: a node, the signals of its process, its last words, and the exit status. */
import { pageUrl } from "../config/index.ts";
import { colorLevel, tellServiceManager } from "../../machine/host/index.ts";
import { createConsoleLogger } from "../../machine/logger/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import { LastWords } from "./last-words.ts";
import type { ServerOptions } from "./options.ts";
import { ServingNode } from "./serving-node.ts";

export interface RunningServer {
  /** Resolves with the exit status when the server has stopped, by `stop` or because it cannot go on. */
  readonly ended: Promise<number>;
  /** Stops it cleanly. Once is enough, more does nothing. */
  stop(): void;
}

/**
 * Locks and opens the data directory, recovers, listens. An error that prevents this, or ends the server later, is reported on
 * standard error and in the log; `ended` tells the exit status. From now on any error that is thrown in the process and
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
  const isOneScreen =
    options.logFormat === "pretty" && process.stdout.isTTY && process.stderr.isTTY;
  const lastWords = new LastWords({ nodeId, version, dataDirectory, logger, isOneScreen });
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
  const { dataDirectory, clientTls } = options;
  const { nodeId, clientAddress, peerAddresses } = options.node;
  let end: (status: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let isStopping = false;
  let isListening = false;
  const serving = await ServingNode.open(options, logger, {
    onListening: () => {
      isListening = true;
      const peer = peerAddresses.get(nodeId);
      logger.info(`node ${nodeId} is ready`, {
        clients: `${clientAddress.host}:${clientAddress.port}`,
        peers: peer === undefined ? "" : `${peer.host}:${peer.port}`,
        page: pageUrl(clientAddress, clientTls !== null),
        data: dataDirectory,
      });
      // Whoever started this process may be gone; that is told by the channel's end, and no error.
      if (process.connected) process.send?.("listening", undefined, undefined, () => {});
      tellServiceManager("READY=1", logger);
    },
    onFatal: (error) => {
      isStopping = true;
      if (isListening) lastWords.stops(error);
      else lastWords.cannotStart(error);
      // The lock ends with the process: files may be open, and a write under way.
      end(1);
    },
    onDirectoryGone: (error) => {
      // As with an unforeseen error: the process ends before anything else is done.
      throw error;
    },
  });
  return {
    ended,
    // Several may ask: a signal, and then the parent's channel, which closes as we end.
    stop: () => {
      if (isStopping) return;
      isStopping = true;
      logger.info(`node ${nodeId} stops`);
      tellServiceManager("STOPPING=1", logger);
      serving.retire(() => end(0));
    },
  };
}
