/** A web socket as a Connection of the Network port. Used for both sides. */
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { HANDSHAKE_BYTES_MAX, tlsTroubleOf } from "../../base/index.ts";
import type { Connection, ConnectionHandlers, WireSecurity } from "../ports/index.ts";
import { truncateReason } from "./close-reason.ts";
import { securityOf } from "../tls/index.ts";

/** A write to a socket costs about as much as copying so many bytes a few times over. */
const LARGE_BYTES = 1024;
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;
const CLOSE_TOO_BIG = 1009;
/** Between two checks. Ours are one a check, and a browser has none. */
const PINGS_MAX = 100;
/** Between two checks, besides the answers to our pings: some browsers now and then send a pong without a ping. */
const SPARE_PONGS_MAX = 8;
/** Pings that have no answer yet: no more answers than these are still to come. */
const PINGS_DUE_MAX = 100;
/** Checks in a row in which a connection that we do not read took none of the bytes that wait for it. */
const STALLED_MAX = 10;

/**
 * Invariants:
 *   SOCKET-1. Handlers are never called from within a call of this object, nor after onClose.
 *   SOCKET-2. Small frames sent in one go leave in one write: the socket is corked until the stack has unwound. A large one
 *       leaves at once, with those before it: the other side works on it while this one goes on.
 *   SOCKET-3. A connection that has not answered `missesMax` pings in a row, and has sent nothing else either, is destroyed. While we
 *       do not read, we cannot see its answers: it then has to take bytes that wait for it.
 *   SOCKET-4. Until it is admitted, and again once it is asked to close, we take no more than HANDSHAKE_BYTES_MAX from it, and the rest of
 *       the piece in which they ended: the limit of a frame alone would let it fill megabytes before any handler looks at
 *       them.
 *   SOCKET-5. Between two checks it may send PINGS_MAX pings, and SPARE_PONGS_MAX pongs besides one for each ping of ours; otherwise it
 *       is destroyed. We take nothing more of the piece that had the one too many.
 */
export interface WsConnectionOptions {
  /** Null: a dialed connection has its socket later. */
  readonly socket: Socket | null;
  /** Of what was read from the socket already, how many bytes belong to frames. Default 0. */
  readonly headBytes?: number;
  readonly remote: string;
  /** No frame is longer. */
  readonly frameBytesMax: number;
  /** Called when the connection has ended, before its handlers are told. */
  readonly onGone: (connection: WsConnection) => void;
  readonly onAdmitted?: () => void;
  readonly onEstranged?: () => void;
  /** The other side had to show a certificate when it connected. Default false. */
  readonly needsCertificate?: boolean;
}

export class WsConnection implements Connection {
  readonly remote: string;
  readonly #ws: WebSocket;
  readonly #options: WsConnectionOptions;
  #socket: Socket | null = null;
  #security: WireSecurity | null = null;
  #handlers: ConnectionHandlers | null = null;
  #state: "open" | "closing" | "closed" = "open";
  #corked = false;
  #misses = 0;
  #pings = 0;
  /** SOCKET-5: how many answers to pings may still come, and how many other pongs came since the last check. */
  #pongsDue = 0;
  #sparePongs = 0;
  #paused = false;
  /** Checks in a row in which it took nothing, and the bytes that waited at the last one. */
  #stalled = 0;
  #lastBuffered = 0;
  #admitted = false;
  /** Before the length: frames that we accept come masked. */
  readonly #headerBytes: number;
  readonly #onData = (chunk: Buffer): void => this.#countUnheard(chunk.length);
  /** Bytes taken while no handler may listen: SOCKET-4. */
  #unheardBytes = 0;
  /** How many bytes of the socket were read before there were frames, and since then in whole frames. */
  #framedBytes = 0;
  #reason: string | null = null;

  constructor(ws: WebSocket, options: WsConnectionOptions) {
    this.#ws = ws;
    this.#options = options;
    this.remote = options.remote;
    this.#headerBytes = options.socket === null ? 2 : 6;
    ws.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    ws.on("pong", (data) => this.#onPong(data));
    ws.on("ping", (data) => this.#onPing(data));
    if (options.socket !== null) this.setSocket(options.socket);
    // An error is always followed by "close", which ends the connection with this reason.
    ws.on("error", (error) => {
      this.#reason ??= tlsTroubleOf(error) ?? error.message;
    });
    ws.on("close", (code, reason) => this.#onClose(code, reason.toString("utf8")));
  }

  setHandlers(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  /** For a dialed connection, whose socket exists only later. */
  setSocket(socket: Socket): void {
    this.#socket = socket;
    this.#security = securityOf(socket, this.#options.needsCertificate ?? false);
    this.#framedBytes = socket.bytesRead - (this.#options.headBytes ?? 0);
    if (this.#admitted) return;
    // Not before the web socket has taken the rest of the first piece, which is put back for it: see SOCKET-4.
    socket.on("data", this.#onData);
  }

  admit(): void {
    this.#options.onAdmitted?.();
    if (this.#admitted) return;
    this.#admitted = true;
    this.#socket?.off("data", this.#onData);
  }

  estrange(): void {
    if (this.#state !== "closed") this.#options.onEstranged?.();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#stalled = 0;
    this.#ws.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#misses = 0;
    this.#ws.resume();
  }

  security(): WireSecurity | null {
    return this.#security;
  }

  /** The dial has failed for this reason. */
  failed(reason: string): void {
    this.#end(reason);
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

  unfinishedBytes(): number {
    const socket = this.#socket;
    if (socket === null || this.#state === "closed") return 0;
    // Headers of fragments are not counted: a peer that sends very many of them is over-estimated, within a frame.
    const bytes = socket.bytesRead - this.#framedBytes;
    return Math.min(Math.max(0, bytes), this.#options.frameBytesMax);
  }

  close(reason: string): void {
    if (this.#state !== "open") return;
    this.#reason ??= reason;
    this.#beginClosing(CLOSE_NORMAL, truncateReason(reason));
  }

  destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#reason ??= "ended here";
    this.#ws.terminate();
  }

  /** Called at regular intervals; see SOCKET-3. A paused process counts one miss at most, for its timers do not catch up. */
  checkAlive(missesMax: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#pings = 0;
    this.#sparePongs = 0;
    if (this.#paused) return this.#checkTaking();
    if (this.#misses >= missesMax) return this.#end(`no answer to ${this.#misses} pings`);
    this.#misses += 1;
    this.#pongsDue = Math.min(this.#pongsDue + 1, PINGS_DUE_MAX);
    this.#ws.ping();
  }

  /** SOCKET-3, while we do not read. */
  #checkTaking(): void {
    const buffered = this.#ws.bufferedAmount;
    this.#stalled = buffered === 0 || buffered < this.#lastBuffered ? 0 : this.#stalled + 1;
    this.#lastBuffered = buffered;
    if (this.#stalled >= STALLED_MAX) this.#end("reads nothing of what it asked for");
  }

  #end(reason: string): void {
    this.#reason ??= reason;
    if (this.#state !== "closed") this.#state = "closing";
    this.#ws.terminate();
  }

  #onPing(data: Buffer): void {
    this.#misses = 0;
    this.#countFrame(data.length);
    this.#pings += 1;
    if (this.#pings > PINGS_MAX) this.#endFlood("too many pings");
  }

  #onPong(data: Buffer): void {
    this.#misses = 0;
    this.#countFrame(data.length);
    if (this.#pongsDue > 0) {
      this.#pongsDue -= 1;
      return;
    }
    this.#sparePongs += 1;
    if (this.#sparePongs > SPARE_PONGS_MAX) this.#endFlood("too many pongs that nobody asked for");
  }

  /** SOCKET-5: ten thousand more may have come in the same piece. */
  #endFlood(reason: string): void {
    this.#end(reason);
    this.#ws.removeAllListeners("ping").removeAllListeners("pong");
    stopParsing(this.#ws);
  }

  /** SOCKET-4. The web socket has seen these bytes; if it is admitted by them, they do not count. */
  #countUnheard(bytes: number): void {
    if (this.#admitted && this.#state === "open") return;
    this.#unheardBytes += bytes;
    if (this.#unheardBytes <= HANDSHAKE_BYTES_MAX) return;
    if (this.#state === "open") {
      const reason = "too much before the handshake";
      this.#reason ??= reason;
      this.#beginClosing(CLOSE_TOO_BIG, reason);
    }
    // The connection is told why, and not read until it has closed or its time is up.
    this.#ws.pause();
  }

  #beginClosing(code: number, reason: string): void {
    this.#state = "closing";
    this.#unheardBytes = 0;
    if (this.#admitted) this.#socket?.on("data", this.#onData);
    this.#ws.close(code, reason);
  }

  /** Counts a frame of so many bytes among those that came from the socket. */
  #countFrame(bytes: number): void {
    const length = bytes < 126 ? 0 : bytes < 65_536 ? 2 : 8;
    this.#framedBytes += this.#headerBytes + length + bytes;
  }

  #cork(): void {
    const socket = this.#socket;
    if (this.#corked || socket === null) return;
    this.#corked = true;
    socket.cork();
    process.nextTick(() => this.#uncork());
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket?.uncork();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#misses = 0;
    if (this.#state !== "open") return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.#reason ??= "text frame";
      return this.#beginClosing(CLOSE_UNSUPPORTED_DATA, "binary frames only");
    }
    this.#countFrame(data.length);
    this.#handlers?.onFrame(data);
  }

  #onClose(code: number, reason: string): void {
    this.#state = "closed";
    this.#options.onGone(this);
    const theirs = reason === "" ? `connection ended (${code})` : reason;
    this.#handlers?.onClose(this.#reason ?? theirs);
  }
}

interface WithReceiver {
  readonly _receiver?: object;
}

/** Of the parser of `ws`: whether it goes on to the next frame of what it has. */
const GOES_NO_FURTHER = { _loop: false };

/**
 * `ws` goes through all frames of a piece that came in, even when the first one makes us terminate the connection, and has no call to
 * stop it. Within a handler this ends it. If the field were gone it would take its time as before: a test counts.
 */
function stopParsing(ws: WebSocket): void {
  const { _receiver: receiver } = ws as unknown as WithReceiver;
  if (receiver !== undefined) Object.assign(receiver, GOES_NO_FURTHER);
}
