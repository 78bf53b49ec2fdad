/**
 * When a snapshot is due and how much log to keep below it.
 *
 * A snapshot is due after `entriesMax` entries, which bounds the time of a restart even for short ones. Before that it is due
 * when the log applied since the last one outweighs a fixed minimum and a fraction of the state: so
 * the bytes written for snapshots stay within a constant factor of the bytes written for the log, and the log (and with
 * it the memory and the restart time) stays within a constant factor of the state.
 *
 * The history turns over completely while keys do not, so each snapshot has to write it anew. So it counts for more: else a node
 * that overwrites a few keys would spend as much on versions in snapshots as on the writes themselves.
 */
export interface CompactionPolicy {
  /** No snapshot is due before so many bytes of log, unless `entriesMax` says so. */
  readonly logBytesMin: number;
  /** A snapshot is due after so many entries, however short they are. */
  readonly entriesMax: number;
  /** A snapshot is due when log bytes exceed this share of the last snapshot's bytes too. */
  readonly stateShare: number;
  /** The same, of the history in it. */
  readonly historyShare: number;
  /** Entries kept below the snapshot, so that a follower a little behind needs no snapshot. */
  readonly retainedEntries: number;
  readonly retainedBytes: number;
  /** And below what a peer is fetching: beyond that the peer begins again. */
  readonly fetchedBytes: number;
}

export const DEFAULT_COMPACTION: CompactionPolicy = {
  logBytesMin: 16 * 1024 * 1024,
  entriesMax: 200_000,
  stateShare: 0.5,
  historyShare: 2,
  retainedEntries: 10_000,
  retainedBytes: 4 * 1024 * 1024,
  fetchedBytes: 128 * 1024 * 1024,
};

/**
 * Bytes of log after which the next snapshot is due.
 * @param stateBytes size of the last one
 * @param historyBytes what the history in it is taken to cost; 0 also when that is not known
 */
export function dueLogBytes(
  { logBytesMin, stateShare, historyShare }: CompactionPolicy,
  stateBytes: number,
  historyBytes: number,
): number {
  const history = Math.min(historyBytes, stateBytes);
  return Math.max(logBytesMin, (stateBytes - history) * stateShare + history * historyShare);
}

export class CompactionSchedule {
  readonly #policy: CompactionPolicy;
  #bytesSince = 0;
  #entriesSince = 0;
  #stateBytes: number;
  /** Of these, what the history is taken to cost. */
  #historyBytes = 0;
  #underWay = false;
  /** Of the snapshot under way, at most: each byte of log adds one byte to the state, give or take. */
  #sizeMax = 0;

  /** @param stateBytes size of the snapshot on which this node begins; 0: none */
  constructor(policy: CompactionPolicy, stateBytes: number) {
    this.#policy = policy;
    this.#stateBytes = stateBytes;
  }

  applied(entryBytes: number): void {
    this.#bytesSince += entryBytes;
    this.#entriesSince += 1;
  }

  get isDue(): boolean {
    if (this.#underWay) return false;
    return this.#bytesSince >= this.#dueBytes || this.#entriesSince >= this.#policy.entriesMax;
  }

  /** Of log. */
  get #dueBytes(): number {
    return dueLogBytes(this.#policy, this.#stateBytes, this.#historyBytes);
  }

  /** @param historyBytes what the history in the snapshot is taken to cost */
  begin(historyBytes: number): void {
    this.#underWay = true;
    this.#historyBytes = historyBytes;
    this.#sizeMax = this.#stateBytes + this.#bytesSince;
    this.#bytesSince = 0;
    this.#entriesSince = 0;
  }

  /**
   * Whether the snapshot under way has to go faster: it should be done when the log has grown to half of what makes the next one
   * due. Else, under load, the log outgrows its bound, and with it the time that a restart takes.
   */
  isLate(writtenBytes: number): boolean {
    return writtenBytes * this.#dueBytes < 2 * this.#bytesSince * this.#sizeMax;
  }

  /** A peer's snapshot of this size has taken the place of the state. */
  installed(stateBytes: number): void {
    this.#stateBytes = stateBytes;
    this.#historyBytes = 0;
    this.#bytesSince = 0;
    this.#entriesSince = 0;
  }

  /** @param stateBytes size of the snapshot; null when it failed: the next one is due as if it had succeeded */
  end(stateBytes: number | null): void {
    this.#underWay = false;
    if (stateBytes !== null) this.#stateBytes = stateBytes;
  }

  /**
   * Where to cut the log once the snapshot at snapshotIdx is durable.
   * @param fetchedIdx from where on a peer will need the log
   * @param entryBytes size of the entry at an index
   */
  cut(
    snapshotIdx: number,
    compactedIdx: number,
    fetchedIdx: number | null,
    entryBytes: (idx: number) => number,
  ): number {
    const { retainedEntries, retainedBytes, fetchedBytes } = this.#policy;
    const lowest = Math.max(compactedIdx, snapshotIdx - retainedEntries);
    const fetched = Math.max(compactedIdx, fetchedIdx ?? snapshotIdx);
    let bytes = 0;
    let cut = snapshotIdx;
    for (let idx = snapshotIdx; idx > Math.min(lowest, fetched); idx -= 1) {
      bytes += entryBytes(idx - 1);
      if (bytes > fetchedBytes && bytes > retainedBytes) return cut;
      if (idx > lowest && bytes <= retainedBytes) cut = idx - 1;
    }
    return Math.min(cut, fetched);
  }
}
