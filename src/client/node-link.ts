/** One connection to one node: dialed when it is needed, handshake included, dialed again when it is needed again. */
import { KvError } from "../base/errors.ts";
import { dialWithHandshake, type HandshakeFailure } from "../links/handshake-connection.ts";
import type { Clock } from "../ports/clock.ts";
import type { Connection, Network } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import { REFUSALS } from "../wire/handshake.ts";
import type { NodeAddress } from "./types.ts";

export interface LinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** Null: not checked. */
  readonly clusterId: string | null;
  readonly secret: string | null;
  /** From the dial until the handshake is over. */
  readonly connectTimeoutMs: number;
}

/** None of them is called from within a call of the link. */
export interface LinkHandlers {
  onOpen(): void;
  onFrame(frame: Uint8Array): void;
  /** The link was open and is no more: what was sent may or may not have arrived. */
  onLost(error: KvError): void;
  /** It could not be opened: nothing was sent. */
  onUnreachable(error: KvError): void;
}

export class NodeLink {
  readonly node: NodeAddress;
  readonly #channel: "client" | "admin";
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  #state: "idle" | "connecting" | "open" = "idle";
  #connection: Connection | null = null;
  #closed = false;

  constructor(
    node: NodeAddress,
    channel: "client" | "admin",
    options: LinkOptions,
    handlers: LinkHandlers,
  ) {
    this.node = node;
    this.#channel = channel;
    this.#options = options;
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get address(): string {
    return `${this.node.host}:${this.node.port}`;
  }

  /** Bytes handed over and not yet taken by the operating system. */
  bufferedBytes(): number {
    return this.#connection?.bufferedBytes() ?? 0;
  }

  /** Dials unless the link is open or being opened. */
  open(): void {
    if (this.#state !== "idle" || this.#closed) return;
    this.#state = "connecting";
    const { clock, random, network, clusterId, secret, connectTimeoutMs } = this.#options;
    this.#connection = dialWithHandshake(
      (handlers) => network.dial(this.node, this.#channel, handlers),
      {
        clock,
        random,
        timeoutMs: connectTimeoutMs,
        handshake: {
          secret,
          self: {
            channel: this.#channel,
            clusterId,
            nodeId: null,
            targetId: this.node.id,
            incarnation: null,
            peer: null,
            configurationId: null,
          },
        },
        established: (connection) => {
          this.#connection = connection;
          this.#state = "open";
          // The peer must get our last handshake frame before anything else: it is queued when this call returns.
          clock.endOfTurn(() => {
            if (this.#state === "open" && !this.#closed) this.#handlers.onOpen();
          });
          return {
            onFrame: (frame) => this.#handlers.onFrame(frame),
            onClose: (reason) => {
              this.#state = "idle";
              this.#connection = null;
              if (!this.#closed) this.#handlers.onLost(this.#lost(reason));
            },
          };
        },
        failed: (failure) => {
          this.#state = "idle";
          this.#connection = null;
          if (!this.#closed) this.#handlers.onUnreachable(this.#unreachable(failure));
        },
      },
    );
  }

  send(frame: Uint8Array): void {
    this.#connection?.send(frame);
  }

  /** Ends an open connection at once, as if it had been lost; the link may be opened again. */
  drop(): void {
    this.#connection?.destroy();
  }

  /** For good. No handler is called any more. */
  close(): void {
    this.#closed = true;
    this.#connection?.close("client closed");
    this.#connection = null;
  }

  #lost(reason: string): KvError {
    const text = `the connection to node ${this.node.id} at ${this.address} was lost: ${reason}`;
    return new KvError("CONNECTION_LOST", text);
  }

  #unreachable(failure: HandshakeFailure): KvError {
    const where = `node ${this.node.id} at ${this.address}`;
    if (failure.kind === "ended") {
      return new KvError("CONNECTION_FAILED", `cannot connect to ${where}: ${failure.text}`);
    }
    return new KvError(REFUSALS[failure.code], `${where}: ${failure.text}`, { definite: true });
  }
}
