import type { DurableState } from "../omnipaxos/index.ts";
import { advance, type LogScalars, type LogWrite } from "./log-scalars.ts";
import type { SnapshotName } from "../protocol/messages/index.ts";

/** The writes contradict each other: they cannot all have been made by one node. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/**
 * Adds up writes from some point of the log on.
 *
 * Invariant: `#entries` are those at [#firstIdx, end); what lies in [compactedIdx, #firstIdx) was written before that
 * point and is not known here.
 */
export class Replay {
  #scalars: LogScalars;
  #entries: Uint8Array[] = [];
  #firstIdx: number;

  constructor(start: LogScalars) {
    this.#scalars = start;
    this.#firstIdx = start.endIdx;
  }

  get scalars(): LogScalars {
    return this.#scalars;
  }

  /** @throws ReplayError */
  apply(write: LogWrite): void {
    const { endIdx, compactedIdx } = this.#scalars;
    if (write.kind === "append") {
      const { fromIdx, entries } = write;
      if (fromIdx > endIdx || fromIdx < compactedIdx) {
        throw new ReplayError(
          `entries at ${fromIdx} do not fit a log of [${compactedIdx}, ${endIdx})`,
        );
      }
      if (fromIdx < this.#firstIdx) {
        this.#firstIdx = fromIdx;
        this.#entries = [];
      } else {
        this.#entries.length = fromIdx - this.#firstIdx;
      }
      for (const entry of entries) this.#entries.push(entry);
    } else if (write.kind === "compact") {
      if (write.idx < compactedIdx) {
        throw new ReplayError(`compacted to ${write.idx} after ${compactedIdx}`);
      }
      if (write.idx > this.#firstIdx) {
        this.#entries = this.#entries.slice(write.idx - this.#firstIdx);
        this.#firstIdx = write.idx;
      }
    }
    this.#scalars = advance(this.#scalars, write);
  }

  /** @throws ReplayError when entries from before the starting point are needed */
  result(): DurableState<Uint8Array, SnapshotName> {
    const { promise, acceptedRound, decidedIdx, compactedIdx, snapshot, stopSign } = this.#scalars;
    if (this.#firstIdx > compactedIdx) {
      throw new ReplayError(`entries in [${compactedIdx}, ${this.#firstIdx}) are missing`);
    }
    return {
      promise,
      acceptedRound,
      decidedIdx,
      compactedIdx,
      entries: this.#entries,
      snapshot: snapshot === null ? null : { kind: "complete", idx: snapshot.idx, value: snapshot },
      stopSign,
    };
  }
}
