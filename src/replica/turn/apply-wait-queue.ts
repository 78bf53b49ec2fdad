/** Reads that know which index they wait for, in order of that index. */
import type { ReadsPlace } from "../../protocol/client/index.ts";
import type { Route } from "../requests/route.ts";
import type { ReadStages } from "../requests/slow-reads.ts";

/** One client frame of reads. */
export interface ArrivedRead {
  readonly route: Route;
  /** As the client sent it; the keys are read when it is answered. */
  readonly frame: Uint8Array;
  readonly arrivedTick: number;
}

/** The same while it waits; it is answered as a whole. */
export interface PendingRead extends ArrivedRead {
  /** Linearizable frames learn an index first; local ones wait for one the client has seen elsewhere. */
  readonly local: boolean;
  /** Keys asked for. */
  readonly count: number;
  /** Of a frame that is half answered: where the rest begins. */
  readonly from?: ReadsPlace;
  /** A local read is answered from no state before this revision. 0, or none: from any. */
  readonly atLeast?: number;
  /** A local read has waited in vain for this index: this node is finding out whether the index exists at all. */
  readonly doubtedIdx?: number;
  /** Of the rest of a frame that is half answered: when it had what it waited for. */
  readonly stages?: ReadStages;
}

/** @param decoded what its frame says */
export function pendingRead(
  { route, frame, arrivedTick }: ArrivedRead,
  { local, count, atLeast }: Required<Pick<PendingRead, "local" | "count" | "atLeast">>,
): PendingRead {
  return { route, frame, arrivedTick, local, count, atLeast };
}

interface Waiting {
  readonly idx: number;
  readonly reads: readonly PendingRead[];
  readonly sinceTick: number;
}

export class ApplyWaitQueue {
  /** Ascending by idx. */
  #waiting: Waiting[] = [];
  #count = 0;

  /** Keys asked for. */
  get count(): number {
    return this.#count;
  }

  add(idx: number, reads: readonly PendingRead[], tick: number): void {
    const waiting: Waiting = { idx, reads, sinceTick: tick };
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.idx ?? 0) > idx) at -= 1;
    this.#waiting.splice(at, 0, waiting);
    for (const { count } of reads) this.#count += count;
  }

  /**
   * Takes out what may be answered from a state that has applied [0, appliedIdx), in order, one at least.
   * @param answer returns whether the next one may be taken too; gets the tick since which the read has waited here
   * @returns whether something is left that may be answered
   */
  takeReady(
    appliedIdx: number,
    answer: (read: PendingRead, sinceTick: number) => boolean,
  ): boolean {
    let taken = 0;
    let goesOn = true;
    let rest: Waiting | null = null;
    for (const waiting of this.#waiting) {
      if (waiting.idx > appliedIdx || !goesOn) break;
      let answered = 0;
      for (const read of waiting.reads) {
        if (!goesOn) break;
        this.#count -= read.count;
        answered += 1;
        goesOn = answer(read, waiting.sinceTick);
      }
      taken += 1;
      if (answered < waiting.reads.length) {
        rest = { ...waiting, reads: waiting.reads.slice(answered) };
      }
    }
    if (taken > 0) this.#waiting.splice(0, taken);
    if (rest !== null) this.#waiting.unshift(rest);
    return this.isReady(appliedIdx);
  }

  /** Whether something may be answered from a state that has applied [0, appliedIdx). */
  isReady(appliedIdx: number): boolean {
    return (this.#waiting[0]?.idx ?? Infinity) <= appliedIdx;
  }

  /** Takes out what fulfils `predicate`. */
  remove(predicate: (read: PendingRead, sinceTick: number, idx: number) => boolean): PendingRead[] {
    return this.removeWithIdx(predicate).map(({ read }) => read);
  }

  /** The same, with the index that each has waited for. */
  removeWithIdx(
    predicate: (read: PendingRead, sinceTick: number, idx: number) => boolean,
  ): { readonly read: PendingRead; readonly idx: number }[] {
    const removed: { readonly read: PendingRead; readonly idx: number }[] = [];
    this.#waiting = this.#waiting.flatMap((waiting) => {
      const reads = waiting.reads.filter((read) => {
        if (!predicate(read, waiting.sinceTick, waiting.idx)) return true;
        removed.push({ read, idx: waiting.idx });
        this.#count -= read.count;
        return false;
      });
      return reads.length > 0 ? [{ ...waiting, reads }] : [];
    });
    return removed;
  }
}
