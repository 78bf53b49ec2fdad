/** How much history the cluster keeps. Part of the replicated state: all nodes compact alike. */

import type { Command } from "../operations/index.ts";

/**
 * While nobody has set it. Each of them is written with every snapshot: with many more, a node that only overwrites would spend
 * as much on old versions as on the writes themselves. With small values they take some 4 MB of heap, and a busy cluster makes
 * them in seconds, a usual one in hours.
 */
const DEFAULT_HISTORY_REVISIONS = 50_000;
/** While nobody has set it: the quota divided by this. */
const HISTORY_QUOTA_PART = 24;
/** No setting lets history take more than the quota divided by this: nodes have memory for what the quota lets them keep. */
const HISTORY_QUOTA_PART_MIN = 4;

/** Of each null: nobody has set it, and the default holds. */
export interface HistoryBound {
  /** Changes that are kept: so many revisions before the newest can be read. */
  readonly revisions: number | null;
  /** What they are taken to cost. */
  readonly bytes: number | null;
}

export const DEFAULT_BOUND: HistoryBound = { revisions: null, bytes: null };

/** The command that sets it. */
export function settingOf({ revisions, bytes }: HistoryBound): Command<"setHistory"> {
  return { kind: "setHistory", historyRevisions: revisions ?? 0, historyBytes: bytes ?? 0 };
}

/** The bound that is in force: set, or by default. */
export interface EffectiveBound {
  readonly revisions: number;
  readonly bytes: number;
}

export function effectiveBound({ revisions, bytes }: HistoryBound, quota: number): EffectiveBound {
  return {
    revisions: revisions ?? DEFAULT_HISTORY_REVISIONS,
    bytes: Math.min(
      bytes ?? Math.floor(quota / HISTORY_QUOTA_PART),
      Math.floor(quota / HISTORY_QUOTA_PART_MIN),
    ),
  };
}
