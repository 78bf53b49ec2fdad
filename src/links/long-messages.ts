/**
 * Sends long messages to a peer a few slices at a time. Other messages leave in the pauses and overtake the long one. The receiver
 * of a late AcceptSync or Promise must cope with that, as with any loss.
 *
 * Invariants:
 *   CHUNK-1. At any time at most one message is under way and one waits. A message with the key of the one under way is refused;
 *       any other takes the place of the one that waits.
 *   CHUNK-2. No more than ROOM_SLICES slices are on the connection at any time, so that short messages get through soon.
 */
import type { CancelTimer, Clock } from "../machine/ports/index.ts";
import type { LongMessage } from "../protocol/peer/index.ts";

/** A few milliseconds' work. Under overload a round of the event loop takes a tenth of a second, and this must be enough then. */
const SLICES_PER_ROUND = 8;
const PAUSE_MS = 2;
const ROOM_SLICES = 16;

interface LongMessagesOptions {
  readonly clock: Clock;
  readonly sliceBytes: number;
  /** Bytes that wait on the connection. */
  readonly bufferedBytes: () => number;
  readonly send: (slice: Uint8Array, last: boolean) => void;
}

interface UnderWay {
  readonly key: string;
  readonly pieces: Iterator<Uint8Array>;
  /** What is left of the piece that was begun; empty before the first. */
  rest: Uint8Array;
}

export class LongMessages {
  readonly #options: LongMessagesOptions;
  #underWay: UnderWay | null = null;
  #waiting: LongMessage | null = null;
  #cancel: CancelTimer = () => {};

  constructor(options: LongMessagesOptions) {
    this.#options = options;
  }

  /** @returns false when it is not taken: see CHUNK-1 */
  add(message: LongMessage): boolean {
    if (this.#underWay?.key === message.key) return false;
    this.#waiting = message;
    if (this.#underWay === null) this.#beginWaiting();
    return true;
  }

  stop(): void {
    this.#cancel();
    this.#underWay = null;
    this.#waiting = null;
  }

  #beginWaiting(): void {
    const message = this.#waiting;
    this.#waiting = null;
    this.#underWay =
      message === null
        ? null
        : { key: message.key, pieces: message.pieces(), rest: new Uint8Array(0) };
    if (message !== null) this.#later(0);
  }

  #later(ms: number): void {
    this.#cancel = this.#options.clock.after(ms, () => this.#goOn());
  }

  #goOn(): void {
    const { sliceBytes, bufferedBytes, send } = this.#options;
    for (let slices = 0; slices < SLICES_PER_ROUND; slices++) {
      const message = this.#underWay;
      if (message === null) return;
      if (bufferedBytes() >= ROOM_SLICES * sliceBytes) break;
      const slice = fill(message, sliceBytes);
      const last = message.rest.length === 0;
      send(slice, last);
      if (last) return this.#beginWaiting();
    }
    this.#later(PAUSE_MS);
  }
}

/** Afterwards `rest` is empty only when nothing of the message is left. */
function fill(message: UnderWay, sliceBytes: number): Uint8Array {
  const slice = Buffer.allocUnsafe(sliceBytes);
  let used = 0;
  for (;;) {
    const part = message.rest.subarray(0, sliceBytes - used);
    slice.set(part, used);
    used += part.length;
    message.rest = message.rest.subarray(part.length);
    if (message.rest.length > 0) return slice;
    do {
      const next = message.pieces.next();
      if (next.done === true) return slice.subarray(0, used);
      message.rest = next.value;
    } while (message.rest.length === 0);
    if (used === sliceBytes) return slice;
  }
}
