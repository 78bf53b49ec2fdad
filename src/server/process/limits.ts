/** How much memory and how many connections this machine lets a server have. */
import { type ConnectionCaps, fitConnections, heapLimitBytes } from "../../machine/host/index.ts";
import { STRANGERS_MAX } from "../../machine/network/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { ServerOptions } from "./options.ts";

const MIB = 1024 * 1024;

/** Buffers lie beside the heap, but an operator who bounds the heap means the process: a sixteenth, within reason. */
export function bufferBytesMax(): number {
  return Math.min(512 * MIB, Math.max(32 * MIB, Math.floor(heapLimitBytes() / 16)));
}

/**
 * As many as the server wants, or as there are descriptors for: then the log says so.
 * @param limit of descriptors; null: not known
 * @param open now, before the server opens anything; null: not known
 * @throws StorageError TOO_MANY_FILES when the limit is too low for a server
 */
export function connectionCaps(
  { clientConnectionsMax, adminConnectionsMax }: ServerOptions["node"],
  limit: number | null,
  open: number | null,
  logger: Logger,
): ConnectionCaps {
  const wanted = {
    clients: clientConnectionsMax,
    managers: adminConnectionsMax,
    strangers: STRANGERS_MAX,
  };
  const caps = fitConnections(wanted, limit, open);
  if (caps !== wanted) {
    const { clients, managers, strangers } = caps;
    logger.warn("fewer connections than usual: raise the limit of open files (ulimit -n)", {
      limit,
      clients,
      managers,
      strangers,
      usually: `${wanted.clients} clients`,
    });
  }
  return caps;
}
