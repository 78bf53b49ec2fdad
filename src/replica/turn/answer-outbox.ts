/**
 * Where answers to clients leave: the answers and refusals of a turn go out at its end, a frame for each client.
 *
 * Invariant: nothing leaves over a closed route, even where code still holds it. The frame might reach the client that came
 * after the one it was meant for.
 */
import type { ErrorCode } from "../../base/index.ts";
import { answerReads, refuseReads, type ReadableState } from "./answer-reads.ts";
import type { PendingRead } from "./apply-wait-queue.ts";
import { Refused } from "../requests/refused.ts";
import type { Route } from "../requests/route.ts";

/**
 * Bytes of values in one turn for all clients together; the value that exceeds it is the last. A client may ask in 4 MiB for
 * thousands of times as much, and a megabyte takes some milliseconds.
 */
const TURN_BYTES_MAX = 1024 * 1024;
const NOTHING_READ = { count: 0, rest: null, work: 0 };

const NONE: readonly Answer[] = [];

/** A frame of answers for a client of this node. */
export interface Answer {
  readonly route: Route;
  readonly frame: Uint8Array;
}

export class AnswerOutbox {
  readonly refused: Refused;
  #turnBytes = 0;
  /** Clients with answers that have not left, and such as are gone since; `hasAnswers` of their load is set once they are here. */
  readonly #dirty: Route[] = [];
  /** What leaves with this turn. */
  #outgoing: Answer[] = [];

  /** @param refused where refusals are counted */
  constructor(refused: Refused = new Refused()) {
    this.refused = refused;
  }

  /** This client has an answer waiting in its writer. */
  markDirty(route: Route): void {
    if (route.load.hasAnswers) return;
    route.load.hasAnswers = true;
    this.#dirty.push(route);
  }

  /** The client is gone. */
  forget({ load }: Route): void {
    load.hasAnswers = false;
  }

  /** This turn has read enough: the remaining reads wait for the next one. */
  get isFull(): boolean {
    return this.#turnBytes > TURN_BYTES_MAX;
  }

  /**
   * @param workMax on this frame now; the key that reaches it is the last
   * @returns the number of keys that were read, what is left for later, and how much work it was
   */
  answerRead(
    read: PendingRead,
    state: ReadableState,
    workMax: number,
  ): { readonly count: number; readonly rest: PendingRead | null; readonly work: number } {
    if (!read.route.isOpen()) return NOTHING_READ;
    const { answers } = read.route;
    this.markDirty(read.route);
    const othersBytes = this.#turnBytes - answers.work;
    const workBefore = answers.work;
    const bytesMax = Math.min(workBefore + workMax, TURN_BYTES_MAX - othersBytes);
    const isRoom = (): boolean => answers.work <= bytesMax;
    const unwrittenBefore = workBefore - answers.bytes;
    const { count, rest } = answerReads(answers, read.frame, state, isRoom, read.from);
    read.route.load.workBytes += answers.work - answers.bytes - unwrittenBefore;
    this.#turnBytes = othersBytes + answers.work;
    return {
      count,
      rest: rest === null ? null : { ...read, from: rest, count: rest.left },
      work: answers.work - workBefore,
    };
  }

  /** @param state the state read for this route, where the reason tells of it */
  refuseRead(
    { route, frame, from }: PendingRead,
    code: ErrorCode,
    reason: string,
    state?: ReadableState,
  ): void {
    if (!route.isOpen()) return;
    refuseReads(route.answers, frame, code, reason, state, from);
    this.refused.add("read", code);
    this.markDirty(route);
  }

  /**
   * REPLICA-3: a group that may have been proposed gets no answer; its client's time-out tells the client as much as this node knows.
   * @param maybeProposed it was handed to the core, here or elsewhere
   */
  refuseGroup(
    route: Route,
    group: Uint8Array,
    maybeProposed: boolean,
    code: ErrorCode,
    reason: string,
  ): void {
    if (maybeProposed) return;
    if (!route.isOpen()) return;
    route.answers.refuseGroup(group, code, reason);
    this.refused.add("write", code);
    this.markDirty(route);
  }

  /** Answers that were put together elsewhere. */
  pass(route: Route, frame: Uint8Array): void {
    if (route.relayed) route.deliver(frame);
    else this.#outgoing.push({ route, frame });
  }

  /**
   * The turn ends. @returns what it has for clients of this node
   * @param appliedIdx at least what the answers tell of
   */
  drain(appliedIdx: number): readonly Answer[] {
    for (const route of this.#dirty) {
      if (!route.load.hasAnswers) continue;
      route.load.hasAnswers = false;
      route.answers.drain(appliedIdx, (frame) => this.pass(route, frame));
    }
    this.#dirty.length = 0;
    this.#turnBytes = 0;
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return NONE;
    this.#outgoing = [];
    return outgoing;
  }
}
