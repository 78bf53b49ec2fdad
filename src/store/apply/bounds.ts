/** How much the state may cost and how much history it keeps: as it was set, and what follows from that (KvState, STATE-6 and STATE-9). */
import {
  effectiveBound,
  type EffectiveBound,
  type HistoryBound,
} from "../history/history-bound.ts";
import type { ClusterSettings } from "../snapshots/cluster-settings.ts";
import { DEFAULT_QUOTA_BYTES } from "../history/state-size.ts";

export class Bounds {
  #set: ClusterSettings;
  #effective: EffectiveBound;

  constructor(set: ClusterSettings) {
    this.#set = set;
    this.#effective = effectiveBound(set.historyBound, this.quotaBytes);
  }

  /** As it was set; null for each bound that nobody has set. */
  get set(): ClusterSettings {
    return this.#set;
  }

  get quotaBytes(): number {
    return this.#set.quotaBytes ?? DEFAULT_QUOTA_BYTES;
  }

  /** The bound of the history that is in force. */
  get effective(): EffectiveBound {
    return this.#effective;
  }

  setQuota(quotaBytes: number): void {
    this.#change({ ...this.#set, quotaBytes });
  }

  /** Of each 0: the default. */
  setHistory(revisions: number, bytes: number): void {
    const historyBound: HistoryBound = { revisions: revisions || null, bytes: bytes || null };
    this.#change({ ...this.#set, historyBound });
  }

  #change(set: ClusterSettings): void {
    this.#set = set;
    this.#effective = effectiveBound(set.historyBound, this.quotaBytes);
  }
}
