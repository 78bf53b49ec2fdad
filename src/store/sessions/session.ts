import {
  type AnyBytes,
  assert,
  type ByteString,
  byteStringOf,
  bytesOf,
  EMPTY_BYTES,
  ERRORS,
  InvariantError,
  SESSION_WINDOW,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import { NO_COMMAND_HASH, STATUS, type Status } from "../entries/command.ts";

/** The answer to a command, kept for a repetition of it. */
export interface KeptAnswer {
  readonly status: Status;
  readonly revision: number;
  readonly actual: AnyBytes | undefined;
  /** Of the command that got it; NO_COMMAND_HASH: any repetition gets it. */
  readonly commandHash: number;
}

/** Values in kept answers of one session: one of any size always fits. Part of the format: all nodes must agree. */
const SESSION_ACTUAL_BYTES_MAX = VALUE_BYTES_MAX;
/** Answers with a value that one session may keep; for entries of version 1 the bytes alone are bounded. Part of the format. */
export const SESSION_VALUES_MAX = 256;

/**
 * What a kept answer takes: 12 bytes in the ring, which is at most twice as large as it needs to be. Part of the format,
 * as all nodes must expire the same sessions.
 */
const SLOT_BYTES = 24;
/** What a value takes beside its characters. Part of the format. */
const VALUE_OVERHEAD_BYTES = 96;
const RING_MIN = 8;
/**
 * Longer values are kept outside of the heap. A few small requests can have sessions keep all that they may (session-table), more
 * quickly than a node can notice that its heap gets short; and nobody reads them but for a repetition.
 */
const HEAP_VALUE_BYTES_MAX = 1024;

/** What is in a slot of the ring. In memory only; three bits. */
const KIND = {
  notAnswered: 0,
  ok: 1,
  notFound: 2,
  /** Nothing is aside: there was no such key when the revision is 0, else its value was empty. */
  casFailedBare: 3,
  /** Its value is aside. */
  casFailed: 4,
  casFailedLarge: 5,
  noSpace: 6,
  /** With a revision below zero: one of DENIED. */
  valueTooLarge: 7,
} as const;
/** Refusals for want of rights, which are few: kept as `valueTooLarge` with these instead of a revision. In memory only. */
const DENIED = new Map<Status, number>([
  [ERRORS.FORBIDDEN.wire, -1],
  [ERRORS.UNAUTHENTICATED.wire, -2],
]);
const STATUS_OF_DENIED = new Map([...DENIED].map(([status, mark]) => [mark, status]));
const KIND_BITS = 3;
const KIND_MASK = 7;
const STATUS_OF_KIND: readonly Status[] = [
  STATUS.ok,
  STATUS.ok,
  STATUS.notFound,
  STATUS.casFailed,
  STATUS.casFailed,
  STATUS.casFailedLarge,
  ERRORS.NO_SPACE.wire,
  ERRORS.VALUE_TOO_LARGE.wire,
];

// Sessions that keep nothing share these.
const NO_REVISIONS = new Float64Array(0);
const NO_MARKS = new Int32Array(0);

/**
 * One client's requests that were answered and may be repeated.
 *
 * Invariants:
 *   SESSION-1. floor never falls. Answers are kept for sequence numbers in [floor, top), and top <= floor + SESSION_WINDOW.
 *   SESSION-2. Slot sequence mod capacity has an answer's revision, its kind and the hash of its command; the capacity, a
 *       power of two, is at least top - floor, and after `settle` at most twice the least possible; the mark of a slot
 *       outside [floor, top) is 0.
 *   SESSION-3. actualBytes is the length of all values aside, at most SESSION_ACTUAL_BYTES_MAX.
 *   SESSION-4. What a session is taken to keep (`keptBytes`) follows from its floor and answers alone: a node that has them
 *       from a snapshot counts as one that has seen them come.
 */
export class Session {
  /** Secret: only the session's client is told. */
  readonly id: number;
  /** Stands for the session where peers and managers see it. */
  readonly tag: number;
  /** Opened by an entry of version 1: the 16 bytes by which its client asked for it. Else empty. */
  readonly nonce: ByteString;
  /** Sessions of an older generation belong to a clone too and are copied before they change. */
  readonly generation: number;
  /** Log index of the last entry that used it. */
  lastUsedIdx: number;
  #floor = 0;
  #top = 0;
  #revisions = NO_REVISIONS;
  /** Hash of the command, shifted, and KIND. */
  #marks = NO_MARKS;
  #aside: Map<number, AnyBytes> | null = null;
  #actualBytes = 0;

  constructor(id: number, tag: number, nonce: ByteString, generation: number, lastUsedIdx: number) {
    this.id = id;
    this.tag = tag;
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

  /** SESSION-4. It never had a request: it keeps no answer, and its client has reported none as seen. */
  get isFresh(): boolean {
    return this.#top === 0;
  }

  /** SESSION-4. */
  get keptBytes(): number {
    const span = this.#top - this.#floor;
    if (span === 0) return 0;
    const values = (this.#aside?.size ?? 0) * VALUE_OVERHEAD_BYTES + this.#actualBytes;
    return ringSize(span) * SLOT_BYTES + values;
  }

  /** The copy's ring is as small as its content allows. */
  copy(generation: number): Session {
    const copy = new Session(this.id, this.tag, this.nonce, generation, this.lastUsedIdx);
    copy.#floor = this.#floor;
    copy.#top = this.#top;
    copy.#revisions = this.#revisions;
    copy.#marks = this.#marks;
    copy.#resize(this.#top === this.#floor ? 0 : ringSize(this.#top - this.#floor));
    copy.#aside = this.#aside === null ? null : new Map(this.#aside);
    copy.#actualBytes = this.#actualBytes;
    return copy;
  }

  /** The client has seen answers to everything below `floor`. */
  raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    const marks = this.#marks;
    const end = Math.min(floor, this.#top);
    for (let sequence = this.#floor; sequence < end; sequence++) {
      const slot = sequence % marks.length;
      if (((marks[slot] ?? 0) & KIND_MASK) === KIND.casFailed) this.#dropAside(sequence);
      marks[slot] = 0;
    }
    this.#floor = floor;
    if (this.#top < floor) this.#top = floor;
  }

  isBeyondWindow(sequence: number): boolean {
    return sequence >= this.#floor + SESSION_WINDOW;
  }

  /** @param sequence not below the floor. @returns where its answer is kept; -1 when there is none */
  find(sequence: number): number {
    if (sequence >= this.#top) return -1;
    const slot = sequence % this.#marks.length;
    return this.#marks[slot] === 0 ? -1 : slot;
  }

  /** @param slot from `find`. @returns whether another command than this one got the answer that is kept there */
  isOfOther(slot: number, commandHash: number): boolean {
    const known = (this.#marks[slot] ?? 0) >>> KIND_BITS;
    return known !== NO_COMMAND_HASH && commandHash !== NO_COMMAND_HASH && known !== commandHash;
  }

  /** @param slot from `find` */
  statusAt(slot: number): Status {
    const kind = (this.#marks[slot] ?? 0) & KIND_MASK;
    const denied =
      kind === KIND.valueTooLarge ? STATUS_OF_DENIED.get(this.#revisions[slot] ?? 0) : undefined;
    return denied ?? STATUS_OF_KIND[kind] ?? STATUS.ok;
  }

  /** @param slot from `find` */
  revisionAt(slot: number): number {
    return Math.max(0, this.#revisions[slot] ?? 0);
  }

  /** @param slot from `find(sequence)` */
  actualAt(slot: number, sequence: number): AnyBytes | undefined {
    const kind = (this.#marks[slot] ?? 0) & KIND_MASK;
    if (kind === KIND.casFailedBare && this.revisionAt(slot) > 0) return EMPTY_BYTES;
    if (kind !== KIND.casFailed) return undefined;
    const actual = this.#aside?.get(sequence);
    assert(actual !== undefined, "a value marked as kept aside is there");
    return actual;
  }

  /** Whether a value of this length can be kept with an answer. */
  hasRoomFor(actualLength: number, valuesMax: number): boolean {
    return (
      this.#actualBytes + actualLength <= SESSION_ACTUAL_BYTES_MAX &&
      (this.#aside?.size ?? 0) < valuesMax
    );
  }

  /**
   * For a sequence number inside the window that has no answer yet.
   * @param actual bytes become the session's
   */
  keep(
    sequence: number,
    status: Status,
    revision: number,
    actual: AnyBytes | undefined,
    commandHash: number,
  ): void {
    assert(sequence >= this.#floor && !this.isBeyondWindow(sequence), "answers stay in the window");
    const needed = sequence + 1 - this.#floor;
    if (needed > this.#marks.length) this.#resize(ringSize(needed));
    if (sequence >= this.#top) this.#top = sequence + 1;
    const slot = sequence % this.#marks.length;
    const kind = status === STATUS.ok ? KIND.ok : kindOf(status, actual);
    this.#revisions[slot] =
      kind === KIND.valueTooLarge ? (DENIED.get(status) ?? revision) : revision;
    this.#marks[slot] = (commandHash << KIND_BITS) | kind;
    if (kind !== KIND.casFailed || actual === undefined) return;
    this.#aside ??= new Map();
    this.#aside.set(sequence, placed(actual));
    this.#actualBytes += actual.length;
  }

  /** To be called when another session is used: a ring that has grown in a burst shrinks again (SESSION-2). */
  settle(): void {
    const needed = ringSize(this.#top - this.#floor);
    if (this.#marks.length > 2 * needed) this.#resize(needed);
  }

  /** Visits the kept answers in order of sequence numbers. */
  forEachAnswer(visit: (sequence: number, answer: KeptAnswer) => void): void {
    for (let sequence = this.#floor; sequence < this.#top; sequence++) {
      const slot = this.find(sequence);
      if (slot < 0) continue;
      visit(sequence, {
        status: this.statusAt(slot),
        revision: this.revisionAt(slot),
        actual: this.actualAt(slot, sequence),
        commandHash: (this.#marks[slot] ?? 0) >>> KIND_BITS,
      });
    }
  }

  #dropAside(sequence: number): void {
    this.#actualBytes -= this.#aside?.get(sequence)?.length ?? 0;
    this.#aside?.delete(sequence);
  }

  #resize(capacity: number): void {
    const [oldRevisions, oldMarks] = [this.#revisions, this.#marks];
    this.#revisions = capacity === 0 ? NO_REVISIONS : new Float64Array(capacity);
    this.#marks = capacity === 0 ? NO_MARKS : new Int32Array(capacity);
    // A floor may have been raised far beyond what was answered: then there is nothing to move, and nowhere to move it from.
    if (oldMarks.length === 0) return;
    for (let sequence = this.#floor; sequence < this.#top; sequence++) {
      const from = sequence % oldMarks.length;
      const to = sequence % capacity;
      this.#revisions[to] = oldRevisions[from] ?? 0;
      this.#marks[to] = oldMarks[from] ?? 0;
    }
  }
}

/** Whether answers with this status are kept at all. */
export function isKeptStatus(status: Status): boolean {
  return STATUS_OF_KIND.includes(status) || DENIED.has(status);
}

/** In the form in which it takes least. */
function placed(actual: AnyBytes): AnyBytes {
  if (actual.length > HEAP_VALUE_BYTES_MAX) {
    return typeof actual === "string" ? bytesOf(actual) : actual;
  }
  return typeof actual === "string" ? actual : byteStringOf(actual);
}

function kindOf(status: Status, actual: AnyBytes | undefined): number {
  switch (status) {
    case STATUS.notFound:
      return KIND.notFound;
    case STATUS.casFailed:
      return actual === undefined || actual.length === 0 ? KIND.casFailedBare : KIND.casFailed;
    case STATUS.casFailedLarge:
      return KIND.casFailedLarge;
    case ERRORS.NO_SPACE.wire:
      return KIND.noSpace;
    case ERRORS.VALUE_TOO_LARGE.wire:
    case ERRORS.FORBIDDEN.wire:
    case ERRORS.UNAUTHENTICATED.wire:
      return KIND.valueTooLarge;
    default:
      throw new InvariantError(`an answer with status ${status} is not kept`);
  }
}

function ringSize(needed: number): number {
  let size = RING_MIN;
  while (size < needed) size *= 2;
  return size;
}
