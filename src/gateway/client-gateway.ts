/** Client connections: handshake, frames in, one frame of answers a turn out. */
import { unreachable } from "../base/assert.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { AnswerWriter, decodeClientFrame } from "../wire/client.ts";
import { acceptWithHandshake } from "../links/handshake-connection.ts";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import type { Route } from "../replica/route.ts";
import { clientHello, type GatewayContext } from "./context.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
const HANDSHAKES_MAX = 256;

export class ClientGateway {
  readonly #context: GatewayContext;
  readonly #connections = new Set<Connection>();
  #stopped = false;

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  get connections(): number {
    return this.#connections.size;
  }

  accept(connection: Connection): ConnectionHandlers {
    const { options, machine } = this.#context;
    if (this.#stopped || this.#connections.size >= options.clientConnectionsMax + HANDSHAKES_MAX) {
      connection.close(this.#stopped ? "node stops" : "too many connections");
      return { onFrame: () => {}, onClose: () => {} };
    }
    this.#connections.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: { self: clientHello(options, "client"), secret: options.secret },
      established: () => this.#serve(connection),
      failed: (failure) => {
        this.#connections.delete(connection);
        if (failure.kind === "ended") return;
        machine.logger.warn("client refused", {
          remote: connection.remote,
          code: failure.code,
          reason: failure.text,
        });
      },
    });
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#connections) connection.close(reason);
  }

  #serve(connection: Connection): ConnectionHandlers {
    const { replica, wake, machine, options } = this.#context;
    let open = true;
    const route: Route = {
      id: replica.newRouteId(),
      relayed: false,
      answers: new AnswerWriter(),
      isOpen: () => open,
      deliver: (frame) => {
        connection.send(frame);
        if (connection.bufferedBytes() <= options.clientBufferBytesMax) return;
        machine.logger.warn("client reads its answers too slowly; connection ended", {
          remote: connection.remote,
        });
        connection.destroy();
      },
    };
    return {
      onFrame: (bytes) => {
        try {
          const frame = decodeClientFrame(bytes);
          switch (frame.kind) {
            case "writes":
              replica.onWrites(route, frame.group, frame.count);
              break;
            case "reads":
              replica.onReads(route, bytes, frame);
              break;
            default:
              unreachable(frame, "client frame");
          }
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          machine.logger.warn("malformed frame from a client; connection closed", {
            remote: connection.remote,
            reason: error.message,
          });
          connection.close(`malformed frame: ${error.message}`);
          return;
        }
        wake();
      },
      onClose: () => {
        open = false;
        this.#connections.delete(connection);
        replica.onRouteClosed(route);
      },
    };
  }
}
