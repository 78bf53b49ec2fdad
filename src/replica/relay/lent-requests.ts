/**
 * The requests of one client of this node that a neighbour serves, until it answers them.
 *
 * A request counts by its numbers: writes by session and sequence, reads by the client's number. This class may confuse two of a
 * client's frames whose numbers overlap: at worst one frame is handed over once more than need be, or once less.
 */
import { CommandCursor } from "../../store/commands/index.ts";
import {
  type AnswerHandler,
  decodeAnswers,
  forEachReadNumber,
} from "../../protocol/client/index.ts";
import type { PendingRead } from "../turn/apply-wait-queue.ts";
import type { StagedGroup } from "../writes/proposals.ts";
import type { Route } from "../requests/route.ts";

/** A request that was handed to a neighbour. */
export type Lent =
  | { readonly kind: "writes"; readonly group: StagedGroup<Route> }
  | { readonly kind: "reads"; readonly read: PendingRead };

interface Open {
  readonly lent: Lent;
  /** As it was sent. */
  readonly frame: Uint8Array;
  /** When its client sent it. */
  readonly sinceTick: number;
  /** Null: reads. */
  readonly session: number | null;
  /** The least and the greatest of its numbers. */
  readonly first: number;
  readonly last: number;
  /** How many of its requests have no answer. */
  left: number;
}

export class LentRequests {
  readonly #onSettled: (lent: Lent) => void;
  #open: Open[] = [];
  /** The last time that this neighbour got a frame while it had none, or answered one. */
  #heardTick = 0;

  /** @param onSettled told of each request once, when it is answered or taken out */
  constructor(onSettled: (lent: Lent) => void) {
    this.#onSettled = onSettled;
  }

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  add(lent: Lent, frame: Uint8Array, sinceTick: number, tick: number): void {
    if (this.isEmpty) this.#heardTick = tick;
    this.#open.push({ lent, frame, sinceTick, ...numbersOf(lent) });
  }

  /** @throws DecodeError when this is no frame of answers; what could be read of it counts */
  answered(answers: Uint8Array, tick: number): void {
    this.#heardTick = tick;
    decodeAnswers(answers, this.#counter);
  }

  /** The frame came back as it was. @returns false when it is not open any more */
  takeOut(frame: Uint8Array): boolean {
    const at = this.#open.findIndex((open) => Buffer.compare(open.frame, frame) === 0);
    if (at === -1) return false;
    this.#settle(at);
    return true;
  }

  /** @returns all that is open, taken out */
  drain(): readonly Lent[] {
    const all = this.#open;
    this.#open = [];
    for (const { lent } of all) this.#onSettled(lent);
    return all.map(({ lent }) => lent);
  }

  /**
   * Whether it is time to ask another neighbour: this one answered nothing for so long, or a client has waited since before
   * `oldestTick`, and its frame may have been lost among others.
   */
  isOverdue(silentSinceTick: number, oldestTick: number): boolean {
    const [oldest] = this.#open;
    if (oldest === undefined) return false;
    return this.#heardTick < silentSinceTick || oldest.sinceTick < oldestTick;
  }

  readonly #counter: AnswerHandler = {
    appliedIdx: () => {},
    write: (session, sequence) => this.#count(session, sequence, 1),
    txn: (session, sequence) => this.#count(session, sequence, 1),
    opened: (sequence) => this.#count(0, sequence, 1),
    refused: (session, first, count) => this.#count(session, first, count),
    value: (request) => this.#count(null, request, 1),
    missing: (request) => this.#count(null, request, 1),
    page: (request) => this.#count(null, request, 1),
    versions: (request) => this.#count(null, request, 1),
    leases: (request) => this.#count(null, request, 1),
    compacted: (request) => this.#count(null, request, 1),
    unread: (request) => this.#count(null, request, 1),
  };

  #count(session: number | null, number: number, count: number): void {
    const at = this.#open.findIndex(
      (open) => open.session === session && open.first <= number && number <= open.last,
    );
    const open = this.#open[at];
    if (open === undefined) return;
    open.left -= count;
    if (open.left <= 0) this.#settle(at);
  }

  #settle(at: number): void {
    const [open] = this.#open.splice(at, 1);
    if (open !== undefined) this.#onSettled(open.lent);
  }
}

function numbersOf(lent: Lent): Pick<Open, "session" | "first" | "last" | "left"> {
  let first = Infinity;
  let last = -1;
  let left = 0;
  const add = (number: number): void => {
    first = Math.min(first, number);
    last = Math.max(last, number);
    left += 1;
  };
  if (lent.kind === "reads") {
    forEachReadNumber(lent.read.frame, add);
    return { session: null, first, last, left };
  }
  const cursor = new CommandCursor();
  cursor.resetToGroup(lent.group.group);
  while (cursor.next()) add(cursor.sequence);
  return { session: cursor.session, first, last, left };
}
