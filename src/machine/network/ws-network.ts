/**
 * The Network port over web sockets. One HTTP server listens; the path of the upgrade request names the channel.
 * Compression is off, frames are binary, and their size is bounded by channel. Modules of Node.js are loaded when they are used: a program
 * that imports the client does not wait for the modules that a listener needs.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { FRAME_BYTES_MAX } from "./frame-limits.ts";
import type {
  Address,
  Channel,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Listener,
  Network,
} from "../ports/index.ts";
import { AddressPace, NODE_CLOCK, type PaceOptions } from "./address-pace.ts";
import { watchCrowd } from "./crowd.ts";
import {
  hostPort,
  isHost,
  printable,
  TLS_TROUBLE,
  withoutZone,
  wrongPortText,
} from "../../base/index.ts";
import { answerWithoutUpgrade, asksForWebSocket } from "./other-upgrades.ts";
import { withoutPipelines } from "./pipelined-requests.ts";
import { PingRounds } from "./ping-rounds.ts";
import { refusalOf, RequestInput } from "./request-input.ts";
import { paced } from "./request-pace.ts";
import { Strangers } from "./strangers.ts";
import { dialTls, endWith, putTlsBefore, REASON_HEADER, type TlsSide } from "../tls/index.ts";
import { failedConnection } from "./failed-connection.ts";
import { withoutWs, type Ws, wsOfClients, wsOfServers } from "./load-ws.ts";
import { WsConnection, type WsConnectionOptions } from "./ws-connection.ts";

/** One listener has at most so many sockets that have proved nothing yet. */
export const STRANGERS_MAX = 1536;

export interface WsNetworkOptions {
  /** Between two pings of a connection. Default 2000. */
  readonly pingIntervalMs?: number;
  /** Pings in a row that may stay unanswered before a connection is given up. Default 3. */
  readonly pingMissesMax?: number;
  /** Until a dialed connection must be open. Default 5000. */
  readonly dialTimeoutMs?: number;
  /** After close(), until the other side must have closed too. Default 2000. */
  readonly closeTimeoutMs?: number;
  /** Host names under which browsers may reach this server, besides localhost and plain IP addresses. Default none. */
  readonly hostNames?: readonly string[];
  /** Pages that came from here may connect too: the other nodes of the cluster. Default none. */
  readonly pageAddresses?: readonly Address[];
  /** Answers plain HTTP requests where clients connect. Default, and elsewhere: 426 Upgrade Required. */
  readonly onRequest?: RequestListener;
  /** Told of requests that were refused before there was a connection. */
  readonly onRejected?: (remote: string, reason: string) => void;
  /** Told once when a listener begins to refuse connections for want of room; see `watchCrowd`. */
  readonly onCrowded?: (reason: string) => void;
  /** Sockets of one listener, of every kind. Default 10,000. */
  readonly connectionsMax?: number;
  /** Of these, how many may have proved nothing yet. Default 1536. */
  readonly strangersMax?: number;
  /** From accepting a socket until it must have proved itself, over any protocol. Default 8000. */
  readonly strangerTimeoutMs?: number;
  /** For connections of clients and managers, dialed or accepted. Null: they are in plain text. Default null. */
  readonly clientTls?: TlsSide | null;
  /** For those of nodes among themselves. Default null. */
  readonly peerTls?: TlsSide | null;
}

/** The error of a parser, with what it could not make sense of. */
type ParseError = Error & { readonly code?: string; readonly rawPacket?: Buffer };

const DEFAULTS: Required<WsNetworkOptions> = {
  pingIntervalMs: 2000,
  pingMissesMax: 3,
  dialTimeoutMs: 5000,
  closeTimeoutMs: 2000,
  hostNames: [],
  pageAddresses: [],
  onRequest: (_request, response) => {
    response.writeHead(426, { "content-type": "text/plain", upgrade: "websocket" });
    response.end("this port speaks web sockets\n");
  },
  onRejected: (): void => {},
  onCrowded: (): void => {},
  connectionsMax: 10_000,
  strangersMax: STRANGERS_MAX,
  strangerTimeoutMs: 8000,
  clientTls: null,
  peerTls: null,
};

/** Time for an HTTP request to arrive whole: an upgrade request is one packet. Looked at so often. */
const REQUEST_TIMEOUT_MS = 5000;
const REQUEST_CHECK_MS = 1000;
const BODY_REASON = "only GET and HEAD without a body are answered";
/** Until a stranger must have read the page that it asked for. */
const PAGE_TIMEOUT_MS = 30_000;
/** Of all strangers, how many may come from one address: a program may open a thousand connections at once. */
const STRANGERS_PER_ADDRESS = 2 / 3;
/**
 * Of clients and managers, to one listener; a handshake costs it up to a millisecond, more in TLS. So clients of a server that was started
 * again are there at once, and thousands take seconds. Nodes do not wait: an election may depend on it.
 */
const HANDSHAKES: PaceOptions = { perSecond: 500, atOnce: 256, together: 4 };
/** The first byte that a TLS client sends to a server that speaks plain text, and the reason in the log. */
const TLS_RECORD = 0x16;
const TLS_TO_PLAIN_TEXT =
  "the connection was in TLS, and this port speaks plain text: start the server with --cert-file and --key-file (nodes: --peer-cert-file and --peer-key-file), or leave TLS out there";
/** A web socket message comes in at most so many fragments: browsers split large ones, but no honest client sends a byte apiece. */
const FRAGMENTS_MAX = 4096;

/**
 * A zero mask leaves bytes as they are, so that neither side copies them. Masks keep pages in a browser from writing bytes of
 * their choice to a connection (RFC 6455, section 10.3); a program that dials may write any bytes without a web socket.
 */
function leaveMaskZero(_mask: Buffer): void {}

export class WsNetwork implements Network {
  readonly #options: Required<WsNetworkOptions>;
  readonly #pings: PingRounds<WsConnection>;

  constructor(options: WsNetworkOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    const { pingIntervalMs, pingMissesMax } = this.#options;
    this.#pings = new PingRounds(pingIntervalMs, (each) => each.checkAlive(pingMissesMax));
  }

  dial(address: Address, channel: Channel, handlers: DialHandlers): Connection {
    const tls = this.#tlsOf(channel);
    const host = withoutZone(address.host);
    const url = `${tls === null ? "ws" : "wss"}://${hostPort({ ...address, host })}/${channel}`;
    const { dialTimeoutMs } = this.#options;
    const connect = (): Socket => process.getBuiltinModule("node:net").connect({ ...address });
    // ws hands its time-out to the function that makes the socket, and sets none itself.
    const within = (make: () => Socket) => () => make().setTimeout(dialTimeoutMs);
    const options = {
      ...(host === address.host ? {} : { createConnection: within(connect) }),
      ...(tls === null ? {} : { createConnection: within(() => dialTls(tls, address)) }),
      perMessageDeflate: false,
      skipUTF8Validation: true,
      generateMask: leaveMaskZero,
      maxPayload: FRAME_BYTES_MAX[channel],
      handshakeTimeout: dialTimeoutMs,
      closeTimeout: this.#options.closeTimeoutMs,
    };
    const remote = `${address.host}:${address.port}`;
    if (!isHost(address.host)) {
      const reason = `"${printable(address.host)}" is neither a host name nor an address`;
      return failedConnection(remote, reason, handlers);
    }
    let loaded: Ws;
    try {
      loaded = channel === "peer" ? wsOfServers() : wsOfClients();
    } catch (error) {
      return failedConnection(remote, withoutWs(error), handlers);
    }
    const ws = new loaded.WebSocket(url, options);
    const connection = this.#track(ws, {
      socket: null,
      remote,
      frameBytesMax: FRAME_BYTES_MAX[channel],
    });
    connection.setHandlers(handlers);
    ws.on("upgrade", (response) => {
      response.socket.setNoDelay(true);
      connection.setSocket(response.socket);
    });
    ws.on("unexpected-response", (_request, { statusCode, headers }) => {
      const told = headers[REASON_HEADER];
      const reason = typeof told === "string" ? `${TLS_TROUBLE}${printable(told)}` : null;
      connection.failed(
        reason ?? wrongPortText(channel === "peer" ? "nodes" : "clients", statusCode),
      );
    });
    ws.on("open", () => handlers.onOpen());
    return connection;
  }

  listen(
    address: Address,
    channels: readonly Channel[],
    accept: (connection: Connection, channel: Channel) => ConnectionHandlers,
    ready: (result: Listener | Error) => void,
  ): void {
    // Pages are for users: a port that only peers call has none.
    const forUsers = channels.includes("client");
    const input = new RequestInput((socket) => this.#endRequests(input, socket, 431));
    const answer = this.#answering(input, forUsers ? this.#options.onRequest : DEFAULTS.onRequest);
    const { createServer } = process.getBuiltinModule("node:http");
    const server = createServer({ connectionsCheckingInterval: REQUEST_CHECK_MS }, answer);
    // Without these the server answers some requests by itself, and reads their bodies.
    server.on("checkContinue", answer);
    server.on("checkExpectation", answer);
    server.maxConnections = this.#options.connectionsMax;
    server.headersTimeout = REQUEST_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    const tls = this.#tlsOf(forUsers ? "client" : "peer");
    const begin = (socket: Socket): void => input.begin(socket);
    const handshakes = forUsers ? pacedHandshakes() : null;
    const front =
      tls === null
        ? null
        : putTlsBefore(server, tls, begin, this.#options.onRejected, handshakes ?? undefined);
    if (front === null) server.on("connection", begin);
    const under = (socket: Socket): Socket => front?.under(socket) ?? socket;
    const strangers = this.#strangers(server, under);
    const accepted = new Set<WsConnection>();
    const upgraders = new Map(channels.map((channel) => [`/${channel}`, this.#upgrader(channel)]));
    server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      // Until the web socket owns the stream, nothing else listens for its errors.
      stream.on("error", () => stream.destroy());
      const { socket } = request;
      const rest = input.end(socket);
      if (!asksForWebSocket(request)) return answerWithoutUpgrade(server, request, socket);
      const remote = remoteOf(socket);
      const upgrader = upgraders.get(pathOf(request));
      const refusal =
        upgrader === undefined
          ? { status: 404, reason: `no such channel: ${pathOf(request).slice(0, 80)}` }
          : refusalOf(request) !== null
            ? { status: 400, reason: `${BODY_REASON}: ${request.method ?? ""}` }
            : this.#checkOrigin(request, tls !== null);
      if (upgrader === undefined || refusal !== null) {
        reject(stream, refusal?.status ?? 404);
        this.#options.onRejected(remote, refusal?.reason ?? "");
        return;
      }
      const frames = rest.length === 0 ? head : Buffer.concat([head, rest]);
      const upgrade = (): void => {
        socket.setNoDelay(true);
        upgrader.server.handleUpgrade(request, stream, frames, (ws) => {
          const connection = this.#track(ws, {
            socket,
            headBytes: frames.length,
            remote,
            frameBytesMax: FRAME_BYTES_MAX[upgrader.channel],
            onGone: () => accepted.delete(connection),
            onAdmitted: () => strangers.remove(under(socket)),
            onEstranged: () => strangers.addAgain(under(socket)),
            needsCertificate: tls?.needsCertificate ?? false,
          });
          accepted.add(connection);
          connection.setHandlers(accept(connection, upgrader.channel));
        });
      };
      // In TLS it had its turn before that began.
      if (handshakes === null || tls !== null) upgrade();
      else handshakes(socket, upgrade);
    });
    this.#startServer(server, input, address, ready, () => {
      front?.close();
      for (const connection of accepted) connection.destroy();
    });
  }

  #tlsOf(channel: Channel): TlsSide | null {
    return channel === "peer" ? this.#options.peerTls : this.#options.clientTls;
  }

  /** @param under the socket that was accepted, of one that speaks */
  #strangers(server: Server, under: (socket: Socket) => Socket): Strangers {
    const { strangersMax, strangerTimeoutMs, onRejected } = this.#options;
    const strangers = new Strangers({
      max: strangersMax,
      perAddressMax: Math.ceil(strangersMax * STRANGERS_PER_ADDRESS),
      deadlineMs: strangerTimeoutMs,
      requestMs: Math.max(strangerTimeoutMs, PAGE_TIMEOUT_MS),
      onRefused: onRejected,
    });
    server.on("connection", (socket: Socket) => strangers.add(socket));
    server.on("request", ({ socket }: IncomingMessage) => strangers.requested(under(socket)));
    return strangers;
  }

  /** Answers requests without bodies; see RequestInput. */
  #answering(input: RequestInput, answer: RequestListener): RequestListener {
    const answerInTurn = paced(answer);
    return withoutPipelines((request, response) => {
      const { socket } = request;
      input.understood(socket);
      const refusal = refusalOf(request);
      if (refusal === null) return answerInTurn(request, response);
      // An answer to an earlier request is still to come, and the client would take this one for it.
      if (response.socket === null) socket.destroy();
      this.#endRequests(input, socket, refusal);
    });
  }

  #endRequests(input: RequestInput, socket: Socket, status: 405 | 413 | 431): void {
    input.end(socket);
    const reason = status === 431 ? "too much before a request was understood" : BODY_REASON;
    this.#options.onRejected(remoteOf(socket), reason);
    if (socket.writable) endWith(socket, answerOf(status));
    else socket.destroy();
  }

  #startServer(
    server: Server,
    input: RequestInput,
    address: Address,
    ready: (result: Listener | Error) => void,
    endAccepted: () => void,
  ): void {
    const { Socket } = process.getBuiltinModule("node:net");
    // A broken request is answered and forgotten; without a listener node would do the same, but without the reason.
    server.on("clientError", (error: ParseError, stream) => {
      const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
      // Browsers open connections in advance. They would take an answer without a request for the answer to the next request.
      if (isLate && stream instanceof Socket && stream.bytesRead === 0) {
        stream.destroy();
        return;
      }
      const remote = stream instanceof Socket ? remoteOf(stream) : "?";
      if (stream instanceof Socket) input.end(stream);
      const isTls = error.rawPacket?.[0] === TLS_RECORD;
      this.#options.onRejected(remote, isTls ? TLS_TO_PLAIN_TEXT : error.message);
      if (stream.writable) reject(stream, isLate ? 408 : 400);
      else stream.destroy();
    });
    server.once("error", ready);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off("error", ready);
      watchCrowd(server, this.#options.onCrowded);
      const { address: host, port } = server.address() as AddressInfo;
      ready({
        address: { host, port },
        close: (done) => {
          server.close(() => done());
          endAccepted();
          server.closeAllConnections();
        },
      });
    });
  }

  #upgrader(channel: Channel): { readonly channel: Channel; readonly server: WebSocketServer } {
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: FRAME_BYTES_MAX[channel],
      maxFragments: FRAGMENTS_MAX,
      closeTimeout: this.#options.closeTimeoutMs,
    };
    const server = new (wsOfServers().WebSocketServer)(options);
    server.on("wsClientError", (error, stream, request) => {
      this.#options.onRejected(request.socket.remoteAddress ?? "?", error.message);
      reject(stream, 400);
    });
    return { channel, server };
  }

  /**
   * Browsers let any page open web sockets to any address, and tell in Origin which page it is. Only our own pages may: from this
   * address, or from another node's. A name in Host must be one we know: an attacker may make a foreign name resolve to this
   * machine.
   */
  #checkOrigin(
    request: IncomingMessage,
    isTls: boolean,
  ): { status: number; reason: string } | null {
    const { origin, host } = request.headers;
    if (origin === undefined) return null;
    const page = URL.canParse(origin) ? new URL(origin) : null;
    const { isIP } = process.getBuiltinModule("node:net");
    const name = page?.hostname.replace(/^\[|\]$/g, "") ?? "";
    const known =
      name === "localhost" || isIP(name) !== 0 || this.#options.hostNames.includes(name);
    if (page !== null && page.host === host && known) return null;
    if (page !== null && this.#isPageAddress(page, name, isTls)) return null;
    return { status: 403, reason: `cross-origin request from ${origin.slice(0, 80)}` };
  }

  #isPageAddress(page: URL, name: string, isTls: boolean): boolean {
    if (page.protocol !== (isTls ? "https:" : "http:")) return false;
    const port = page.port === "" ? (isTls ? 443 : 80) : Number(page.port);
    return this.#options.pageAddresses.some(
      (address) =>
        address.port === port &&
        (address.host === name || (isLoopback(address.host) && isLoopback(name))),
    );
  }

  #track(
    ws: WebSocket,
    options: Omit<WsConnectionOptions, "onGone"> & { readonly onGone?: () => void },
  ): WsConnection {
    const onGone = (gone: WsConnection): void => {
      this.#pings.remove(gone);
      options.onGone?.();
    };
    const connection = new WsConnection(ws, { ...options, onGone });
    this.#pings.add(connection);
    return connection;
  }
}

/** @returns what begins the handshake of a socket when its turn has come, if it is still there then */
export function pacedHandshakes(
  clock = NODE_CLOCK,
): (socket: Pick<Socket, "remoteAddress" | "destroyed">, begin: () => void) => void {
  const pace = new AddressPace<() => number>(HANDSHAKES, (begin) => begin(), clock);
  return (socket, begin) =>
    pace.add(socket.remoteAddress ?? "", () => {
      if (socket.destroyed) return 0;
      begin();
      return 1;
    });
}

function remoteOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "127.0.0.1" || host === "::1";
}

function reject(stream: Duplex, status: number): void {
  stream.end(answerOf(status), () => stream.destroy());
}

function answerOf(status: number): string {
  const text = process.getBuiltinModule("node:http").STATUS_CODES[status] ?? "";
  const allow = status === 405 ? "Allow: GET, HEAD\r\n" : "";
  return `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\n${allow}Content-Length: ${text.length}\r\n\r\n${text}`;
}
