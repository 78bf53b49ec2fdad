/**
 * The bytes that sockets send over HTTP, on their way to the parser of Node.js.
 *
 * Invariants:
 *   INPUT-1. The parser gets PIECE_BYTES at a time, and nothing more of a socket that was told to go. Otherwise it would go through
 *       all bytes that came in one piece, 64 KiB, and make a call for each of ten thousand chunks of a body in it.
 *   INPUT-2. Between two understood requests a socket sends HANDSHAKE_BYTES_MAX, and the rest of the piece in which they ended.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HANDSHAKE_BYTES_MAX } from "../../base/index.ts";

const PIECE_BYTES = 1024;

interface Input {
  /** Since the last request that was understood. */
  bytes: number;
  /** The rest of a piece, which the parser has not had yet. */
  rest: Buffer;
  isOver: boolean;
  stop(): void;
}

export class RequestInput {
  readonly #inputs = new WeakMap<Socket, Input>();
  readonly #onTooMuch: (socket: Socket) => void;

  /** @param onTooMuch must end a socket that keeps sending bytes that the parser does not understand; it is not read any more */
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

  /** The parser has understood a request of it. */
  understood(socket: Socket): void {
    const input = this.#inputs.get(socket);
    if (input !== undefined) input.bytes = 0;
  }

  /** It speaks no HTTP from now on, or is told to go. @returns the bytes that came in one piece with those that the parser had last */
  end(socket: Socket): Buffer {
    const input = this.#inputs.get(socket);
    input?.stop();
    return input?.rest ?? NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);

/** Our requests have no bodies. @returns the status that refuses a request which has one, or might; null: it has none */
export function refusalOf({ method, headers }: IncomingMessage): 405 | 413 | null {
  if (method !== "GET" && method !== "HEAD") return 405;
  const length = headers["content-length"] ?? "0";
  return headers["transfer-encoding"] === undefined && Number(length) === 0 ? null : 413;
}
