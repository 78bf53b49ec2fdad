/** How many connections a server may take so that files and its own connections to peers never lack a descriptor. */
import { StorageError } from "../base/storage-error.ts";

/** Segments, spares, snapshots written, received and served, each twice; dials to peers; what Node.js opens in passing. */
const RESERVED = 48;
/** With fewer on each port nobody could do anything: three clients, a page with its connections to each node, peers. */
const CONNECTIONS_MIN = 8;
const CONNECTIONS_MAX = 10_000;
const PORTS = 2;

/**
 * @param limit of open files; null: not known
 * @param open now, before the server opens anything
 * @returns connections on each of the two ports
 * @throws StorageError TOO_MANY_FILES when the limit is too low for a server
 */
export function connectionLimit(limit: number | null, open: number | null): number {
  if (limit === null || open === null) return CONNECTIONS_MAX;
  const each = Math.floor((limit - open - RESERVED) / PORTS);
  if (each >= CONNECTIONS_MIN) return Math.min(each, CONNECTIONS_MAX);
  const needed = open + RESERVED + PORTS * CONNECTIONS_MIN;
  throw new StorageError(
    "TOO_MANY_FILES",
    `this process may have only ${limit} files and connections open, and needs ${needed} at least, one more for each ` +
      `client. Raise the limit before the start ("ulimit -n 4096", LimitNOFILE= in a systemd unit)`,
  );
}
