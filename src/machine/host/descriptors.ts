/**
 * How many connections a process may have: each takes a file descriptor. So do the log, the snapshots and the links to
 * peers, which must always find one, however many strangers and clients connect.
 */
import { readdirSync, readFileSync } from "node:fs";
import { StorageError } from "../../base/index.ts";

export interface ConnectionCaps {
  /** Connections that have shaken hands. */
  readonly clients: number;
  readonly managers: number;
  /** Connections that have proved nothing yet; of each of the two ports. */
  readonly strangers: number;
}

/** Segments, spares, snapshots written, received and served, each twice; links to peers; what Node.js opens in passing. */
const RESERVE = 64;
/** Descriptors that a process has open when it begins, where the system does not tell. */
const OPEN_AT_START = 32;
/** No kind of connection has fewer places: with less the server would be of no use. */
const LEAST: ConnectionCaps = { clients: 4, managers: 2, strangers: 8 };

/** @returns null when the system does not tell */
export function descriptorLimit(): number | null {
  const text = limitText();
  if (text === null) return null;
  if (text === "unlimited") return Infinity;
  const limit = Number(text);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : null;
}

/** @returns null when the system does not tell */
export function openDescriptors(): number | null {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return null;
  }
}

/**
 * What fits: the same when there are enough descriptors; else strangers get an eighth for each port, managers less.
 * @param limit null: not known
 * @param open now, before files and connections; null: not known
 * @throws StorageError TOO_MANY_FILES when not even the fewest fit
 */
export function fitConnections(
  wanted: ConnectionCaps,
  limit: number | null,
  open: number | null,
): ConnectionCaps {
  const reserved = RESERVE + (open ?? OPEN_AT_START);
  const room = (limit ?? Infinity) - reserved;
  const least = LEAST.clients + LEAST.managers + 2 * LEAST.strangers;
  if (room < least) {
    throw new StorageError(
      "TOO_MANY_FILES",
      `this process may have only ${limit} files and connections open, and needs ${reserved + least} at least, one more for ` +
        `each client. Raise the limit before the start ("ulimit -n 4096", LimitNOFILE= in a systemd unit)`,
    );
  }
  if (wanted.clients + wanted.managers + 2 * wanted.strangers <= room) return wanted;
  const strangers = share(wanted.strangers, room / 8, LEAST.strangers);
  const managers = share(wanted.managers, room / 16, LEAST.managers);
  const clients = share(wanted.clients, room - 2 * strangers - managers, LEAST.clients);
  return { clients, managers, strangers };
}

function share(wanted: number, room: number, least: number): number {
  return Math.min(wanted, Math.max(least, Math.floor(room)));
}

/** The soft limit, which Node raises to the hard one when it starts. */
function limitText(): string | null {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    return /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? null;
  } catch {
    return reportedLimit();
  }
}

/** Where there is no /proc; takes some tens of milliseconds. */
function reportedLimit(): string | null {
  const report = process.report?.getReport() as
    { userLimits?: { open_files?: { soft?: unknown } } } | undefined;
  const soft = report?.userLimits?.open_files?.soft;
  return typeof soft === "number" || typeof soft === "string" ? `${soft}` : null;
}
