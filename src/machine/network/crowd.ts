import type { Server } from "node:http";

/** A server takes connections again when a quarter of them has ended: otherwise each that ends would make a log line. */
const ENOUGH = 3 / 4;

/**
 * Tells once when a server begins to refuse connections, because it has as many as it may or the system has no descriptor
 * left, and tells again only after there was room in between.
 */
export function watchCrowd(server: Server, onCrowded: (reason: string) => void): void {
  let open = 0;
  /** Connections when it began; null: there is room. */
  let crowd: number | null = null;
  const refused = (reason: string): void => {
    if (crowd !== null) return;
    crowd = open;
    onCrowded(reason);
  };
  server.on("connection", (socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
      if (crowd !== null && open <= crowd * ENOUGH) crowd = null;
    });
  });
  server.on("drop", () => refused(`${server.maxConnections} are open, which is the most`));
  // Node.js emits these for single attempts to connect: no file descriptors left, mostly. The server goes on.
  server.on("error", (error) => refused(error.message));
}
