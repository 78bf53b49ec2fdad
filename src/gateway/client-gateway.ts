/** Client connections: handshake, frames in, one frame of answers a turn out, and a fair share of each turn. */
import { acceptWithHandshake } from "../links/handshake-connection.ts";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import type { Replica } from "../replica/replica.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import { ClientConnection, type ClientGate } from "./client-connection.ts";
import { Pace } from "./pace.ts";
import { clientHello, type GatewayContext } from "./context.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;

export class ClientGateway implements ClientGate {
  readonly replica: Replica;
  readonly unreadBytesMax: number;
  readonly pace: Pace;
  turn = 1;
  readonly #context: GatewayContext;
  readonly #budget: BufferBudget;
  /** Have not shaken hands: the network bounds them. */
  readonly #shaking = new Set<Connection>();
  readonly #connections = new Set<ClientConnection>();
  /** Those with something that waits for its turn. */
  readonly #queue = new Set<ClientConnection>();
  #stopped = false;

  constructor(context: GatewayContext, budget: BufferBudget) {
    this.#context = context;
    this.#budget = budget;
    this.replica = context.replica;
    this.pace = new Pace(context.machine.clock, () => this.replica.served.othersEntries);
    this.unreadBytesMax = context.options.clientBufferBytesMax;
  }

  get connections(): number {
    return this.#connections.size;
  }

  accept(connection: Connection): ConnectionHandlers {
    const { options, machine, strangers } = this.#context;
    if (this.#stopped) {
      connection.close("node stops");
      return { onFrame: () => {}, onClose: () => {} };
    }
    this.#shaking.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: { self: clientHello(options, "client"), secret: options.secret },
      established: () => this.#established(connection),
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (failure.kind === "ended") return;
        const { code, text } = failure;
        strangers.warn("client refused", { remote: connection.remote, code, reason: text });
      },
    });
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#shaking) connection.close(reason);
    for (const connection of this.#connections) connection.close(reason);
  }

  /** A turn begins: whoever waits gets its share of it. */
  beginTurn(): void {
    this.turn += 1;
    this.pace.beginTurn();
    if (this.#queue.size === 0) return;
    // Those who go to the end of the queue are met again there.
    const waiting = Array.from(this.#queue);
    for (const connection of waiting) {
      this.#queue.delete(connection);
      // Those of whom something is left stand behind those who were not served.
      if (connection.serve()) this.#queue.add(connection);
    }
  }

  /** The turn is over, and another one would get somebody on who waits. */
  get hasWork(): boolean {
    for (const connection of this.#queue) if (connection.canGoOn) return true;
    return false;
  }

  wake(): void {
    this.#context.wake();
  }

  queued(connection: ClientConnection): void {
    this.#queue.add(connection);
  }

  held(connection: ClientConnection, bytes: number): void {
    this.#budget.changed(connection, bytes);
  }

  ended(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#queue.delete(connection);
    this.#budget.remove(connection);
  }

  misbehaved({ remote }: ClientConnection, what: string, reason: string): void {
    this.#context.strangers.warn(what, { remote, reason });
  }

  #established(connection: Connection): ConnectionHandlers {
    this.#shaking.delete(connection);
    if (this.#connections.size >= this.#context.options.clientConnectionsMax) {
      connection.close("too many connections");
      return { onFrame: () => {}, onClose: () => {} };
    }
    const client = new ClientConnection(this, connection);
    this.#connections.add(client);
    this.#budget.add(client);
    return client;
  }
}
