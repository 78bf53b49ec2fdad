/** A web socket as a Connection of the Network port. Used for both sides. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";

/** A close frame has room for 123 bytes of UTF-8. */
const REASON_BYTES_MAX = 120;
/** A write to a socket costs about as much as copying so many bytes a few times over. */
const LARGE_BYTES = 1024;
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;

/** Cuts at a character, not within one. */
export function truncateReason(reason: string, bytesMax = REASON_BYTES_MAX): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= bytesMax) return reason;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/**
 * Invariants:
 *   C1. Handlers are never called from within a call of this object, nor after onClose.
 *   C2. Small frames sent in one go leave in one write: the socket is corked until the stack has unwound. A large one
 *       leaves at once, with those before it: the other side works on it while this one goes on.
 *   C3. A connection that has not answered `missesMax` pings in a row, and said nothing else either, is destroyed.
 */
export class WsConnection implements Connection {
  readonly remote: string;
  readonly #ws: WebSocket;
  #stream: Duplex | null;
  #handlers: ConnectionHandlers | null = null;
  #state: "open" | "closing" | "closed" = "open";
  #corked = false;
  #misses = 0;
  #reason: string | null = null;
  readonly #onGone: (connection: WsConnection) => void;

  /** @param onGone called when the connection has ended, before its handlers are told */
  constructor(
    ws: WebSocket,
    stream: Duplex | null,
    remote: string,
    onGone: (connection: WsConnection) => void,
  ) {
    this.#ws = ws;
    this.#stream = stream;
    this.remote = remote;
    this.#onGone = onGone;
    ws.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    ws.on("pong", () => {
      this.#misses = 0;
    });
    ws.on("ping", () => {
      this.#misses = 0;
    });
    // An error is always followed by "close", which ends the connection with this reason.
    ws.on("error", (error) => {
      this.#reason ??= error.message;
    });
    ws.on("close", (code, reason) => this.#onClose(code, reason.toString("utf8")));
  }

  setHandlers(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  /** For a dialed connection, whose stream exists only later. */
  setStream(stream: Duplex): void {
    this.#stream = stream;
  }

  send(frame: Uint8Array): void {
    if (this.#state !== "open" || this.#ws.readyState !== this.#ws.OPEN) return;
    const large = frame.length >= LARGE_BYTES;
    if (!large) this.#cork();
    this.#ws.send(frame, { binary: true, compress: false });
    if (large && this.#corked) this.#uncork();
  }

  bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  close(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#reason ??= reason;
    this.#ws.close(CLOSE_NORMAL, truncateReason(reason));
  }

  destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#reason ??= "ended here";
    this.#ws.terminate();
  }

  /** Called at regular intervals; see C3. A paused process counts one miss at most, for its timers do not catch up. */
  checkAlive(missesMax: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#misses >= missesMax) {
      this.#reason ??= `no answer to ${this.#misses} pings`;
      this.#state = "closing";
      this.#ws.terminate();
      return;
    }
    this.#misses += 1;
    this.#ws.ping();
  }

  #cork(): void {
    const stream = this.#stream;
    if (this.#corked || stream === null) return;
    this.#corked = true;
    stream.cork();
    process.nextTick(() => this.#uncork());
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#stream?.uncork();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#misses = 0;
    if (this.#state !== "open") return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.#state = "closing";
      this.#reason ??= "text frame";
      this.#ws.close(CLOSE_UNSUPPORTED_DATA, "binary frames only");
      return;
    }
    this.#handlers?.onFrame(data);
  }

  #onClose(code: number, reason: string): void {
    this.#state = "closed";
    this.#onGone(this);
    const theirs = reason === "" ? `connection ended (${code})` : reason;
    this.#handlers?.onClose(this.#reason ?? theirs);
  }
}
