/** The disk of a node that exists in memory only: whole write groups become durable one after the other, when told so. */
import { assert, unreachable } from "../../base/index.ts";
import {
  BALLOT_BOTTOM,
  compareBallots,
  type DurableState,
  type Write,
  type WriteGroup,
} from "../../omnipaxos/index.ts";

const EMPTY = {
  promise: BALLOT_BOTTOM,
  acceptedRound: BALLOT_BOTTOM,
  decidedIdx: 0,
  compactedIdx: 0,
  entries: [],
  snapshot: null,
  stopSign: null,
};

export class MemoryDisk<T, S> {
  #state: DurableState<T, S>;
  /** A node that finds nothing starts as one that has never run. */
  #used: boolean;
  #staged: WriteGroup<T, S>[] = [];

  constructor(found: DurableState<T, S> | undefined) {
    this.#state = found ?? EMPTY;
    this.#used = found !== undefined;
  }

  get state(): DurableState<T, S> {
    return this.#state;
  }

  /** What a start finds. */
  get found(): DurableState<T, S> | undefined {
    return this.#used ? this.#state : undefined;
  }

  get staged(): readonly WriteGroup<T, S>[] {
    return this.#staged;
  }

  stage(groups: readonly WriteGroup<T, S>[]): void {
    for (const group of groups) this.#staged.push(group);
  }

  /**
   * The oldest staged group becomes durable.
   * @returns its number; null when nothing is staged
   * @throws InvariantError when it does not fit what is there
   */
  sync(): number | null {
    const group = this.#staged.shift();
    if (group === undefined) return null;
    for (const write of group.writes) this.#state = afterWrite(this.#state, write);
    this.#used = true;
    const { decidedIdx } = this.#state;
    assert(decidedIdx <= acceptedOn(this.#state), `on disk: decided ${decidedIdx} beyond the log`);
    return group.seq;
  }
}

/** The length of the log on a disk; the stop-sign counts. */
export function acceptedOn<T, S>(state: DurableState<T, S>): number {
  return state.compactedIdx + state.entries.length + (state.stopSign === null ? 0 : 1);
}

function afterWrite<T, S>(state: DurableState<T, S>, write: Write<T, S>): DurableState<T, S> {
  const { compactedIdx, entries } = state;
  switch (write.kind) {
    case "promise":
      assert(compareBallots(write.promise, state.promise) >= 0, "on disk: a promise goes back");
      return { ...state, promise: write.promise };
    case "acceptedRound":
      return { ...state, acceptedRound: write.acceptedRound };
    case "append": {
      const keep = write.fromIdx - compactedIdx;
      assert(keep >= 0 && keep <= entries.length, `on disk: no place for ${write.fromIdx}`);
      return { ...state, entries: [...entries.slice(0, keep), ...write.entries] };
    }
    case "decided":
      assert(write.decidedIdx >= state.decidedIdx, "on disk: the decided index goes back");
      return { ...state, decidedIdx: write.decidedIdx };
    case "stopSign":
      return { ...state, stopSign: write.stopSign };
    case "compact": {
      const { idx, snapshot } = write;
      assert(idx >= compactedIdx, "on disk: the compacted index goes back");
      const rest = entries.slice(idx - compactedIdx);
      const decidedIdx = Math.max(state.decidedIdx, snapshot?.idx ?? 0);
      const kept = snapshot ?? state.snapshot;
      return { ...state, entries: rest, compactedIdx: idx, decidedIdx, snapshot: kept };
    }
    default:
      return unreachable(write, "write");
  }
}
