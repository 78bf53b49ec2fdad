import { BALLOT_BOTTOM } from "../../../src/omnipaxos/index.ts";
import type { DurableState, Write, WriteGroup } from "../../../src/omnipaxos/index.ts";

type Mutable<M> = { -readonly [K in keyof M]: M[K] };

/** A disk that keeps whole write groups: a crash loses those that were staged but not yet durable. */
export class SimDisk<T, S> {
  #state: Mutable<DurableState<T, S>> = {
    promise: BALLOT_BOTTOM,
    acceptedRound: BALLOT_BOTTOM,
    decidedIdx: 0,
    compactedIdx: 0,
    entries: [],
    snapshot: null,
    stopSign: null,
  };
  #staged: WriteGroup<T, S>[] = [];
  /** What was on the disk before each group; kept once it is asked for. */
  history: DurableState<T, S>[] | null = null;
  /** Some group is durable: the next start finds something. */
  used = false;

  constructor(initial?: Partial<DurableState<T, S>>) {
    if (initial === undefined) return;
    this.#state = { ...this.#state, ...initial };
    this.used = true;
  }

  get stagedCount(): number {
    return this.#staged.length;
  }

  get state(): DurableState<T, S> {
    return { ...this.#state, entries: this.#state.entries.slice() };
  }

  stage(groups: readonly WriteGroup<T, S>[]): void {
    for (const group of groups) this.#staged.push(group);
  }

  /** Makes the oldest `count` staged groups durable; answers the last one's number, 0 when there is none. */
  sync(count = Infinity): number {
    let seq = 0;
    for (let i = 0; i < count; i += 1) {
      const group = this.#staged.shift();
      if (group === undefined) break;
      this.history?.push(this.state);
      for (const write of group.writes) this.#apply(write);
      seq = group.seq;
      this.used = true;
      this.#check();
    }
    return seq;
  }

  /** As if the decided index had been written at once, and something on the very first start. */
  writeDecided(decidedIdx: number): void {
    this.#state.decidedIdx = decidedIdx;
    this.used = true;
  }

  crash(): void {
    this.#staged = [];
  }

  /** Another disk, with nothing on it. */
  empty(): void {
    this.#state = new SimDisk<T, S>().#state;
    this.used = false;
  }

  /** The disk as it was before the last `groups` of them: an old copy put back. */
  goBack(groups: number): void {
    const { history } = this;
    if (history === null || history.length === 0) return;
    const at = Math.max(0, history.length - groups);
    this.#state = { ...history[at]! };
    history.length = at;
  }

  #apply(write: Write<T, S>): void {
    const state = this.#state;
    switch (write.kind) {
      case "promise":
        state.promise = write.promise;
        break;
      case "acceptedRound":
        state.acceptedRound = write.acceptedRound;
        break;
      case "append": {
        const keep = write.fromIdx - state.compactedIdx;
        if (keep < 0 || keep > state.entries.length) {
          throw new Error(`append at ${write.fromIdx} leaves a hole or lies below the log`);
        }
        state.entries = [...state.entries.slice(0, keep), ...write.entries];
        break;
      }
      case "decided":
        if (write.decidedIdx < state.decidedIdx) throw new Error("decided index went backwards");
        state.decidedIdx = write.decidedIdx;
        break;
      case "stopSign":
        state.stopSign = write.stopSign;
        break;
      case "compact": {
        const { idx, snapshot } = write;
        if (idx < state.compactedIdx) throw new Error("compacted index went backwards");
        state.entries = state.entries.slice(idx - state.compactedIdx);
        state.compactedIdx = idx;
        if (snapshot !== null) state.snapshot = snapshot;
        break;
      }
    }
  }

  /** Invariant STORE-1 on the disk itself, after every group. */
  #check(): void {
    const { decidedIdx, compactedIdx, entries, stopSign } = this.#state;
    const acceptedIdx = compactedIdx + entries.length + (stopSign === null ? 0 : 1);
    if (decidedIdx > acceptedIdx) {
      throw new Error(`on disk: decided ${decidedIdx} > accepted ${acceptedIdx}`);
    }
  }
}
