/**
 * What sockets say over HTTP, on its way to the parser of Node.js.
 *
 * Invariants:
 *   INPUT-1. The parser gets PIECE_BYTES at a time, and nothing more of a socket once that is told to go. Left alone it goes through
 *       all that came in one piece, 64 KiB, and calls for each of ten thousand chunks of a body in it.
 *   INPUT-2. Between two requests that were understood a socket sends HANDSHAKE_BYTES_MAX, and what came with them in one piece.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HANDSHAKE_BYTES_MAX } from "../../base/index.ts";

const PIECE_BYTES = 1024;

interface Input {
  /** Since the last request that was understood. */
  bytes: number;
  /** Of what the parser has a piece of: it has not had this yet. */
  rest: Buffer;
  isOver: boolean;
  stop(): void;
}

export class RequestInput {
  readonly #inputs = new WeakMap<Socket, Input>();
  readonly #onTooMuch: (socket: Socket) => void;

  /** @param onTooMuch is to end a socket that keeps sending without being understood; it is not listened to any more */
  constructor(onTooMuch: (socket: Socket) => void) {
    this.#onTooMuch = onTooMuch;
  }

  /** The HTTP server has begun to listen to it. */
  begin(socket: Socket): void {
    const [parse] = socket.listeners("data");
    if (parse === undefined) throw new Error("an HTTP server listens to its sockets");
    socket.off("data", parse as (data: Buffer) => void);
    const take = (data: Buffer): void => {
      for (let at = 0; at < data.length && !input.isOver && !socket.destroyed; at += PIECE_BYTES) {
        // The server waits until answers are read.
        if (socket.isPaused()) {
          socket.unshift(data.subarray(at));
          return;
        }
        const piece = data.subarray(at, at + PIECE_BYTES);
        input.bytes += piece.length;
        input.rest = data.subarray(at + PIECE_BYTES);
        parse.call(socket, piece);
        if (input.bytes <= HANDSHAKE_BYTES_MAX || input.isOver) continue;
        input.stop();
        this.#onTooMuch(socket);
      }
      input.rest = NOTHING;
    };
    const stop = (): void => {
      input.isOver = true;
      socket.off("data", take);
    };
    const input: Input = { bytes: 0, rest: NOTHING, isOver: false, stop };
    this.#inputs.set(socket, input);
    socket.on("data", take);
  }

  /** A request of it has been understood. */
  understood(socket: Socket): void {
    const input = this.#inputs.get(socket);
    if (input !== undefined) input.bytes = 0;
  }

  /** It speaks no HTTP from now on, or is told to go. @returns what came in one piece with what the parser had last */
  end(socket: Socket): Buffer {
    const input = this.#inputs.get(socket);
    input?.stop();
    return input?.rest ?? NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);

/** Nothing of ours takes a body. @returns the status with which a request is refused that has one, or might; null: it has none */
export function refusalOf({ method, headers }: IncomingMessage): 405 | 413 | null {
  if (method !== "GET" && method !== "HEAD") return 405;
  const length = headers["content-length"] ?? "0";
  return headers["transfer-encoding"] === undefined && Number(length) === 0 ? null : 413;
}
