/** The Network port over the browser's web sockets: it dials, it cannot listen. */
import { hostPort } from "../../base/index.ts";
import type {
  Address,
  Channel,
  Clock,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Listener,
  Network,
} from "../../machine/ports/index.ts";

const CLOSE_NORMAL = 1000;
const CLOSE_ABNORMAL = 1006;
/** A close frame has room for 123 bytes; our reasons are ASCII. */
const REASON_LENGTH_MAX = 40;

export class BrowserNetwork implements Network {
  readonly #clock: Clock;
  readonly #isTls: boolean;

  /** @param isTls the page came over TLS: the browser lets it connect in no other way */
  constructor(clock: Clock, isTls = false) {
    this.#clock = clock;
    this.#isTls = isTls;
  }

  dial(address: Address, channel: Channel, handlers: DialHandlers): Connection {
    const scheme = this.#isTls ? "wss" : "ws";
    const url = `${scheme}://${hostPort(address)}/${channel}`;
    return new BrowserConnection(url, handlers, this.#clock);
  }

  listen(
    _address: Address,
    _channels: readonly Channel[],
    _accept: (connection: Connection, channel: Channel) => ConnectionHandlers,
    ready: (result: Listener | Error) => void,
  ): void {
    this.#clock.endOfTurn(() => ready(new Error("a page cannot listen")));
  }
}

/**
 * Invariants:
 *   BROWSER-1. Handlers are never called from within a call of this object, nor after onClose, which comes exactly once.
 */
class BrowserConnection implements Connection {
  readonly remote: string;
  readonly #ws: WebSocket;
  readonly #handlers: DialHandlers;
  readonly #clock: Clock;
  #over = false;
  #opened = false;
  #reason: string | null = null;

  constructor(url: string, handlers: DialHandlers, clock: Clock) {
    this.remote = url;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#ws = new WebSocket(url);
    this.#ws.binaryType = "arraybuffer";
    this.#ws.addEventListener("open", () => {
      this.#opened = true;
      if (!this.#over && this.#reason === null) this.#handlers.onOpen();
    });
    this.#ws.addEventListener("message", ({ data }: { readonly data: unknown }) =>
      this.#onData(data),
    );
    this.#ws.addEventListener("close", ({ code, reason }) => {
      this.#end(reason === "" ? this.#causeOf(code) : reason);
    });
  }

  send(frame: Uint8Array): void {
    if (this.#reason !== null || this.#ws.readyState !== WebSocket.OPEN) return;
    // No frame of ours lies in shared memory, which the browser would refuse.
    this.#ws.send(frame as Uint8Array<ArrayBuffer>);
  }

  bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** The browser does not tell a page what it knows. */
  security(): null {
    return null;
  }

  /** Browsers do not say. */
  unfinishedBytes(): number {
    return 0;
  }

  /** The page has chosen the node that it dials. */
  admit(): void {}

  estrange(): void {}

  /** A page cannot hold back a web socket. */
  pause(): void {}

  resume(): void {}

  close(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#shut(reason.replaceAll(/[^ -~]/g, "?").slice(0, REASON_LENGTH_MAX));
  }

  /** The browser cannot abort a socket: it is closed, and nothing is awaited. */
  destroy(): void {
    this.#reason ??= "ended here";
    this.#shut("");
    this.#clock.endOfTurn(() => this.#end("ended here"));
  }

  /** Of a socket that is closed before it is open browsers complain in their console, as if something had failed. */
  #shut(reason: string): void {
    const shut = (): void => this.#ws.close(CLOSE_NORMAL, reason);
    if (this.#ws.readyState === WebSocket.CONNECTING) this.#ws.addEventListener("open", shut);
    else shut();
  }

  /** Browsers do not tell why it ended: only whether it ever was open. */
  #causeOf(code: number): string {
    if (!this.#opened) return "nothing answers there";
    return code === CLOSE_ABNORMAL ? "the connection broke off" : `the connection ended (${code})`;
  }

  #onData(data: unknown): void {
    if (this.#over || this.#reason !== null) return;
    if (data instanceof ArrayBuffer) this.#handlers.onFrame(new Uint8Array(data));
    else this.close("binary frames only");
  }

  #end(theirs: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers.onClose(this.#reason ?? theirs);
  }
}
