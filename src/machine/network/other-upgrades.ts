/**
 * Requests that offer to go on in another protocol than web sockets. Java's client and `curl --http2` offer HTTP/2 with every plain request; a
 * server that does not speak it answers as if they had not (RFC 9110, section 7.8).
 */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Has the server answer it like any other request. Its parser has let go of the socket, so that it is the last one there. */
export function answerWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Socket,
): void {
  const { ServerResponse } = process.getBuiltinModule("node:http");
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  try {
    response.assignSocket(socket);
  } catch {
    // The answer to an earlier request is still to come.
    socket.destroy();
    return;
  }
  response.once("finish", () => socket.destroySoon());
  server.emit("request", request, response);
}
