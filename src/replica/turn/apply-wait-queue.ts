/** Reads that know which index they wait for, in order of that index. */
import { assert, popHeap, pushHeap } from "../../base/index.ts";
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

/** Where a read waits, or is listed while it does. */
export interface WaitingRoom {
  /** One of those here is gone. */
  left(): void;
}

/** The place of a read that waits. It is left once, for good: a read that goes on to wait elsewhere gets another one. */
export class WaitingPlace {
  #read: PendingRead | null;
  readonly #lists: readonly WaitingRoom[];
  /** Null: it has been called out of the room that it was in. */
  room: WaitingRoom | null = null;

  /** @param lists told when it is left, as the room is */
  constructor(read: PendingRead, lists: readonly WaitingRoom[] = []) {
    this.#read = read;
    this.#lists = lists;
  }

  get isGone(): boolean {
    return this.#read === null;
  }

  /** Null once it is gone: the place may be remembered for a while, and must not keep the frame. */
  get read(): PendingRead | null {
    return this.#read;
  }

  /** @returns the read that was here */
  leave(): PendingRead {
    const read = this.#read;
    assert(read !== null, "a place is left once");
    this.#read = null;
    this.room?.left();
    for (const list of this.#lists) list.left();
    return read;
  }
}

/** Reads that came together, and wait for the same index. */
export interface WaitingGroup {
  readonly idx: number;
  readonly sinceTick: number;
  /** None once all have been called. */
  readonly places: readonly WaitingPlace[];
}

interface Group extends WaitingGroup {
  /** Groups for the same index stay in the order in which they came. */
  readonly order: number;
  places: readonly WaitingPlace[];
  /** Those before it have been called. */
  next: number;
}

/** To come and to be called costs the logarithm of how many groups wait. */
export class ApplyWaitQueue implements WaitingRoom {
  /** The first to be called is the first. */
  #heap: Group[] = [];
  #order = 0;
  /** Places that were not called, those that are gone included. */
  #places = 0;
  #gone = 0;

  add(idx: number, places: readonly WaitingPlace[], tick: number): WaitingGroup {
    for (const place of places) place.room = this;
    this.#places += places.length;
    this.#order += 1;
    const group: Group = { idx, order: this.#order, sinceTick: tick, places, next: 0 };
    pushHeap(this.#heap, group, isBefore);
    return group;
  }

  /** See Crowd. */
  left(): void {
    this.#gone += 1;
    if (2 * this.#gone <= this.#places) return;
    this.#places -= this.#gone;
    this.#gone = 0;
    for (const group of this.#heap) {
      group.places = group.places.slice(group.next).filter(({ isGone }) => !isGone);
      group.next = 0;
    }
    // An ascending list is a heap, too.
    this.#heap = this.#heap
      .filter(({ places }) => places.length > 0)
      .sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /**
   * Calls those that may be answered from a state that has applied [0, appliedIdx), in order, one at least.
   * @param answer returns whether the next one may be called too; gets the tick since which the read has waited here
   * @returns whether one is left that may be answered
   */
  takeReady(
    appliedIdx: number,
    answer: (place: WaitingPlace, sinceTick: number) => boolean,
  ): boolean {
    for (let goesOn = true; goesOn && this.isReady(appliedIdx);) {
      const group = this.#heap[0];
      const place = group?.places[group.next];
      if (group === undefined || place === undefined) break;
      group.next += 1;
      this.#places -= 1;
      place.room = null;
      goesOn = answer(place, group.sinceTick);
    }
    return this.isReady(appliedIdx);
  }

  /** Whether one may be answered from a state that has applied [0, appliedIdx). */
  isReady(appliedIdx: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.idx > appliedIdx) return false;
      for (; first.next < first.places.length; first.next += 1) {
        if (first.places[first.next]?.isGone === false) return true;
        this.#places -= 1;
        this.#gone -= 1;
      }
      first.places = [];
      popHeap(this.#heap, isBefore);
    }
  }

  /** Those that fulfil `predicate`; they stay. Looks at all. */
  find(predicate: (read: PendingRead, idx: number) => boolean): readonly WaitingPlace[] {
    return this.#heap.flatMap(({ idx, places, next }) =>
      places.slice(next).filter(({ read }) => read !== null && predicate(read, idx)),
    );
  }
}

function isBefore(a: Group, b: Group): boolean {
  return a.idx === b.idx ? a.order < b.order : a.idx < b.idx;
}
