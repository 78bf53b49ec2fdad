/**
 * How many HTTP requests a listener answers in a time. A request costs a node as much as several writes, its page a hundred times that,
 * and whoever asks from hundreds of connections would have most of the node's time. What comes too fast waits for its turn.
 *
 * Invariants, beside those of AddressPace:
 *   REQUESTPACE-1. Probes have a pace of their own: however many ask for pages, an orchestrator learns in time that a node lives.
 *   REQUESTPACE-2. Each byte that is sent counts once. What is known to be sent counts before the next request begins.
 *   REQUESTPACE-3. Requests whose connection has gone are not answered, and cost nothing.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Socket } from "node:net";
import { AddressPace, NODE_CLOCK, type PaceClock } from "./address-pace.ts";

/** Requests without anything to send: some hundredths of a processor. */
const PER_SECOND = 400;
/** After a rest: a browser that loads a page, and all probes and scrapers at the same moment. */
const AT_ONCE = 200;
/** To send so many bytes is as much work as a request. */
const BYTES_FOR_ONE = 16 * 1024;
const PROBES: ReadonlySet<string> = new Set(["/livez", "/readyz"]);

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
  readonly #pace: AddressPace<Exchange>;
  /** What was counted of a socket's bytes. */
  readonly #counted = new WeakMap<Socket, number>();

  constructor(listener: RequestListener, clock: PaceClock) {
    this.#listener = listener;
    const bounds = { perSecond: PER_SECOND, atOnce: AT_ONCE };
    this.#pace = new AddressPace(bounds, (exchange) => this.#begin(exchange), clock);
  }

  add(exchange: Exchange): void {
    this.#pace.add(exchange[0].socket.remoteAddress ?? "", exchange);
  }

  #begin([request, response]: Exchange): number {
    const { socket } = request;
    if (socket.destroyed) return 0;
    if (!this.#counted.has(socket)) this.#counted.set(socket, socket.bytesWritten);
    response.once("close", () => this.#count(socket));
    this.#listener(request, response);
    this.#count(socket);
    return 1;
  }

  #count(socket: Socket): void {
    const { bytesWritten } = socket;
    this.#pace.spend((bytesWritten - (this.#counted.get(socket) ?? 0)) / BYTES_FOR_ONE);
    this.#counted.set(socket, bytesWritten);
  }
}
