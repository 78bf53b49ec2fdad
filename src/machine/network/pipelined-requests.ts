/** HTTP requests that one connection sends without waiting for answers. */
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";

/**
 * Browsers and probes send a request when they have read the answer to the one before. A client that sends thousands at once and
 * reads nothing makes work that no other limit counts: many small requests come in one piece, and each is answered.
 */
const UNANSWERED_MAX = 8;

/** Ends a connection that has more than UNANSWERED_MAX requests without an answer; the others are the listener's. */
export function withoutPipelines(listener: RequestListener): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // The parser goes on with requests that came in the same piece.
    if (socket.destroyed) return;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > UNANSWERED_MAX) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, count);
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    listener(request, response);
  };
}
