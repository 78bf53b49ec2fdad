import { assert } from "../base/assert.ts";
import { SESSION_WINDOW, VALUE_BYTES_MAX } from "../base/limits.ts";
import type { ByteString } from "./byte-string.ts";
import { STATUS, type Status } from "./command.ts";

/** The answer to a command, kept for a repetition of it. */
export interface KeptAnswer {
  readonly status: Status;
  readonly revision: number;
  readonly actual: ByteString | undefined;
}

/** Values in kept answers of one session: one of any size always fits. Part of the format: all nodes must agree. */
export const SESSION_ACTUAL_BYTES_MAX = VALUE_BYTES_MAX;

const RING_MIN = 8;
const NOT_ANSWERED = 0;
/** In the ring: the answer is in the side table. */
const ASIDE = -1;

/**
 * One client's requests that were answered and may be repeated.
 *
 * Invariants:
 *   K1. floor never falls. Answers are kept for sequence numbers in [floor, top), and top <= floor + SESSION_WINDOW.
 *   K2. ring[sequence mod capacity] is the revision of an answer "ok" (which is positive, and the usual case), ASIDE or
 *       NOT_ANSWERED; the capacity, a power of two, is at least top - floor; slots outside [floor, top) are NOT_ANSWERED.
 *   K3. actualBytes is the length of all values in the side table, at most SESSION_ACTUAL_BYTES_MAX.
 */
export class Session {
  readonly id: number;
  /** The 16 bytes by which its client asked for it. */
  readonly nonce: ByteString;
  /** Sessions of an older generation belong to a clone too and are copied before they change. */
  readonly generation: number;
  /** Log index of the last entry that used it. */
  lastUsedIdx: number;
  #floor = 0;
  #top = 0;
  #ring = new Float64Array(RING_MIN);
  #aside: Map<number, KeptAnswer> | null = null;
  #actualBytes = 0;

  constructor(id: number, nonce: ByteString, generation: number, lastUsedIdx: number) {
    this.id = id;
    this.nonce = nonce;
    this.generation = generation;
    this.lastUsedIdx = lastUsedIdx;
  }

  get floor(): number {
    return this.#floor;
  }

  get actualBytes(): number {
    return this.#actualBytes;
  }

  /** The copy's ring is as small as its content allows: that is how one grown in a burst shrinks again. */
  copy(generation: number): Session {
    const copy = new Session(this.id, this.nonce, generation, this.lastUsedIdx);
    copy.#floor = this.#floor;
    copy.#top = this.#top;
    copy.#ring = this.#resized(ringSize(this.#top - this.#floor));
    copy.#aside = this.#aside === null ? null : new Map(this.#aside);
    copy.#actualBytes = this.#actualBytes;
    return copy;
  }

  /** The client has seen answers to everything below `floor`. */
  raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    const ring = this.#ring;
    const end = Math.min(floor, this.#top);
    for (let sequence = this.#floor; sequence < end; sequence++) {
      const slot = sequence % ring.length;
      if (ring[slot] === ASIDE) this.#dropAside(sequence);
      ring[slot] = NOT_ANSWERED;
    }
    this.#floor = floor;
    if (this.#top < floor) this.#top = floor;
  }

  isBeyondWindow(sequence: number): boolean {
    return sequence >= this.#floor + SESSION_WINDOW;
  }

  /** @returns the revision of an answer "ok", 0 when there is no answer, -1 when `keptAside` has it */
  answered(sequence: number): number {
    if (sequence >= this.#top) return NOT_ANSWERED;
    return this.#ring[sequence % this.#ring.length] ?? NOT_ANSWERED;
  }

  keptAside(sequence: number): KeptAnswer {
    const kept = this.#aside?.get(sequence);
    assert(kept !== undefined, "an answer marked as kept aside is there");
    return kept;
  }

  /** @param actualRoom bytes left for values in all sessions. @returns whether a value of this length can be kept */
  hasRoomFor(actualLength: number, actualRoom: number): boolean {
    return (
      actualLength <= actualRoom && this.#actualBytes + actualLength <= SESSION_ACTUAL_BYTES_MAX
    );
  }

  /** For a sequence number inside the window that has no answer yet. */
  keep(sequence: number, status: Status, revision: number, actual: ByteString | undefined): void {
    assert(sequence >= this.#floor && !this.isBeyondWindow(sequence), "answers stay in the window");
    const needed = sequence + 1 - this.#floor;
    if (needed > this.#ring.length) this.#ring = this.#resized(ringSize(needed));
    if (sequence >= this.#top) this.#top = sequence + 1;
    const slot = sequence % this.#ring.length;
    if (status === STATUS.ok && revision > 0) {
      this.#ring[slot] = revision;
      return;
    }
    this.#ring[slot] = ASIDE;
    this.#aside ??= new Map();
    this.#aside.set(sequence, { status, revision, actual });
    this.#actualBytes += actual?.length ?? 0;
  }

  /** Visits the kept answers in order of sequence numbers. */
  forEachAnswer(visit: (sequence: number, answer: KeptAnswer) => void): void {
    for (let sequence = this.#floor; sequence < this.#top; sequence++) {
      const revision = this.answered(sequence);
      if (revision === NOT_ANSWERED) continue;
      visit(
        sequence,
        revision === ASIDE
          ? this.keptAside(sequence)
          : { status: STATUS.ok, revision, actual: undefined },
      );
    }
  }

  #dropAside(sequence: number): void {
    this.#actualBytes -= this.keptAside(sequence).actual?.length ?? 0;
    this.#aside?.delete(sequence);
  }

  #resized(capacity: number): Float64Array<ArrayBuffer> {
    const ring = new Float64Array(capacity);
    for (let sequence = this.#floor; sequence < this.#top; sequence++) {
      ring[sequence % capacity] = this.#ring[sequence % this.#ring.length] ?? NOT_ANSWERED;
    }
    return ring;
  }
}

function ringSize(needed: number): number {
  let size = RING_MIN;
  while (size < needed) size *= 2;
  return size;
}
