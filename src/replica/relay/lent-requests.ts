/**
 * The requests of one client of this node that a neighbour serves, until it answers them.
 *
 * A request counts by its numbers: writes by session and sequence, reads by the client's number. This class may confuse two of a
 * client's frames with the same number: at worst one frame is handed over once more than need be, or once less.
 *
 * Invariant LENT-1: an answer, or a frame that comes back, costs no more when there are many others, in whatever order they come.
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
import { hashOfArray } from "../../base/index.ts";

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
  readonly numbers: readonly number[];
  /** Of the frame. */
  readonly hash: number;
  /** How many of its requests have no answer. */
  left: number;
}

export class LentRequests {
  readonly #onSettled: (lent: Lent) => void;
  /** Oldest first. */
  readonly #open = new Set<Open>();
  /** LENT-1: by session and number, and by their hashes; of equal ones the oldest first. */
  readonly #byNumber = new Map<number | null, Map<number, Open[]>>();
  readonly #byHash = new Map<number, Open[]>();
  /** The last time that this neighbour got a frame while it had none, or answered one. */
  #heardTick = 0;

  /** @param onSettled told of each request once, when it is answered or taken out */
  constructor(onSettled: (lent: Lent) => void) {
    this.#onSettled = onSettled;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  add(lent: Lent, frame: Uint8Array, sinceTick: number, tick: number): void {
    if (this.isEmpty) this.#heardTick = tick;
    const hash = hashOfArray(frame);
    const open: Open = { lent, frame, hash, sinceTick, ...numbersOf(lent) };
    this.#open.add(open);
    put(this.#byHash, hash, open);
    const byNumber = this.#byNumber.get(open.session) ?? new Map<number, Open[]>();
    this.#byNumber.set(open.session, byNumber);
    for (const number of open.numbers) put(byNumber, number, open);
  }

  /** @throws DecodeError when this is no frame of answers; what could be read of it counts */
  answered(answers: Uint8Array, tick: number): void {
    this.#heardTick = tick;
    decodeAnswers(answers, this.#counter);
  }

  /** The frame came back as it was. @returns false when it is not open any more */
  takeOut(frame: Uint8Array): boolean {
    const alike = this.#byHash.get(hashOfArray(frame)) ?? [];
    const open = alike.find((each) => Buffer.compare(each.frame, frame) === 0);
    if (open === undefined) return false;
    this.#settle(open);
    return true;
  }

  /** @returns all that is open, taken out */
  drain(): readonly Lent[] {
    const all = Array.from(this.#open, ({ lent }) => lent);
    this.#open.clear();
    this.#byNumber.clear();
    this.#byHash.clear();
    for (const lent of all) this.#onSettled(lent);
    return all;
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
    const [open] = this.#byNumber.get(session)?.get(number) ?? [];
    if (open === undefined) return;
    open.left -= count;
    if (open.left <= 0) this.#settle(open);
  }

  #settle(open: Open): void {
    this.#open.delete(open);
    drop(this.#byHash, open.hash, open);
    const byNumber = this.#byNumber.get(open.session);
    if (byNumber !== undefined) {
      for (const number of open.numbers) drop(byNumber, number, open);
      if (byNumber.size === 0) this.#byNumber.delete(open.session);
    }
    this.#onSettled(open.lent);
  }
}

function put(lists: Map<number, Open[]>, at: number, open: Open): void {
  const list = lists.get(at);
  if (list === undefined) lists.set(at, [open]);
  else list.push(open);
}

function drop(lists: Map<number, Open[]>, at: number, open: Open): void {
  const list = lists.get(at);
  if (list === undefined) return;
  const place = list.indexOf(open);
  if (place >= 0) list.splice(place, 1);
  if (list.length === 0) lists.delete(at);
}

function numbersOf(lent: Lent): Pick<Open, "session" | "numbers" | "left"> {
  const numbers: number[] = [];
  const add = (number: number): void => void numbers.push(number);
  if (lent.kind === "reads") {
    forEachReadNumber(lent.read.frame, add);
    return { session: null, numbers, left: numbers.length };
  }
  const cursor = new CommandCursor();
  cursor.resetToGroup(lent.group.group);
  while (cursor.next()) add(cursor.sequence);
  return { session: cursor.session, numbers, left: numbers.length };
}
