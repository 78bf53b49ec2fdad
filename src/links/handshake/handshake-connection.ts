/** Runs a handshake over a connection, with a deadline; then hands the connection over. */
import type {
  Clock,
  Connection,
  ConnectionHandlers,
  DialHandlers,
  Random,
} from "../../machine/ports/index.ts";
import { type Hello, NONCE_BYTES } from "../../protocol/handshake/index.ts";
import { afterRunning } from "./after-running.ts";
import { Handshake, type HandshakeOptions, type HandshakeOutcome } from "./handshake.ts";

export type HandshakeFailure =
  | Exclude<HandshakeOutcome, { kind: "established" }>
  /** The connection ended, could not be made, or took too long. */
  | { readonly kind: "ended"; readonly text: string };

export interface HandshakeRun {
  readonly clock: Clock;
  readonly random: Random;
  /** The handshake must be over so long after the dial or the accept. */
  readonly timeoutMs: number;
  readonly handshake: Omit<HandshakeOptions, "self" | "role" | "binding"> & {
    readonly self: Omit<Hello, "authenticates" | "bound" | "nonce">;
  };
  /** @returns the handlers that get the frames from now on, and the end of the connection */
  readonly established: (
    connection: Connection,
    remote: Hello,
    session: number,
  ) => ConnectionHandlers;
  /** Exactly once, unless established. The connection is closed already. */
  readonly failed: (failure: HandshakeFailure) => void;
}

/** For a connection that was accepted. */
export function acceptWithHandshake(connection: Connection, run: HandshakeRun): ConnectionHandlers {
  const shaking = new HandshakeProcess("acceptor", run);
  shaking.attach(connection);
  return shaking;
}

/** Dials and shakes hands. Ending the connection that is returned ends either. */
export function dialWithHandshake(
  dial: (handlers: DialHandlers) => Connection,
  run: HandshakeRun,
): Connection {
  const shaking = new HandshakeProcess("dialer", run);
  const connection = dial(shaking);
  shaking.attach(connection);
  return connection;
}

class HandshakeProcess implements DialHandlers {
  readonly #run: HandshakeRun;
  readonly #handshake: Handshake;
  readonly #cancelDeadline: () => void;
  #connection: Connection | null = null;
  #handlers: ConnectionHandlers | null = null;
  #over = false;

  constructor(role: "dialer" | "acceptor", run: HandshakeRun) {
    this.#run = run;
    const self = { ...run.handshake.self, nonce: run.random.bytes(NONCE_BYTES) };
    const binding = (): Uint8Array | null => this.#connection?.security()?.binding ?? null;
    this.#handshake = new Handshake({ ...run.handshake, role, self, binding });
    this.#cancelDeadline = afterRunning(run.clock, run.timeoutMs, () => {
      const text = `no handshake within ${run.timeoutMs} ms`;
      this.#connection?.destroy();
      this.#fail({ kind: "ended", text });
    });
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  onOpen(): void {
    for (const frame of this.#handshake.start()) this.#connection?.send(frame);
  }

  onFrame(frame: Uint8Array): void {
    if (this.#handlers !== null) return this.#handlers.onFrame(frame);
    const connection = this.#connection;
    if (this.#over || connection === null) return;
    const step = this.#handshake.receive(frame);
    for (const bytes of step.send) connection.send(bytes);
    const { outcome } = step;
    if (outcome === null) return;
    if (outcome.kind === "established") {
      this.#over = true;
      this.#cancelDeadline();
      connection.admit();
      this.#handlers = this.#run.established(connection, outcome.remote, outcome.session);
      return;
    }
    connection.close(outcome.text);
    this.#fail(outcome);
  }

  onClose(reason: string): void {
    if (this.#handlers !== null) this.#handlers.onClose(reason);
    else this.#fail({ kind: "ended", text: reason });
  }

  #fail(failure: HandshakeFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelDeadline();
    this.#run.failed(failure);
  }
}
