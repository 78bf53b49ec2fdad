/**
 * The numbers of this client's writes within its session.
 *
 * Invariants:
 *   NUMBERS-1. A number is given to one write and never again, in any session: a late answer cannot be taken for another's.
 *   NUMBERS-2. floor <= every number without an answer < floor + SESSION_WINDOW.
 *   NUMBERS-3. A request without an answer is in the slot of its number, counted round the slots, of which there are more than numbers
 *       from floor to next.
 */
import { SESSION_NONCE_BYTES, SESSION_WINDOW } from "../../base/index.ts";
import type { WriteRequest } from "./request.ts";

/** Slots at first; they double. */
const SLOTS_MIN = 16;

export class ClientSession {
  readonly #randomBytes: (length: number) => Uint8Array;
  #slots: (WriteRequest | null)[] = emptySlots(SLOTS_MIN);
  #id: number | null = null;
  #nonce: Uint8Array;
  #next = 1;
  #floor = 1;
  /** A write has been refused a number since the floor moved last. */
  #isAwaited = false;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
    this.#nonce = randomBytes(SESSION_NONCE_BYTES);
  }

  /** Null: to be opened. */
  get id(): number | null {
    return this.#id;
  }

  /**
   * Names the session to be opened. Each request with it that gets into the log opens a session. The first one that this client
   * is told of is its session; the others expire unused.
   */
  get nonce(): Uint8Array {
    return this.#nonce;
  }

  /** Numbers below it are answered or given up. */
  get floor(): number {
    while (this.#floor < this.#next && this.#at(this.#floor) === null) this.#floor += 1;
    return this.#floor;
  }

  /**
   * A later answer, from another node or to another attempt, names a session that the client does not need.
   * @param nonce of the request; that of an earlier session is ignored
   */
  opened(nonce: Uint8Array, id: number): void {
    if (nonce.every((byte, i) => byte === this.#nonce[i])) this.#id ??= id;
  }

  /** The session is gone. The next one goes on with the numbers of this one. */
  expired(): void {
    this.#id = null;
    this.#nonce = this.#randomBytes(SESSION_NONCE_BYTES);
  }

  /** Numbers the write unless it has a number. The session is open. @returns false when the window is full */
  admit(request: WriteRequest): boolean {
    if (request.number !== 0) return true;
    if (this.#id === null) return false;
    if (this.#next >= this.floor + SESSION_WINDOW) {
      this.#isAwaited = true;
      return false;
    }
    request.number = this.#next++;
    request.session = this.#id;
    while (request.number - this.#floor >= this.#slots.length) this.#widen();
    this.#slots[this.#slotOf(request.number)] = request;
    return true;
  }

  /** A number for a write that needs no answer. */
  takeNumber(): number {
    return this.#next++;
  }

  /** The write that has this number within this session. */
  get(session: number, number: number): WriteRequest | undefined {
    const request = this.#at(number);
    return request?.session === session ? request : undefined;
  }

  /**
   * Answered or given up: it is never sent again, or under another number.
   * @returns true: there is room for writes that were refused a number
   */
  release(request: WriteRequest): boolean {
    const { number } = request;
    if (this.#at(number) !== request) return false;
    this.#slots[this.#slotOf(number)] = null;
    request.number = 0;
    // When the refusal was made the floor was a number without an answer.
    if (!this.#isAwaited || number !== this.#floor) return false;
    this.#isAwaited = false;
    return true;
  }

  /** The unanswered writes now, by number. */
  unanswered(): readonly WriteRequest[] {
    const requests: WriteRequest[] = [];
    for (let number = this.floor; number < this.#next; number++) {
      const request = this.#at(number);
      if (request !== null) requests.push(request);
    }
    return requests;
  }

  #at(number: number): WriteRequest | null {
    const request = this.#slots[this.#slotOf(number)];
    return request?.number === number ? request : null;
  }

  #slotOf(number: number): number {
    return number % this.#slots.length;
  }

  #widen(): void {
    const requests = this.unanswered();
    this.#slots = emptySlots(2 * this.#slots.length);
    for (const request of requests) this.#slots[this.#slotOf(request.number)] = request;
  }
}

function emptySlots(length: number): (WriteRequest | null)[] {
  return Array.from({ length }, () => null);
}
