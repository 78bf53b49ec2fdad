/**
 * TLS in front of an HTTP server. The server keeps its listener, limits and events of connections; its parser gets decrypted bytes, from
 * a client that has shown a certificate where one is needed.
 *
 * A client that cannot get in is told why in words that an HTTP client understands, where that is possible: plain text is recognized by
 * its first byte and answered in plain text; an unfit certificate is refused when TLS stands.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  ownCertificateTrouble,
  systemCode,
  TLS_TROUBLE,
  tlsTrouble,
  tlsTroubleOf,
} from "../../base/index.ts";
import { endWith } from "./last-words.ts";
import { contextOptions, type TlsSide } from "./tls-side.ts";

/** In an answer over HTTP: why there is no connection, for people. */
export const REASON_HEADER = "omnikv-reason";

/** The first byte of a TLS connection: a record of its handshake. */
const TLS_HANDSHAKE = 0x16;
const HANDSHAKE_TIMEOUT_MS = 5000;

const PLAIN_TEXT_REASON =
  "this port speaks TLS, and the connection was in plain text: use https://, with --cacert for clients and --peer-cert-file for nodes (tls in programs)";
const NO_CERTIFICATE_REASON =
  "this port wants a certificate, and none was shown: give --cert and --key to clients, --peer-cert-file and --peer-key-file to nodes (tls.cert and tls.key in programs)";
/** Programs look at a certificate when TLS stands, and leave without a word when they do not trust it. */
const GONE_REASON =
  "TLS: the other side left in the handshake; if it is one of ours, it says why: mostly it does not trust this server's certificate";

export interface TlsFront {
  /** The socket under an encrypted one, or the socket itself. */
  under(socket: Socket): Socket;
  /** Ends the sockets that have not reached the server. */
  close(): void;
}

/** @param onSpeaking a socket has reached the server, which listens to it */
export function putTlsBefore(
  server: Server,
  side: TlsSide,
  onSpeaking: (socket: Socket) => void,
  onRefused: (remote: string, reason: string) => void,
  inTurn: (socket: Socket, begin: () => void) => void = (_, begin) => begin(),
): TlsFront {
  const [speak] = server.listeners("connection");
  if (speak === undefined) throw new Error("a server without a listener speaks nothing");
  server.off("connection", speak as (socket: Socket) => void);
  const waiting = new Map<string, Socket>();
  const raws = new WeakMap<Socket, Socket>();
  /** Taken when connections begin: a socket that has ended has no address any more. */
  const names = new WeakMap<Socket, string>();

  const secure = process.getBuiltinModule("node:tls").createServer({
    ...contextOptions(side),
    requestCert: side.needsCertificate,
    // The check is below, so that a refused client hears why.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const endWatch = side.onChange(() => secure.setSecureContext(contextOptions(side)));
  server.once("close", endWatch);

  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    waiting.set(name, socket);
    names.set(socket, name);
    socket.once("close", () => {
      if (waiting.get(name) === socket) waiting.delete(name);
    });
    socket.on("error", () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      if (first[0] === TLS_HANDSHAKE) {
        // HTTP lets a client end its side and wait for the answer; in TLS that is an end.
        socket.allowHalfOpen = false;
        socket.pause();
        socket.unshift(first);
        inTurn(socket, () => void secure.emit("connection", socket));
        return;
      }
      onRefused(nameOf(socket), PLAIN_TEXT_REASON);
      refuse(socket, "426 Upgrade Required", PLAIN_TEXT_REASON, "Upgrade: TLS/1.3\r\n");
    });
  });

  secure.on("secureConnection", (socket: TLSSocket) => {
    if (socket.destroyed) return;
    const raw = waiting.get(nameOf(socket));
    if (raw !== undefined) raws.set(socket, raw);
    const reason = side.needsCertificate ? distrust(socket) : null;
    if (reason === null) {
      if (raw !== undefined) waiting.delete(nameOf(socket));
      speak.call(server, socket);
      onSpeaking(socket);
      return;
    }
    onRefused(nameOf(socket), reason.here);
    socket.on("error", () => socket.destroy());
    refuse(socket, "403 Forbidden", reason.there);
  });
  secure.on("tlsClientError", (error, socket) => {
    const gone = systemCode(error) === "ECONNRESET" ? GONE_REASON : null;
    const raw = rawOf(socket);
    const name = raw === null ? undefined : names.get(raw);
    onRefused(name ?? nameOf(socket), gone ?? tlsTroubleOf(error) ?? error.message);
  });

  return {
    under: (socket) => raws.get(socket) ?? socket,
    close: () => {
      for (const socket of waiting.values()) socket.destroy();
    },
  };
}

/** A name that no other connection of the listener has at the same time. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
}

/** The socket that an encrypted one was made of. Node.js tells it nowhere, and keeps it under this name. */
function rawOf(socket: TLSSocket): Socket | null {
  const raw: unknown = Reflect.get(socket, "_parent");
  const { Socket } = process.getBuiltinModule("node:net");
  return raw instanceof Socket ? raw : null;
}

/** Why the certificate is not trusted, for this side and for the one that has shown it. Null: it is trusted. */
function distrust(socket: TLSSocket): { readonly here: string; readonly there: string } | null {
  if (socket.authorized) return null;
  if (Object.keys(socket.getPeerCertificate()).length === 0) {
    return { here: NO_CERTIFICATE_REASON, there: NO_CERTIFICATE_REASON };
  }
  const said = String(socket.authorizationError);
  const trouble = tlsTrouble(said, `the certificate is refused: ${said}`);
  return {
    here: (trouble ?? said).replace(TLS_TROUBLE, ""),
    there: ownCertificateTrouble(said),
  };
}

function refuse(socket: Socket, status: string, reason: string, headers = ""): void {
  const body = `${reason}\n`;
  const text =
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n${headers}` +
    `${REASON_HEADER}: ${reason}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  endWith(socket, text);
}
