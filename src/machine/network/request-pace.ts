/**
 * How many HTTP requests a listener answers in a time. A request costs a node as much as several writes, its page a hundred times that,
 * and whoever asks from hundreds of connections would have most of the node's time. What comes too fast waits for its turn.
 *
 * Invariants:
 *   REQUESTPACE-1. Requests are answered in the order in which they came. As a connection has a few unanswered ones at most
 *       (pipelined-requests), one among many connections waits for about one answer to each of them.
 *   REQUESTPACE-2. Those whose connection has gone are not answered, and cost nothing.
 */
import type { RequestListener } from "node:http";

/** Requests without anything to send: some hundredths of a processor. */
const PER_SECOND = 400;
/** After a rest: a browser that loads a page, and all probes and scrapers at the same moment. */
const AT_ONCE = 200;
/** To send so many bytes is as much work as a request. */
const BYTES_FOR_ONE = 16 * 1024;
/** Those that wait are looked at so often. */
const WAIT_MS = 5;

export interface PaceClock {
  /** Milliseconds, monotonic. */
  now(): number;
  after(ms: number, callback: () => void): void;
}

const NODE_CLOCK: PaceClock = {
  now: () => performance.now(),
  after: (ms, callback) => void setTimeout(callback, ms).unref(),
};

/** @returns a listener that passes requests on as fast as is allowed */
export function paced(listener: RequestListener, clock = NODE_CLOCK): RequestListener {
  const pace = new RequestPace(listener, clock);
  return (...exchange) => pace.add(exchange);
}

type Exchange = Parameters<RequestListener>;

class RequestPace {
  readonly #listener: RequestListener;
  readonly #clock: PaceClock;
  readonly #waiting: Exchange[] = [];
  #left = AT_ONCE;
  #lookedMs: number;
  #isTimed = false;

  constructor(listener: RequestListener, clock: PaceClock) {
    this.#listener = listener;
    this.#clock = clock;
    this.#lookedMs = clock.now();
  }

  add(exchange: Exchange): void {
    this.#waiting.push(exchange);
    this.#goOn();
  }

  #goOn(): void {
    const nowMs = this.#clock.now();
    this.#left = Math.min(AT_ONCE, this.#left + ((nowMs - this.#lookedMs) * PER_SECOND) / 1000);
    this.#lookedMs = nowMs;
    let begun = 0;
    for (const exchange of this.#waiting) {
      if (this.#left <= 0) break;
      begun += 1;
      this.#begin(exchange);
    }
    this.#waiting.splice(0, begun);
    if (this.#waiting.length === 0 || this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(WAIT_MS, () => {
      this.#isTimed = false;
      this.#goOn();
    });
  }

  #begin([request, response]: Exchange): void {
    const { socket } = request;
    if (socket.destroyed) return;
    this.#left -= 1;
    const sent = socket.bytesWritten;
    response.once("close", () => (this.#left -= (socket.bytesWritten - sent) / BYTES_FOR_ONE));
    this.#listener(request, response);
  }
}
