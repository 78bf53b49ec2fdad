/**
 * How many HTTP requests a listener answers in a time. A request costs a node as much as several writes, its page a hundred times that,
 * and whoever asks from hundreds of connections would have most of the node's time. What comes too fast waits for its turn.
 *
 * Invariants:
 *   REQUESTPACE-1. Addresses take turns, and requests from one address are answered in the order in which they came: so a stranger
 *       makes those wait who come from where he does.
 *   REQUESTPACE-2. Probes have a pace of their own: however many ask for pages, an orchestrator learns in time that a node lives.
 *   REQUESTPACE-3. Each byte that is sent counts once. What is known to be sent counts before the next request begins.
 *   REQUESTPACE-4. Requests whose connection has gone are not answered, and cost nothing.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Socket } from "node:net";

/** Requests without anything to send: some hundredths of a processor. */
const PER_SECOND = 400;
/** After a rest: a browser that loads a page, and all probes and scrapers at the same moment. */
const AT_ONCE = 200;
/** To send so many bytes is as much work as a request. */
const BYTES_FOR_ONE = 16 * 1024;
/** Those that wait are looked at so often. */
const WAIT_MS = 5;
const PROBES: ReadonlySet<string> = new Set(["/livez", "/readyz"]);

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
  const pages = new RequestPace(listener, clock);
  const probes = new RequestPace(listener, clock);
  return (...exchange) => (isProbe(exchange[0]) ? probes : pages).add(exchange);
}

function isProbe({ url = "" }: IncomingMessage): boolean {
  return PROBES.has(url.split("?", 1)[0] ?? "");
}

type Exchange = Parameters<RequestListener>;

class RequestPace {
  readonly #listener: RequestListener;
  readonly #clock: PaceClock;
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, Exchange[]>();
  /** What was counted of a socket's bytes. */
  readonly #counted = new WeakMap<Socket, number>();
  #left = AT_ONCE;
  #lookedMs: number;
  #isTimed = false;

  constructor(listener: RequestListener, clock: PaceClock) {
    this.#listener = listener;
    this.#clock = clock;
    this.#lookedMs = clock.now();
  }

  add(exchange: Exchange): void {
    const address = exchange[0].socket.remoteAddress ?? "";
    const others = this.#waiting.get(address);
    if (others === undefined) this.#waiting.set(address, [exchange]);
    else others.push(exchange);
    this.#goOn();
  }

  #goOn(): void {
    const nowMs = this.#clock.now();
    this.#left = Math.min(AT_ONCE, this.#left + ((nowMs - this.#lookedMs) * PER_SECOND) / 1000);
    this.#lookedMs = nowMs;
    // An address that has had its turn comes last: a map is walked through to what is put in meanwhile.
    for (const [address, exchanges] of this.#waiting) {
      if (this.#left <= 0) break;
      const exchange = exchanges.shift();
      this.#waiting.delete(address);
      if (exchanges.length > 0) this.#waiting.set(address, exchanges);
      if (exchange !== undefined) this.#begin(exchange);
    }
    if (this.#waiting.size === 0 || this.#isTimed) return;
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
    if (!this.#counted.has(socket)) this.#counted.set(socket, socket.bytesWritten);
    response.once("close", () => this.#count(socket));
    this.#listener(request, response);
    this.#count(socket);
  }

  #count(socket: Socket): void {
    const { bytesWritten } = socket;
    this.#left -= (bytesWritten - (this.#counted.get(socket) ?? 0)) / BYTES_FOR_ONE;
    this.#counted.set(socket, bytesWritten);
  }
}
