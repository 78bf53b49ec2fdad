/** The most that one turn does for watches: some milliseconds. The next turns do the rest. */
export interface WatchTurn {
  /** Changes that are looked at for the live watches: no more than were just applied, as a rule. */
  readonly changes: number;
  /** Changes that are taken out of the history for those that are behind. Each takes microseconds, ten times that in a new process. */
  readonly pastChanges: number;
  /** Records of events that are written; what else is done for single watches counts as some of them (watch-walks). */
  readonly records: number;
  /** Bytes of events that are written; the event that reaches it is the last. */
  readonly bytes: number;
  /** Watches whose rights are looked at anew, and connections that have some, together. */
  readonly judged: number;
  /** Connections that something is sent to. */
  readonly connections: number;
  /** A revision with more keys is told to one watch after the other. */
  readonly revisionKeys: number;
  /** Events of one revision for one watch: more are told in several parts. One event may exceed it. */
  readonly partBytes: number;
}

export const TURN: WatchTurn = {
  changes: 4096,
  pastChanges: 512,
  records: 2048,
  bytes: 4 * 1024 * 1024,
  judged: 4096,
  connections: 512,
  revisionKeys: 512,
  partBytes: 512 * 1024,
};

/** How much of a node watches may use. A client that would exceed a bound with a new watch is told OVERLOADED. */
export interface WatchLimits {
  /** Watches of one connection. */
  readonly perConnection: number;
  /** Watches of one user, or of one address where clients do not sign in; never more than are left for others (watch-shares). */
  readonly perClient: number;
  /** All connections together may have so many watches. */
  readonly perNode: number;
  /** Of the keys and bounds that they name, with WATCH_OVERHEAD_BYTES for each. */
  readonly indexBytes: number;
  /** A connection with more unread bytes leaves the live feed, and goes on from the history once it has read them. */
  readonly unreadBytes: number;
  /** Between two notices of progress, in milliseconds. */
  readonly progressMs: number;
  readonly turn: WatchTurn;
}

export const DEFAULT_WATCH_LIMITS: WatchLimits = {
  perConnection: 16_384,
  perClient: 50_000,
  perNode: 100_000,
  indexBytes: 96 * 1024 * 1024,
  unreadBytes: 1024 * 1024,
  progressMs: 2000,
  turn: TURN,
};

export interface WatchHubOptions {
  readonly limits: WatchLimits;
  /** Between two notices of progress; 1 or more. */
  readonly progressTicks: number;
  /** A node that is cut off (`Standing`) for so long tells the clients that watch. */
  readonly isolatedAfterTicks: number;
}

/** With ticks of 10 ms and the usual election time-out. */
export const DEFAULT_WATCHES: WatchHubOptions = {
  limits: DEFAULT_WATCH_LIMITS,
  progressTicks: 200,
  isolatedAfterTicks: 5,
};

/** What a watch takes beside its keys: measured 510 to 540 (Node 20), and its place among those ordered by revision. */
export const WATCH_OVERHEAD_BYTES = 560;

/** Of a heap: state, snapshots under way and requests need the rest (server/node/heap-guard). */
const HEAP_SHARE = 1 / 16;

/** @param heapBytes the heap's limit; null: it is not known */
export function watchLimitsFor(limits: WatchLimits, heapBytes: number | null): WatchLimits {
  const most = heapBytes === null ? Infinity : Math.floor(HEAP_SHARE * heapBytes);
  return { ...limits, indexBytes: Math.min(limits.indexBytes, most) };
}

/** Changes that are taken out of the history at once: as many as a turn gets told, in the end. */
export const PIECE_CHANGES_MIN = 32;
export const PIECE_CHANGES_MAX = 4096;
/**
 * Where a walk is farther behind the last revision, what changed a key next is looked up instead of gone back to. The live one
 * is behind by an entry each time.
 */
export const FAR_REVISIONS = { live: 4096, past: 16 } as const;

/** To end a watch costs as much as some records. */
export const END_RECORDS = 4;
/** To take one out of which nobody is told. */
export const REMOVAL_RECORDS = 2;
/** So many watches are passed over in the time of a record. */
export const VISITS_PER_RECORD = 16;
/** After so many turns a sweep takes in those that have come to wait since. */
export const SWEEP_TURNS = 64;
/** So many changes are passed over in the time in which one is taken out of the history. */
export const PASSED_PER_CHANGE = 4;

/** Work for one connection is counted in bytes that the node might have written instead (RouteLoad). For a change: the versions before and after it. */
export const CHANGE_WORK_BYTES = 512;
/** For a record, or a watch that is moved. */
export const RECORD_WORK_BYTES = 64;
/** What is told is only copied. */
const TOLD_PER_WORK_BYTE = 4;

/** @param bytes of the events in a record */
export function toldWork(bytes: number): number {
  return RECORD_WORK_BYTES + Math.ceil(bytes / TOLD_PER_WORK_BYTE);
}
