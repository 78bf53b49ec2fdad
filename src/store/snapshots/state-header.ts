import { mix32, mixNumber } from "../../base/index.ts";
import { EMPTY_ACCESS, type AccessState } from "../access/access.ts";
import { DEFAULT_SETTINGS, type ClusterSettings } from "./cluster-settings.ts";
import { NO_ROUNDS, type Rounds } from "../entries/rounds.ts";

/** The origin of a log in which nothing has happened yet. */
export const NO_ORIGIN = 0;
/** What a new beginning adds to the history hash. Part of the format. */
const BEGINNING_MARK = 0x6265_6769;

/** What a state has beside keys and sessions. */
export interface StateHeader {
  readonly appliedIdx: number;
  readonly revision: number;
  /** Hash chain over all commands applied since the beginning, and their answers. */
  readonly historyHash: number;
  readonly unreadable: UnreadableEntries;
  readonly settings: ClusterSettings;
  /**
   * Names the log that led here among all logs of all clusters: drawn from the first session that an entry of version 2
   * opened, so that it follows from the log alone, and two clusters, or one that was begun anew, do not share one.
   * NO_ORIGIN until then.
   */
  readonly origin: number;
  /** The rounds of the leaders whose entries led to this state. */
  readonly rounds: Rounds;
  /** Users and what they may do. */
  readonly access: AccessState;
}

/** Entries of the log that no node could read, so that they changed nothing on any node. */
export interface UnreadableEntries {
  readonly count: number;
  /** Log index of the last one; null when there is none. */
  readonly lastIdx: number | null;
}

export const EMPTY_STATE_HEADER: StateHeader = {
  appliedIdx: 0,
  revision: 0,
  historyHash: 0,
  unreadable: { count: 0, lastIdx: null },
  settings: DEFAULT_SETTINGS,
  origin: NO_ORIGIN,
  rounds: NO_ROUNDS,
  access: EMPTY_ACCESS,
};

/** The history hash of a log that begins with a state that another one led to. */
export function beginningHash(historyHash: number, origin: number): number {
  return mixNumber(mix32(historyHash, BEGINNING_MARK), origin);
}

/** Two 32-bit hashes as one name. */
export function stateHash(contentHash: number, historyHash: number): string {
  const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, "0");
  return hex(contentHash) + hex(historyHash);
}
