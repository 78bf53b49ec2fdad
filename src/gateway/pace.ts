/**
 * How much of the node's time those may have who move much, while others are at work.
 *
 * A value of a megabyte is some milliseconds of every server that it passes, with nothing in between for anybody else.
 * Shares of a turn do not help against that: turns are as long as what is in them, and the next one begins at once. So
 * whoever moves much pauses, for a multiple of the time that it took: how fast the machine is does not matter then.
 *
 * Invariants:
 *   G1. After large answers that took a turn d ms, none are given for ANSWER_PAUSES * d, for all connections together.
 *   G2. A connection's large piece of writes that was d ms under way is followed by another one HAUL_PAUSES * d later.
 *   G3. Neither holds while nobody else is at work: neither a connection of this node that moves little, nor (as far as
 *       its entries show) a client of another node.
 *   G4. No pause is longer than PAUSE_MS_MAX, however slow the disk or the machine.
 */
import type { Clock } from "../ports/clock.ts";

/** From here on an answer, or a piece of writes, is a large one. */
export const LARGE_BYTES = 64 * 1024;
const ANSWER_PAUSES = 4;
const HAUL_PAUSES = 2;
const PAUSE_MS_MAX = 200;
/** So long somebody counts as at work after the last sign of it, and as one who moves much. */
const AT_WORK_MS = 200;
const MOVES_MUCH_MS = 1000;

export class Pace {
  readonly #clock: Clock;
  readonly #othersEntries: () => number;
  #turnMs = 0;
  #answersFromMs = 0;
  /** Seen, and looked at; the clock is read only when somebody moves much. */
  #modestSigns = 0;
  #signsSeen = 0;
  #atWorkMs = -Infinity;

  /** @param othersEntries of the log, that other nodes made; only grows */
  constructor(clock: Clock, othersEntries: () => number) {
    this.#clock = clock;
    this.#othersEntries = othersEntries;
  }

  beginTurn(): void {
    this.#turnMs = this.#clock.now();
  }

  /** A connection that moves little wants something. */
  modest(): void {
    this.#modestSigns += 1;
  }

  /** A large answer left. */
  answered(): void {
    const nowMs = this.#clock.now();
    const pauseMs = Math.min(PAUSE_MS_MAX, ANSWER_PAUSES * (nowMs - this.#turnMs));
    this.#answersFromMs = this.#othersAreAtWork(nowMs) ? nowMs + pauseMs : 0;
  }

  /** G1: whether a large answer may be given now. */
  get mayAnswer(): boolean {
    return this.#answersFromMs === 0 || this.#clock.now() >= this.#answersFromMs;
  }

  /** What one connection moves. */
  newHaul(): Haul {
    return new Haul(
      () => this.#clock.now(),
      (nowMs) => this.#othersAreAtWork(nowMs),
    );
  }

  /** G3. */
  #othersAreAtWork(nowMs: number): boolean {
    const signs = this.#modestSigns + this.#othersEntries();
    if (signs !== this.#signsSeen) {
      this.#signsSeen = signs;
      this.#atWorkMs = nowMs;
    }
    return nowMs - this.#atWorkMs < AT_WORK_MS;
  }
}

/** One connection's large pieces of writes, and whether it moves much at all. */
export class Haul {
  readonly #now: () => number;
  readonly #othersAreAtWork: (nowMs: number) => boolean;
  /** The first of the pieces that are under way was taken; null: none is. */
  #sinceMs: number | null = null;
  #nextMs = 0;
  #movedMs = -Infinity;

  constructor(now: () => number, othersAreAtWork: (nowMs: number) => boolean) {
    this.#now = now;
    this.#othersAreAtWork = othersAreAtWork;
  }

  /** In either direction. */
  get movesMuch(): boolean {
    return this.#movedMs !== -Infinity && this.#now() - this.#movedMs < MOVES_MUCH_MS;
  }

  moved(): void {
    this.#movedMs = this.#now();
  }

  /** A large piece of writes is taken. */
  begins(): void {
    this.moved();
    this.#sinceMs ??= this.#movedMs;
  }

  /**
   * G2: whether another large piece may be taken.
   * @param bytes of this connection's writes that are under way
   */
  mayGoOn(bytes: number): boolean {
    if (this.#sinceMs === null && this.#nextMs === 0) return true;
    const nowMs = this.#now();
    const isPaced = this.#othersAreAtWork(nowMs);
    if (this.#sinceMs !== null) {
      if (bytes >= LARGE_BYTES) return !isPaced;
      const pauseMs = Math.min(PAUSE_MS_MAX, HAUL_PAUSES * (nowMs - this.#sinceMs));
      this.#sinceMs = null;
      this.#nextMs = nowMs + pauseMs;
    }
    if (isPaced && nowMs < this.#nextMs) return false;
    this.#nextMs = 0;
    return true;
  }
}
